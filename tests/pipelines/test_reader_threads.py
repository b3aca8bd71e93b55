"""Totals are exact while threads record, look and export."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from metric_points import points_of, values_of
from opentelemetry.sdk.resources import Resource

from langswarm_otel import guard
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

THREADS = 4
EACH = 1_500


@pytest.fixture(autouse=True)
def _many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def run(work: Callable[[], None], meanwhile: Callable[[], None]) -> None:
    """Run the work in four threads, and something else again and again until they are done."""
    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        meanwhile()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_totals_are_exact_under_looks_and_exports(temporality: Any) -> None:
    """Two more threads look all the time, a third exports: nothing is lost and nothing counted twice."""
    reader = SwitchReader(temporality=temporality)
    meter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m")
    counter, histogram, updown = meter.create_counter("c"), meter.create_histogram("h"), meter.create_up_down_counter("u")
    exported: list[Any] = []
    done = threading.Event()

    def work() -> None:
        for turn in range(EACH):
            counter.add(1, {"k": turn % 3})
            histogram.record(turn % 7, {"k": turn % 3})
            updown.add(1 if turn % 2 else -1)

    def look() -> None:
        while not done.is_set():
            reader.peek()

    looking = [threading.Thread(target=look) for _ in range(2)]
    for thread in looking:
        thread.start()
    try:
        run(work, lambda: exported.append(reader.take()))
    finally:
        done.set()
        for thread in looking:
            thread.join()
    exported.append(reader.take())
    total = THREADS * EACH
    assert sum(values_of(reader.peek(), "c").values()) == total
    assert sum(point.count for point in points_of(reader.peek(), "h")) == total
    assert values_of(exported[-1], "u") == {(): 0}
    counted = exported if temporality == "delta" else exported[-1:]
    assert sum(sum(values_of(data, "c").values()) for data in counted) == total
    assert sum(point.count for data in counted for point in points_of(data, "h")) == total
    assert sum(sum(point.bucket_counts) for data in counted for point in points_of(data, "h")) == total
    assert not guard.faults()


def test_changing_the_temporality_under_load_loses_nothing() -> None:
    """Deltas and totals of one counter agree at every change: what a delta told is in the next total."""
    reader = SwitchReader()
    counter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m").create_counter("c")
    state = {"told": 0.0, "turn": 0}

    def work() -> None:
        for _ in range(EACH):
            counter.add(1)

    def export() -> None:
        state["turn"] += 1
        is_delta = state["turn"] % 3 != 0
        reader.set_temporality("delta" if is_delta else "cumulative")
        for value in values_of(reader.take(), "c").values():
            if is_delta:
                state["told"] += value
            else:
                assert value >= state["told"]
                state["told"] = value

    run(work, export)
    reader.set_temporality("cumulative")
    assert values_of(reader.take(), "c") == {(): THREADS * EACH}
    assert state["told"] <= THREADS * EACH
    assert not guard.faults()
