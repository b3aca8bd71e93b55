"""Metrics are collected at intervals, and a collection that blocks holds up nothing."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

from hub_exporters import Metrics, Spans, running, threads, wait_until

from langswarm_otel import guard
from langswarm_otel.export.hub import Target
from langswarm_otel.export.ticker import Ticker


def test_metrics_leave_at_intervals():
    """With an interval, metrics are exported without anybody asking; a new interval holds from now on; None ends it."""
    metrics = Metrics()
    with running(Target(name="t", metrics=metrics)) as (hub, source):
        source.meter.create_counter("c").add(1)
        hub.collect_every(600.0, source.collect)
        hub.collect_every(0.05, source.collect)
        assert wait_until(lambda: len(metrics.conduct.batches) >= 3)
        hub.collect_every(None, source.collect)
        time.sleep(0.2)
        before = len(metrics.conduct.batches)
        time.sleep(0.3)
        assert len(metrics.conduct.batches) == before


def test_a_blocked_collection_does_not_hold_up_spans():
    """While an observable callback blocks, spans are exported on schedule."""
    release = threading.Event()
    blocked = threading.Event()

    def collect():
        blocked.set()
        release.wait(30)

    spans = Spans()
    with running(Target(name="t", spans=spans)) as (hub, source):
        hub.collect_every(0.01, collect)
        assert blocked.wait(5.0)
        source.spans("a")
        assert wait_until(lambda: spans.names == ["a"])
        release.set()


def test_shutdown_ends_the_collection():
    """After a shutdown nothing is collected, and the thread ends; a later interval starts anew."""
    before = threads()
    calls = []
    with running(Target(name="t", spans=Spans())) as (hub, _):
        hub.collect_every(0.01, lambda: calls.append(1))
        assert wait_until(lambda: len(calls) > 2)
        hub.shutdown(5.0)
        assert wait_until(lambda: threads() <= before)
        count = len(calls)
        hub.collect_every(0.01, lambda: calls.append(1))
        assert wait_until(lambda: len(calls) > count)


def test_a_faulty_collection_goes_on():
    """A callback that raises is called again at the next interval, and is a fault of ours, logged once."""
    calls = []

    def collect():
        calls.append(1)
        raise KeyError

    ticker = Ticker()
    ticker.schedule(0.01, collect)
    assert wait_until(lambda: len(calls) > 3)
    ticker.stop()
    assert guard.faults()["collect"] > 3


def test_a_slow_collection_leads_to_no_burst():
    """Ticks that were missed while a callback blocked are not made up for."""
    times = []

    def collect():
        times.append(time.monotonic())
        if len(times) == 1:
            time.sleep(0.5)

    ticker = Ticker()
    ticker.schedule(0.1, collect)
    assert wait_until(lambda: len(times) >= 4)
    ticker.stop()
    assert min(later - earlier for earlier, later in pairwise(times[1:])) > 0.05


def test_jobs_run_once_and_in_turn():
    """``run`` calls in the ticker's thread, waits for the end, and tells whether it came in time."""
    ticker = Ticker()
    seen = []
    assert ticker.run(lambda: seen.append(threading.current_thread().name), time.monotonic() + 5.0)
    assert not ticker.run(lambda: time.sleep(0.3), time.monotonic() + 0.05)
    assert not ticker.run(lambda: seen.append("never"), time.monotonic() + 0.05)
    assert ticker.run(lambda: seen.append("last"), time.monotonic() + 5.0)
    assert seen == ["langswarm-otel collect", "last"]
    ticker.stop()
