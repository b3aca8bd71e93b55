"""Collectors that answer and take nothing are told about once, cost few requests, and cannot falsify the account."""

from __future__ import annotations

import logging
import threading

import pytest
from hub_exporters import OtlpSettings, Source, Spans, build, row, running, switch
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from langswarm_otel import configure_observability
from langswarm_otel.export.causes import shorten
from langswarm_otel.export.delivery import Delivery
from langswarm_otel.export.hub import ExportHub, Target

pytestmark = pytest.mark.usefixtures("each_exporter")


def target(server) -> Target:
    """A target of spans."""
    return Target(name=server.endpoint, spans=build("traces", OtlpSettings(url=f"{server.endpoint}/v1/traces")))


def warnings(caplog) -> list[str]:
    """What we have said at WARNING or above."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING and record.name == "langswarm_otel"]


def rejecting(count: int) -> ExportTraceServiceResponse:
    """A success that is none for so many spans."""
    return ExportTraceServiceResponse(partial_success={"rejected_spans": count, "error_message": "quota\x1b[31m exceeded"})


@pytest.mark.parametrize(("rejected", "expected"), [(-5, (20, {})), (25, (0, {"rejected": 20})), (-(2**63), (20, {}))])
def test_rejections_are_believed_within_reason(otlp_server, rejected, expected):
    """No answer makes more or less of a batch than it was."""
    otlp_server.answer(200, body=rejecting(rejected))
    with running(target(otlp_server), schedule_delay_s=600.0) as (hub, source):
        source.spans(*["a"] * 20)
        hub.flush(5.0)
        account = row(hub)
        assert (account.exported, account.dropped, account.made) == (*expected, 20)


def test_always_413(otlp_server, caplog):
    """A Collector that finds everything too large is a failing target: one warning, few requests, all counted; later it may recover."""
    caplog.set_level(logging.INFO)
    otlp_server.answer(413)
    with running(target(otlp_server), schedule_delay_s=600.0) as (hub, source):
        for _ in range(2):
            source.spans(*["a"] * 512)
            assert not hub.flush(10.0)
        account = row(hub)
        assert (account.state, account.exported, account.dropped) == ("failing", 0, {"too_large": 1024})
        assert len(otlp_server.requests) < 2 * 30
        (warning,) = warnings(caplog)
        assert warning.startswith(f"telemetry does not reach {otlp_server.endpoint} (HTTP 413")
        assert "langswarm-otel doctor" in warning
        otlp_server.healthy()
        source.spans("a")
        assert hub.flush(10.0)
        assert row(hub).state == "ok"
        assert f"telemetry reaches {otlp_server.endpoint} again" in caplog.text


def test_everything_rejected(otlp_server, caplog):
    """A Collector that says 200 and keeps nothing is a failing target too, with its words as the cause, and those cannot paint the log."""
    otlp_server.answer(200, body=rejecting(7))
    with running(target(otlp_server), schedule_delay_s=600.0) as (hub, source):
        for _ in range(3):
            source.spans(*["a"] * 7)
            assert not hub.flush(5.0)
        account = row(hub)
        assert (account.state, account.dropped) == ("failing", {"rejected": 21})
        (warning,) = warnings(caplog)
        assert "quota?[31m exceeded" in warning
        otlp_server.answer(200, body=rejecting(1))
        source.spans(*["a"] * 7)
        assert not hub.flush(5.0)
        assert row(hub).state == "ok"  # it takes some


def test_large_records_among_small_ones_are_found():
    """A search that finds small records in between goes on to the end, however many large ones there are."""

    class Choosy(Spans):
        def deliver(self, batch):
            if any(span.name.startswith("large") for span in batch):
                return Delivery(fault="too_large", cause="413")
            self.conduct.take(batch, batch)
            return Delivery()

    names = [f"large{number}" if number % 4 else f"small{number}" for number in range(100)]
    spans = Choosy()
    with running(Target(name="t", spans=spans), schedule_delay_s=600.0) as (hub, source):
        source.spans(*names)
        assert not hub.flush(5.0)
        assert spans.names == [name for name in names if name.startswith("small")]
        assert row(hub).dropped == {"too_large": 75}
        assert row(hub).state == "ok"


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_a_bound_on_records(signal, otlp_server):
    """Of what waits for a target that hangs, only so many are kept; the newest are refused and counted, and another signal has no bound."""
    other = "logs" if signal == "traces" else "traces"
    otlp_server.hang()
    settings = {one: OtlpSettings(url=f"{otlp_server.endpoint}/v1/{one}") for one in ("traces", "logs")}
    both = Target(name="t", spans=build("traces", settings["traces"]), logs=build("logs", settings["logs"]))
    with running(both, max_batch=1, max_queued={signal: 10}, schedule_delay_s=0.01) as (hub, source):
        for make in (source.spans, source.logs):
            make("first")
        assert otlp_server.wait_for(requests=2)  # one of each is in the workers' hands
        for make in (source.spans, source.logs):
            make(*["a"] * 30)
        assert not hub.flush(0.2)
        bounded, free = row(hub, signal), row(hub, other)
        assert (bounded.queued, bounded.in_flight, bounded.dropped) == (10, 1, {"queue_full": 20})
        assert (free.queued, free.in_flight, free.dropped) == (30, 1, {})
        otlp_server.healthy()
        hub.flush(10.0)
        account = row(hub, signal)
        assert (account.made, account.exported + account.dropped_total, account.queued_bytes) == (31, 31, 0)


def test_the_bound_of_the_environment(otlp_server, monkeypatch):
    """``OTEL_BSP_MAX_QUEUE_SIZE`` and ``OTEL_BLRP_MAX_QUEUE_SIZE`` bound what waits, from the variable to the account in ``health()``."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "10")
    monkeypatch.setenv("OTEL_BLRP_MAX_QUEUE_SIZE", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    otlp_server.hang()
    options = {"install_global": False, "endpoint": otlp_server.endpoint, "log_output": "none", "timeout_s": 30.0}
    handle = configure_observability("production", **options)

    def offer(count: int) -> None:
        for number in range(count):
            handle.tracer.start_span("work").end()
            handle.log.info("line", number=number)

    offer(1)
    assert not handle.flush(0.5)
    assert otlp_server.wait_for(requests=2)
    offer(30)
    assert not handle.flush(0.5)
    rows = {row.signal: row for row in handle.health().exporters}
    found = {signal: (rows[signal].queued, rows[signal].in_flight, rows[signal].dropped) for signal in ("traces", "logs")}
    assert found == {"traces": (10, 1, {"queue_full": 20}), "logs": (20, 1, {"queue_full": 10})}
    otlp_server.healthy()
    handle.shutdown(5.0)


def test_bounds_on_records_are_of_the_configuration():
    """Both bounds hold together, and a later configuration without one has none."""
    spans = Spans(hangs=True)
    one = Target(name="t", spans=spans)
    with running(one, max_batch=1, max_queued={"traces": 5}, schedule_delay_s=0.01) as (hub, source):
        source.spans("first")
        assert spans.conduct.entered.wait(5)
        source.spans(*["a"] * 8)
        hub.flush(0.1)
        assert (row(hub).queued, row(hub).dropped) == (5, {"queue_full": 3})
        switch(hub, one, max_batch=1)
        source.spans(*["a"] * 8)
        hub.flush(0.1)
        assert (row(hub).queued, row(hub).dropped) == (13, {"queue_full": 3})
        spans.conduct.free.set()
        hub.flush(5.0)
        assert row(hub).exported == 14


def test_work_in_the_callers_thread_is_not_instrumented(monkeypatch):
    """Where no thread can be started the exporter runs in the caller's, which instrumentors must not see, and sees again afterwards."""
    seen = []
    spans = Spans(raises=lambda _: seen.append(is_instrumentation_enabled()))

    def refuse(_):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    hub = ExportHub()
    switch(hub, Target(name="t", spans=spans))

    source = Source(hub)
    source.spans("a")
    assert hub.shutdown(5.0)
    assert spans.names == ["a"]
    assert spans.conduct.threads == {threading.get_ident()}
    assert seen == [False]
    assert is_instrumentation_enabled()


def test_a_cause_is_one_plain_line():
    """What ends in a log holds neither line breaks nor other control characters."""
    assert shorten("a\r\nb\x1b[2Jc\x00") == "a b?[2Jc?"
