"""The circuit of an endpoint, with a clock of its own."""

from __future__ import annotations

import pytest

from langswarm_otel.export.breaker import LONGEST_ASKED_S, Admission, Breaker


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock, **options) -> Breaker:
    breaker = Breaker(clock=clock, **options)
    for _ in range(3):
        breaker.failed("refused")
    return breaker


def test_a_few_failures_in_a_row_open_it(clock):
    """A success in between starts the count anew."""
    breaker = Breaker(clock=clock)
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert (breaker.state, breaker.is_open, breaker.wait_s(), breaker.admit()) == ("closed", False, 0.0, Admission.FREELY)
    for _ in range(3):
        breaker.failed("refused")
    assert (breaker.state, breaker.is_open, breaker.cause, breaker.admit()) == ("open", True, "refused", Admission.NO)
    assert 0.8 <= breaker.wait_s() <= 1.2


def test_one_at_a_time_sees_whether_it_is_back(clock):
    """The first that comes after the time is admitted, and whoever comes meanwhile is not."""
    breaker = opened(clock)
    clock.now += breaker.wait_s()
    assert (breaker.state, breaker.wait_s()) == ("half_open", 0.0)
    assert breaker.admit() is Admission.ONCE
    assert (breaker.state, breaker.admit()) == ("half_open", Admission.NO)
    breaker.succeeded()
    assert (breaker.state, breaker.admit()) == ("closed", Admission.FREELY)


def test_one_that_never_tells_does_not_keep_it_half_open(clock):
    """After a while another one is admitted."""
    breaker = opened(clock)
    clock.now += breaker.wait_s()
    assert breaker.admit() is Admission.ONCE
    clock.now += breaker.wait_s()
    assert breaker.admit() is Admission.ONCE


def test_the_distances_grow_to_a_bound(clock):
    """Twice as long after each try that fails, and not longer than the bound, with a fifth of jitter."""
    breaker = opened(clock)
    waits = []
    for _ in range(8):
        waits.append(breaker.wait_s())
        clock.now += breaker.wait_s()
        assert breaker.admit() is Admission.ONCE
        breaker.failed()
    for wait_s, expected in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert 0.8 * expected <= wait_s <= 1.2 * expected


def test_failures_of_what_was_under_way_change_nothing(clock):
    """Retries of batches that were being sent when it opened say nothing new."""
    breaker = opened(clock)
    before = breaker.wait_s()
    for _ in range(10):
        breaker.failed("again")
    assert breaker.wait_s() == before


def test_whoever_insists_may_try_once(clock):
    """A failure then leaves the circuit as it was, a success closes it."""
    breaker = opened(clock)
    before = breaker.wait_s()
    assert breaker.admit(insist=True) is Admission.ONCE
    breaker.failed()
    assert breaker.wait_s() == before
    breaker.succeeded()
    assert breaker.state == "closed"


def test_the_server_may_ask_for_more(clock):
    """``Retry-After`` keeps it open for longer than it would be, within reason."""
    breaker = Breaker(clock=clock)
    for _ in range(3):
        breaker.failed("HTTP 429", asked_s=20.0)
    assert breaker.wait_s() == 20.0
    clock.now += 20.0
    assert breaker.admit() is Admission.ONCE
    breaker.failed("HTTP 429", asked_s=1e9)
    assert breaker.wait_s() == LONGEST_ASKED_S


def test_whoever_waits_is_told_that_it_closes(clock):
    """Once for each outage, and not for successes without one."""
    breaker, told = Breaker(clock=clock), []
    breaker.watch(lambda: told.append(1))
    breaker.succeeded()
    assert told == []
    for _ in range(3):
        breaker.failed()
    breaker.succeeded()
    breaker.succeeded()
    assert told == [1]


def test_who_asks_for_patience_is_left_alone_at_once():
    """A first answer with ``Retry-After`` opens the circuit for that long; two failures without one do not."""
    asked, plain = Breaker(), Breaker()
    asked.failed("HTTP 503", asked_s=60.0)
    assert asked.wait_s() > 50.0
    plain.failed("refused")
    plain.failed("refused")
    assert not plain.is_open
