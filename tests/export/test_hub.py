"""Offering records to a hub: they arrive, they are bounded, and the caller never notices."""

from __future__ import annotations

import threading
import time

import pytest
from hub_exporters import Logs, Metrics, Source, Spans, row, running, switch, threads, wait_until
from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from langswarm_otel import guard
from langswarm_otel.export.hub import ExportHub, Target
from langswarm_otel.export.processors import QueueSpanProcessor
from langswarm_otel.export.sdk_private import SUPPRESS_INSTRUMENTATION_KEY


def test_everything_offered_arrives_once_and_in_order():
    """Spans, log records and metric points reach the exporters of their signal, each once, in the order in which they were made."""
    spans, logs, metrics = Spans(), Logs(), Metrics()
    with running(Target(name="t", spans=spans, logs=logs, metrics=metrics)) as (hub, source):
        source.meter.create_counter("c").add(3, {"k": "v"})
        source.spans(*(f"s{number}" for number in range(1300)))
        source.logs(*range(700))
        assert hub.flush(5.0, before=source.collect)
        assert spans.names == [f"s{number}" for number in range(1300)]
        assert logs.bodies == list(range(700))
        assert [(name, point.value) for name, point in metrics.conduct.items] == [("c", 3)]
        assert [row(hub, signal).exported for signal in ("traces", "logs", "metrics")] == [1300, 700, 1]
        assert max(map(len, spans.conduct.batches)) <= 512


def test_no_thread_before_the_first_record():
    """Configuring starts no thread; the first record starts them, all daemons; idle ones wait without waking up."""
    before = threads()
    with running(Target(name="t", spans=Spans())) as (hub, source):
        assert threads() <= before
        assert hub.flush(1.0)
        assert threads() <= before
        source.spans("a")
        ours = threads() - before
        assert {thread.name for thread in ours} == {"langswarm-otel intake", "langswarm-otel traces to t"}
        assert all(thread.daemon for thread in ours)
    assert wait_until(lambda: threads() <= before)


def test_a_record_leaves_without_flush_after_the_delay():
    """A lone record is exported after the schedule delay although no batch has filled."""
    spans = Spans()
    with running(Target(name="t", spans=spans), schedule_delay_s=0.05) as (_, source):
        source.spans("a")
        assert wait_until(lambda: spans.names == ["a"])
        source.spans("b")
        assert wait_until(lambda: spans.names == ["a", "b"])


def test_a_full_batch_leaves_before_the_delay():
    """Batches that fill are exported at once, however long the delay."""
    spans = Spans()
    with running(Target(name="t", spans=spans), schedule_delay_s=600.0, max_batch=100) as (_, source):
        source.spans(*["a"] * 250)
        assert wait_until(lambda: len(spans.names) >= 100)


def test_unsampled_spans_are_not_offered():
    """A span that is recorded but not sampled is no business of the exporters."""
    spans = Spans()
    with running(Target(name="t", spans=spans)) as (hub, _):
        provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
        provider.add_span_processor(QueueSpanProcessor(hub))
        provider.get_tracer("t").start_span("a").end()
        assert hub.flush(1.0)
        assert row(hub).made == 0


def test_the_bound_is_kept_and_the_newest_refused():
    """With an exporter that hangs, the held bytes stay within the bound, older records stay queued, each refused one is counted."""
    spans = Spans(hangs=True)
    with running(Target(name="t", spans=spans), max_bytes=1_000_000, max_batch=10, schedule_delay_s=0.01) as (hub, source):
        source.spans(*(f"s{number}" for number in range(2000)))
        account = row(hub)
        assert account.made == 2000
        assert account.queued_bytes <= account.capacity_bytes == 1_000_000
        # 2 700 bytes a span: some 370 fit.
        assert 300 < account.queued + account.in_flight < 400
        assert account.dropped == {"queue_full": 2000 - account.queued - account.in_flight}
        held = account.queued + account.in_flight
        spans.conduct.free.set()
        assert not hub.flush(5.0)  # the refused ones were not exported
        assert spans.names == [f"s{number}" for number in range(held)]
        source.spans("later")
        assert hub.flush(5.0)


def test_large_records_count_by_their_size():
    """Strings count: of spans with 100 KB each, ten fill a megabyte, and one that exceeds the bound alone is refused as too large."""
    spans = Spans(hangs=True)
    with running(Target(name="t", spans=spans), max_bytes=1_000_000) as (hub, source):
        source.spans("huge", text="x" * 1_000_000)
        source.spans(*["big"] * 30, text="x" * 100_000)
        account = row(hub)
        assert account.dropped["too_large"] == 1
        assert 8 <= account.queued + account.in_flight <= 10
        assert account.made == 31


def test_all_signals_share_one_bound():
    """Log records find the queue full that spans have filled."""
    spans, logs = Spans(hangs=True), Logs(hangs=True)
    with running(Target(name="t", spans=spans, logs=logs), max_bytes=500_000) as (hub, source):
        source.spans(*["a"] * 500)
        source.logs(*range(100))
        assert sum(one.queued_bytes for one in hub.counts()) <= 500_000
        assert row(hub, "logs").dropped["queue_full"] > 90


def test_a_target_that_hangs_leaves_room_to_the_others():
    """With two targets each has half of the bound: while one hangs, the other gets everything."""
    hanging, healthy = Spans(hangs=True), Spans()
    targets = (Target(name="hanging", spans=hanging), Target(name="healthy", spans=healthy))
    with running(*targets, max_bytes=1_000_000, schedule_delay_s=0.01, max_batch=20) as (hub, source):
        for number in range(1000):
            source.spans(f"s{number}")
            if number % 20 == 0:
                assert wait_until(lambda seen=number: len(healthy.names) >= seen)
        assert wait_until(lambda: len(healthy.names) == 1000)
        account = row(hub, target="hanging")
        assert account.dropped["queue_full"] > 500
        assert account.queued_bytes <= 500_000
        assert account.made == 1000
        assert row(hub, target="healthy").dropped == {}


def test_slow_metrics_do_not_hold_up_spans():
    """Each signal of a target has a worker of its own: a metrics request that hangs leaves spans and logs alone."""
    spans, logs, metrics = Spans(), Logs(), Metrics(hangs=True)
    with running(Target(name="t", spans=spans, logs=logs, metrics=metrics)) as (hub, source):
        source.meter.create_counter("c").add(1)
        source.collect()
        source.spans("a")
        source.logs("l")
        assert not hub.flush(0.3)
        assert (spans.names, logs.bodies) == (["a"], ["l"])


def test_prepared_once_in_a_worker_for_all_targets():
    """``prepare_span`` runs once a span, not in the caller's thread; what it returns is what every target gets."""
    seen = []

    def prepare(span):
        seen.append((span.name, threading.current_thread() is threading.main_thread()))
        return None if span.name == "unfit" else span

    one, two = Spans(), Spans()
    hub = ExportHub(prepare_span=prepare)
    switch(hub, Target(name="one", spans=one), Target(name="two", spans=two))
    Source(hub).spans("a", "unfit", "b")
    assert not hub.flush(5.0)
    assert seen == [("a", False), ("unfit", False), ("b", False)]
    assert one.names == two.names == ["a", "b"]
    assert row(hub, target="one").dropped == row(hub, target="two").dropped == {"unencodable": 1}
    hub.shutdown(5.0)


def test_a_preparation_that_raises_costs_one_record():
    """A callback that raises is a fault of ours: counted, and the record with it; the next one goes on."""

    def prepare(record):
        if record.log_record.body == "bad":
            raise KeyError("no")
        return record

    logs = Logs()
    hub = ExportHub(prepare_log=prepare)
    switch(hub, Target(name="t", logs=logs))
    Source(hub).logs("a", "bad", "b")
    assert not hub.flush(5.0)
    assert logs.bodies == ["a", "b"]
    assert row(hub, "logs").dropped == {"unencodable": 1}
    assert guard.faults() == {"prepare logs": 1}
    hub.shutdown(5.0)


def test_offering_nonsense_does_not_raise():
    """Whatever is handed in, nothing reaches the caller; it is a fault of ours."""
    with running(Target(name="t", spans=Spans())) as (hub, _):
        hub.offer_span(object())  # type: ignore[arg-type]
        hub.offer_log(None)  # type: ignore[arg-type]
        hub.offer_metrics(7)  # type: ignore[arg-type]
        assert sum(guard.faults().values()) == 3


def test_workers_suppress_instrumentation():
    """In the exporting thread the key is set that keeps instrumentors of HTTP clients from making spans."""
    seen = []
    spans = Spans(raises=lambda _: seen.append(otel_context.get_value(SUPPRESS_INSTRUMENTATION_KEY)))
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        assert hub.flush(5.0)
    assert seen == [True]


def test_what_an_exporter_itself_makes_is_not_exported():
    """Spans and log records made while exporting do not go round for ever."""
    spans, logs = Spans(), Logs()
    with running(Target(name="t", spans=spans, logs=logs)) as (hub, source):

        def chatter(_):
            source.spans("about exporting")
            source.logs("about exporting")

        spans.conduct.raises = logs.conduct.raises = chatter
        source.spans("a")
        source.logs("l")
        assert hub.flush(5.0)
        assert hub.flush(5.0)
        assert (spans.names, logs.bodies) == (["a"], ["l"])


def test_a_signal_without_exporter_costs_nothing():
    """Records of a signal that no target takes are neither kept nor counted as lost."""
    with running(Target(name="t", spans=Spans())) as (hub, source):
        source.logs(*range(100))
        assert hub.flush(5.0)
        assert {one.signal for one in hub.counts()} == {"traces"}
        assert row(hub).queued_bytes == 0


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_state_tells_the_last_try(signal):
    """Idle before anything, ok after a success, failing after a failure with its cause and time, ok again after recovery."""
    exporter = {"traces": Spans, "logs": Logs, "metrics": Metrics}[signal]()
    field = {"traces": "spans", "logs": "logs", "metrics": "metrics"}[signal]
    with running(Target(name="t", **{field: exporter})) as (hub, source):
        counter = source.meter.create_counter("c")

        def export() -> bool:
            counter.add(1)
            source.spans("a")
            source.logs("l")
            return hub.flush(5.0, before=source.collect)

        assert row(hub, signal).state == "idle"
        assert export()
        good = row(hub, signal)
        assert (good.state, good.last_error) == ("ok", None)
        assert time.time() - good.last_success_at < 30
        exporter.conduct.fails = True
        assert not export()
        bad = row(hub, signal)
        assert (bad.state, bad.dropped) == ("failing", {"export_failed": 1})
        assert bad.last_error
        assert time.time() - bad.last_error_at < 30
        exporter.conduct.fails = False
        assert export()
        assert row(hub, signal).state == "ok"
