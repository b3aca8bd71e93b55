"""What a server may ask for, and how long pauses are."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from langswarm_otel.export.retries import back_off_s, retry_after_s


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", 0.0), ("7", 7.0), (" 1.5 ", 1.5), ("-3", 0.0), ("nan", None), ("inf", None), ("soon", None), ("", None), (None, None)],
)
def test_seconds(value, expected):
    """Only finite numbers, never below zero."""
    assert retry_after_s(value) == expected


def test_dates():
    """A date is the time until then; one that has passed is now; one that is none says nothing."""
    assert 55 < retry_after_s(formatdate(time.time() + 60, usegmt=True)) <= 60
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00") == 0.0
    assert retry_after_s("Wed, 99 Oct 2015 07:28:00 GMT") is None
    assert retry_after_s("Wed, 21 Oct 999999999999 07:28:00 GMT") is None


def test_pauses_double():
    """About 1, 2, 4 ... seconds, with a fifth of jitter."""
    for attempt, expected in enumerate([1, 2, 4, 8, 16]):
        assert 0.8 * expected <= back_off_s(attempt) <= 1.2 * expected
