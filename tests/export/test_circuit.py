"""While an endpoint is left alone, records wait; a flush tries once and tells the truth; a shutdown gives up what is left, counted."""

from __future__ import annotations

import threading
import time

import pytest
from hub_exporters import Logs, Metrics, Spans, row, running, switch, wait_until

from langswarm_otel.export.breaker import Breaker
from langswarm_otel.export.delivery import Delivery
from langswarm_otel.export.hub import Target
from langswarm_otel.export.lane import MOST_TRIES


class Circuited:
    """Mixed into the recording exporters: reachable or not, with a circuit."""

    def __init__(self, breaker, *, down=True):
        super().__init__()
        self.breaker = breaker
        self.down = down
        self.insisted = False
        self.tries = 0

    def insist(self):
        self.insisted = True

    def deliver(self, batch):
        admission = self.breaker.admit(insist=self.insisted)
        if admission.name == "NO":
            return Delivery(fault="send", again=True, cause="left alone")
        self.insisted = False
        self.tries += 1
        if self.down:
            self.breaker.failed("refused")
            return Delivery(fault="send", again=True, cause="refused")
        self.breaker.succeeded()
        self.export(batch)
        return Delivery()


class CircuitedSpans(Circuited, Spans):
    pass


class CircuitedLogs(Circuited, Logs):
    pass


class CircuitedMetrics(Circuited, Metrics):
    pass


def patient(**changes):
    """A circuit that stays open for as long as the test takes."""
    return Breaker(first_open_s=600.0, longest_open_s=600.0, **changes)


def test_an_outage_loses_nothing_that_fits():
    """Spans made while the endpoint is down wait, and arrive once and in order when it is back, without anybody's help."""
    spans = CircuitedSpans(Breaker(first_open_s=0.05, longest_open_s=0.05))
    names = [f"s{number}" for number in range(2000)]
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans(*names[:1000])
        assert wait_until(lambda: spans.tries > 5)
        source.spans(*names[1000:])
        account = row(hub)
        assert (account.state, account.queued + account.in_flight, account.dropped) == ("failing", 2000, {})
        spans.down = False
        assert wait_until(lambda: row(hub).exported == 2000)
        assert spans.names == names
        account = row(hub)
        assert (account.state, account.queued, account.in_flight, account.queued_bytes) == ("ok", 0, 0, 0)


def test_an_endpoint_that_is_left_alone_is_not_asked():
    """However much comes."""
    spans = CircuitedSpans(patient())
    with running(Target(name="t", spans=spans), schedule_delay_s=0.01) as (hub, source):
        source.spans("first")
        assert wait_until(lambda: spans.breaker.is_open)
        tries = spans.tries
        for _ in range(20):
            source.spans(*["later"] * 50)
            time.sleep(0.02)
        assert spans.tries == tries
        assert row(hub).queued == 1001


def test_a_flush_tries_once_and_keeps_what_fails():
    """It is False, soon, and nothing is given up by it; when the endpoint is back, it brings everything there."""
    spans = CircuitedSpans(patient())
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a", "b")
        assert not hub.flush(10.0)
        tries = spans.tries
        assert not hub.flush(10.0)
        assert spans.tries == tries + 1
        assert (row(hub).queued, row(hub).dropped) == (2, {})
        spans.down = False
        assert hub.flush(10.0)
        assert spans.names == ["a", "b"]
        assert hub.flush(10.0)


def test_signals_of_one_endpoint_follow_each_other():
    """What one signal finds out holds for the others: none of them waits for its own turn."""
    breaker = patient()
    spans, logs = CircuitedSpans(breaker), CircuitedLogs(breaker)
    with running(Target(name="t", spans=spans, logs=logs)) as (hub, source):
        source.spans("a")
        assert wait_until(lambda: breaker.is_open)
        source.logs("b")
        assert wait_until(lambda: row(hub, "logs").queued == 1)
        assert not logs.tries
        spans.down = logs.down = False
        breaker.succeeded()
        assert wait_until(lambda: (spans.names, logs.bodies) == (["a"], ["b"]))


def test_metrics_wait_too():
    """A collection that could not be sent is sent later, before the next one."""
    metrics = CircuitedMetrics(patient())
    with running(Target(name="t", metrics=metrics)) as (hub, source):
        counter = source.meter.create_counter("c")
        counter.add(1)
        assert not hub.flush(10.0, before=source.collect)
        counter.add(1)
        metrics.down = False
        assert hub.flush(10.0, before=source.collect)
        assert [point.value for _, point in metrics.conduct.items] == [1, 2]
        assert not row(hub, "metrics").queued_bytes


def test_a_shutdown_gives_up_at_once():
    """One last try, and what is left is counted; there is nothing to wait for."""
    spans = CircuitedSpans(patient())
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans(*["a"] * 2000)
        assert wait_until(lambda: spans.breaker.is_open)
        tries = spans.tries
        begun = time.monotonic()
        assert not hub.shutdown(30.0)
        assert time.monotonic() - begun < 15.0
        assert spans.tries == tries + 1
        (account,) = hub.counts()
        assert (account.dropped, account.queued, account.in_flight) == ({"export_failed": 2000}, 0, 0)
        assert spans.conduct.shutdowns == 1


def test_a_new_configuration_does_not_wait_either():
    """What was queued for an endpoint that is left alone is given up with it, and the new target gets what comes after."""
    old, new = CircuitedSpans(patient()), Spans()
    with running(Target(name="old", spans=old)) as (hub, source):
        source.spans("a")
        assert wait_until(lambda: old.breaker.is_open)
        assert not switch(hub, Target(name="new", spans=new))
        source.spans("b")
        assert wait_until(lambda: row(hub, target="new").exported == 1)
        assert new.names == ["b"]
        assert row(hub, target="old").dropped == {"export_failed": 1}


def test_a_batch_that_spoils_every_request_is_given_up():
    """After so many failures in a row the head of the queue goes, and the others get their turn."""

    class Spoiled(CircuitedSpans):
        def deliver(self, batch):
            self.down = any(span.name == "bad" for span in batch)
            return super().deliver(batch)

    spans = Spoiled(Breaker(first_open_s=0.001, longest_open_s=0.001))
    with running(Target(name="t", spans=spans), max_batch=2) as (hub, source):
        source.spans("bad", "with it", "good", "too")
        assert wait_until(lambda: row(hub).exported == 2)
        assert spans.names == ["good", "too"]
        assert row(hub).dropped == {"export_failed": 2}
        assert spans.tries == MOST_TRIES + 1


def test_flushes_do_not_use_up_the_tries_of_a_batch():
    """However often an application flushes while its endpoint is away, what waits stays."""
    spans = CircuitedSpans(patient())
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        for _ in range(2 * MOST_TRIES):
            assert not hub.flush(10.0)
        assert spans.tries > 2 * MOST_TRIES
        assert (row(hub).queued, row(hub).dropped) == (1, {})


@pytest.mark.parametrize("hold", [True, False])
def test_the_bound_holds_during_an_outage(hold):
    """Beyond it the newest are refused and counted, with a circuit as without."""
    spans = CircuitedSpans(patient()) if hold else Spans(hangs=True)
    bound = 1024 * 1024
    with running(Target(name="t", spans=spans), max_bytes=bound) as (hub, source):
        for _ in range(20):
            source.spans(*["a"] * 100)
        account = row(hub)
        assert account.queued_bytes <= bound
        assert account.dropped["queue_full"] + account.queued + account.in_flight == 2000


def test_what_is_not_tried_counts_no_try():
    """Another signal is just trying the endpoint: a batch that is turned away stays, however often, and uses up nothing."""

    class TurnedAway(CircuitedSpans):
        def deliver(self, batch):
            self.tries += 1
            if self.down:
                return Delivery(fault="send", again=True, untried=True, cause="left alone")
            return super().deliver(batch)

    spans = TurnedAway(Breaker())
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        assert wait_until(lambda: spans.tries > 3 * MOST_TRIES)
        spans.down = False
        assert wait_until(lambda: row(hub).exported == 1)
        assert not row(hub).dropped


def test_a_childs_first_record_is_not_lost_while_its_lanes_are_made():
    """Right after a fork: a flush by another thread waits for the lanes instead of counting the record as one without a target."""
    made, free, slow = [], threading.Event(), threading.Event()

    def build():
        slow.set()
        free.wait(10)
        made.append(Spans())
        return Target(name="t", spans=made[-1], renew=build)

    with running(Target(name="t", spans=Spans(), renew=build)) as (hub, source):
        hub.after_fork_in_child()
        first = threading.Thread(target=source.spans, args=("a",))
        first.start()
        assert slow.wait(10)
        answers = []
        second = threading.Thread(target=lambda: answers.append(hub.flush(10.0)))
        second.start()
        time.sleep(0.1)
        free.set()
        first.join()
        second.join()
        assert answers == [True]
        assert [spans.names for spans in made] == [["a"]]
        assert not row(hub).dropped


def test_a_record_that_comes_while_lanes_are_made_is_looked_at():
    """Whoever makes the lanes of a child, a look at the counts for instance, wakes the worker for what came meanwhile."""
    made, free, slow = [], threading.Event(), threading.Event()

    def build():
        slow.set()
        free.wait(10)
        made.append(Spans())
        return Target(name="t", spans=made[-1], renew=build)

    with running(Target(name="t", spans=Spans(), renew=build)) as (hub, source):
        hub.after_fork_in_child()
        counting = threading.Thread(target=hub.counts)
        counting.start()
        assert slow.wait(10)
        source.spans("a")
        free.set()
        counting.join()
        assert wait_until(lambda: made[-1].names == ["a"])
