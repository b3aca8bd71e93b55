"""Shutting down: bounded in every case, everything out that can get out, the rest counted."""

from __future__ import annotations

import threading
import time

import pytest
from hub_exporters import Logs, Metrics, Source, Spans, row, running, switch, threads, wait_until

from langswarm_otel.export.hub import ExportHub, Target


def test_everything_gets_out():
    """A shutdown exports what is queued, shuts every exporter down once, ends every thread, and says True."""
    before = threads()
    spans, logs, metrics = Spans(), Logs(), Metrics()
    hub = ExportHub()
    switch(hub, Target(name="t", spans=spans, logs=logs, metrics=metrics), schedule_delay_s=600.0)
    source = Source(hub)
    hub.collect_every(600.0, source.collect)
    source.spans(*["a"] * 600)
    source.logs("l")
    assert hub.shutdown(5.0)
    assert (len(spans.names), logs.bodies) == (600, ["l"])
    assert [exporter.conduct.shutdowns for exporter in (spans, logs, metrics)] == [1, 1, 1]
    assert wait_until(lambda: threads() <= before)


def test_a_second_shutdown_changes_nothing():
    """It is idempotent and True."""
    spans = Spans()
    hub = ExportHub()
    switch(hub, Target(name="t", spans=spans))
    assert hub.shutdown(5.0)
    assert hub.shutdown(5.0)
    assert spans.conduct.shutdowns == 1


@pytest.mark.parametrize("timeout_s", [0.0, 0.3])
def test_a_hanging_exporter_does_not_hold_it_up(timeout_s):
    """With an exporter that hangs it is over at its deadline and False; everything left, the batch in the worker's hands too, is counted
    as ``deadline``.
    """
    spans, logs = Spans(hangs=True), Logs()
    with running(Target(name="t", spans=spans, logs=logs), max_batch=10, schedule_delay_s=0.01) as (hub, source):
        source.logs("l")
        source.spans(*["a"] * 95)
        assert spans.conduct.entered.wait(5.0)
        begin = time.monotonic()
        assert not hub.shutdown(timeout_s)
        assert time.monotonic() - begin < timeout_s + 0.4
        account = row(hub)
        assert account.dropped == {"deadline": 95}
        assert account.queued_bytes == account.queued == account.in_flight == 0
        if timeout_s:
            assert logs.bodies == ["l"]
        spans.conduct.free.set()
        assert wait_until(lambda: spans.conduct.shutdowns == 1)
        assert row(hub).exported == 0


def test_later_offers_are_counted():
    """What comes after is counted as ``after_shutdown``, keeps no memory, starts no thread, and makes the next flush False."""
    before = threads()
    hub = ExportHub()
    switch(hub, Target(name="t", spans=Spans()))
    source = Source(hub)
    source.spans("a")
    hub.shutdown(5.0)
    source.spans(*["late"] * 50)
    assert row(hub, target="").dropped == {"after_shutdown": 50}
    assert row(hub, target="").queued_bytes == 0
    assert wait_until(lambda: threads() <= before)
    assert not hub.flush(1.0)
    assert hub.flush(1.0)


def test_an_exporter_whose_shutdown_raises_or_blocks():
    """An exporter that cannot be shut down decently costs its own time only, never more than the deadline."""
    release = threading.Event()

    class Raising(Spans):
        def shutdown(self) -> None:
            raise RuntimeError("no")

    class Blocking(Logs):
        def shutdown(self) -> None:
            release.wait(30)

    logs = Blocking()
    with running(Target(name="t", spans=Raising(), logs=logs)) as (hub, source):
        source.spans("a")
        source.logs("l")
        begin = time.monotonic()
        assert not hub.shutdown(0.3)
        assert time.monotonic() - begin < 0.9
        assert logs.bodies == ["l"]
        release.set()


def test_the_signals_share_one_deadline():
    """Three signals that hang take one deadline together and not three."""
    target = Target(name="t", spans=Spans(hangs=True), logs=Logs(hangs=True), metrics=Metrics(hangs=True))
    with running(target) as (hub, source):
        source.meter.create_counter("c").add(1)
        source.collect()
        source.spans("a")
        source.logs("l")
        begin = time.monotonic()
        assert not hub.shutdown(0.4)
        assert time.monotonic() - begin < 0.9
        assert {one.signal: one.dropped for one in hub.counts()} == {signal: {"deadline": 1} for signal in ("traces", "metrics", "logs")}
