"""Ends that are put aside while the garbage collector runs."""

from __future__ import annotations

import gc

import pytest

from langswarm_otel import guard
from langswarm_otel.components import settling


class Finalised:
    """Calls back while the collector frees it."""

    def __init__(self, call):
        self.call = call
        self.cycle = self

    def __del__(self):
        self.call()


@pytest.fixture(autouse=True)
def _watching():
    settling.settle()
    settling.watch_collector()
    settling.watch_collector()
    yield
    settling.settle()


def test_only_inside_of_the_collector():
    """Outside of it an end is not put aside; inside it is, and carried out once, by whoever settles."""
    ended, answers = [], []
    assert not settling.put_aside(lambda: ended.append("outside"))
    Finalised(lambda: answers.append(settling.put_aside(lambda: ended.append("inside"))))
    gc.collect()
    assert answers == [True]
    assert ended == []
    settling.settle()
    settling.settle()
    assert ended == ["inside"]


def test_the_collector_is_watched_once():
    """However many handles there are."""
    assert gc.callbacks.count(settling._watch) == 1


def test_what_is_put_aside_is_bounded(monkeypatch):
    """Beyond the bound ends are given up, and that is a counted fault."""
    monkeypatch.setattr(settling, "MAX_WAITING", 2)
    ended = []
    for number in range(4):
        Finalised(lambda number=number: settling.put_aside(lambda: ended.append(number)))
    gc.collect()
    settling.settle()
    assert len(ended) == 2
    assert guard.faults() == {"ends put aside": 1}
