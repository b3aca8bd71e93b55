"""Silent loss: records disappear, and nobody can tell how many, or why.

A queue that is full, a Collector that rejects, a record that cannot be encoded, a late span: nothing in the process counts them.
"""

from __future__ import annotations

import logging
import time

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from otlp_server import attributes
from scripts import run

from langswarm_otel import configure_observability


class Refusing(SpanExporter):
    def export(self, spans):
        return SpanExportResult.FAILURE

    def shutdown(self):
        pass


def configured(server, **settings):
    given = {"log_output": "none", "schedule_delay_s": 0.05, "export_interval_s": None, **settings}
    return configure_observability("production", endpoint=server.endpoint, **given)


def row_of(obs, server, signal="traces"):
    return next(row for row in obs.health().exporters if row.signal == signal and row.target == server.endpoint)


def spans(count, **attributes):
    tracer = trace.get_tracer("foreign")
    for _ in range(count):
        tracer.start_span("s", attributes=attributes).end()


def wait_until(condition, timeout_s=10.0):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def reject_two(server):
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    server.answer(200, body=answer)


LOSSES = {
    "queue_full": (lambda server: server.hang(), {"queue_max_bytes": 20_000}, 200, {"note": "x" * 500}),
    "rejected": (reject_two, {}, 5, {}),
    "too_large": (lambda server: None, {"queue_max_bytes": 20_000}, 3, {"note": "x" * 8000, "more": "y" * 8000, "most": "z" * 8000}),
    "export_failed": (lambda server: server.answer(400), {}, 4, {}),
}


def test_the_plain_sdk_has_no_count(verdict):
    """Three spans are given up, and neither processor nor provider can say so."""
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(Refusing())
    provider.add_span_processor(processor)
    for _ in range(3):
        provider.get_tracer("t").start_span("lost").end()
    assert processor.force_flush() is True
    provider.shutdown()
    assert not [name for name in dir(processor) if "drop" in name.lower() or "lost" in name.lower()]
    verdict.plain("3 spans lost: force_flush says True, nothing counts them")


@pytest.mark.parametrize("reason", LOSSES)
def test_every_loss_is_counted_by_its_reason(otlp_server, caplog, verdict, reason):
    """In health, in the metrics of the pipeline, and in one line; and what was made is where health says."""
    prepare, settings, count, attributes = LOSSES[reason]
    prepare(otlp_server)
    caplog.set_level(logging.WARNING, "langswarm_otel")
    obs = configured(otlp_server, **settings)
    spans(count, **attributes)
    assert wait_until(lambda: row_of(obs, otlp_server).dropped.get(reason))
    account = row_of(obs, otlp_server)
    assert account.made == count
    assert set(account.dropped) == {reason}
    assert len([record for record in caplog.records if f"({reason})" in record.getMessage()]) <= 1  # another test may have had its line
    otlp_server.healthy()
    assert wait_until(lambda: obs.flush(2.0) or row_of(obs, otlp_server, "metrics").exported > 0)
    counted = {
        pair.value.string_value: point.as_int
        for name, point in otlp_server.metric_points
        if name in ("otel.sdk.exporter.span.exported", "otel.sdk.processor.span.processed")
        for pair in point.attributes
        if pair.key == "error.type"
    }
    assert counted[reason] == account.dropped[reason]
    verdict.ours(f"{reason}: counted in health() and in otel.sdk.*, one line")


def test_what_comes_too_late_is_counted(otlp_server, verdict):
    """Spans that are open at the shutdown are ended, marked and sent; what still finds its way to the queue afterwards is counted."""
    obs = configured(otlp_server)
    open_spans = [obs.tracer.start_span(name) for name in ("a", "b")]
    obs.shutdown()
    for span in open_spans:
        span.end()
    assert sorted(otlp_server.span_names()) == ["a", "b"]
    assert all("langswarm.interrupted" in attributes(span.attributes) for span in otlp_server.spans)
    hub = obs._installation.pipelines.hub
    before = sum(row.dropped.get("after_shutdown", 0) for row in obs.health().exporters)
    for span in open_spans:
        hub.offer_span(span)
    assert sum(row.dropped.get("after_shutdown", 0) for row in obs.health().exporters) - before == 2
    verdict.ours("after_shutdown: counted")


LINES = """
    import sys, time
    from opentelemetry import trace
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1], schedule_delay_s=0.05, queue_max_bytes=20_000)
    tracer = trace.get_tracer("foreign")
    for _ in range(20):
        for _ in range(100):
            tracer.start_span("s", attributes={"note": "x" * 500}).end()
        time.sleep(0.06)
    print("lost", sum(row.dropped.get("queue_full", 0) for row in obs.health().exporters))
"""


def test_a_line_a_minute_at_most(otlp_server):
    """While records are lost again and again for one reason, the first line is the only one of the minute."""
    otlp_server.hang()
    ended = run(LINES, otlp_server.endpoint)
    assert int(next(line for line in ended.stdout.splitlines() if line.startswith("lost")).split()[1]) > 1000
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if "queue_full" in line]
    assert len(lines) == 1
    assert "raise queue_max_bytes" in lines[0]
