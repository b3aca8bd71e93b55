"""The SDK's processor interfaces on a hub."""

from __future__ import annotations

import copy

import pytest
from hub_exporters import RESOURCE, Logs, Source, Spans, running, switch
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.context import Context, set_value
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.trace import TracerProvider

from langswarm_otel import guard
from langswarm_otel.export.hub import ExportHub, Target
from langswarm_otel.export.processors import QueueLogRecordProcessor, QueueSpanProcessor


def test_shutting_down_a_provider_flushes_and_ends_its_part():
    """After ``provider.shutdown()`` what was made is exported and spans are taken no more; the other signal goes on."""
    spans, logs = Spans(), Logs()
    with running(Target(name="t", spans=spans, logs=logs), schedule_delay_s=600.0) as (hub, source):
        source.spans("a")
        source.tracer_provider.shutdown()
        assert spans.names == ["a"]
        source.spans("late")
        source.logs("l")
        assert hub.flush(5.0)
        assert (spans.names, logs.bodies) == (["a"], ["l"])
        source.logger_provider.shutdown()
        assert logs.bodies == ["l"]


def test_force_flush_is_the_hub_s():
    """``provider.force_flush`` keeps its timeout and tells the truth."""
    spans = Spans(hangs=True)
    with running(Target(name="t", spans=spans)) as (_, source):
        source.spans("a")
        assert not source.tracer_provider.force_flush(200)
        spans.conduct.free.set()
        assert source.tracer_provider.force_flush(5000)
        assert source.logger_provider.force_flush(5000)


def test_log_records_keep_everything_but_the_context():
    """Ids, body, attributes, severity, scope and resource arrive; the context does not, and later processors still see it."""
    seen = []

    class Later(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            seen.append(log_record.log_record.context)

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    logs = Logs()
    hub = ExportHub()
    switch(hub, Target(name="t", logs=logs))
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(QueueLogRecordProcessor(hub))
    provider.add_log_record_processor(Later())
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
    context = set_value("large", "x" * 1000, trace.set_span_in_context(span))
    provider.get_logger("scope", "1").emit(LogRecord(body="b", attributes={"k": "v"}, severity_text="INFO", context=context))
    assert hub.flush(5.0)
    (readable,) = logs.conduct.items
    record = readable.log_record
    assert (record.body, dict(record.attributes), record.severity_text) == ("b", {"k": "v"}, "INFO")
    assert (record.trace_id, record.span_id) == (span.get_span_context().trace_id, span.get_span_context().span_id)
    assert (readable.instrumentation_scope.name, readable.resource) == ("scope", RESOURCE)
    assert record.context == Context()
    assert seen[0]["large"] == "x" * 1000
    hub.shutdown(5.0)


def test_faults_do_not_reach_the_application():
    """A record that is none is a fault of ours; the application goes on."""
    with running(Target(name="t", logs=Logs())) as (hub, _):
        QueueLogRecordProcessor(hub).on_emit(object())  # type: ignore[arg-type]
        assert guard.faults() == {"QueueLogRecordProcessor.on_emit": 1}


@pytest.mark.parametrize("shut_down", [False, True])
def test_spans_without_context(shut_down):
    """A span without a context, and one for a processor that was shut down, are ignored."""
    spans = Spans()
    with running(Target(name="t", spans=spans)) as (hub, source):
        processor = QueueSpanProcessor(hub)
        span = copy.copy(source.tracer.start_span("a"))
        if shut_down:
            processor.shutdown()
            processor.shutdown()
        else:
            span._context = None
        processor.on_end(span)
        assert hub.flush(5.0)
        assert spans.names == []


def test_usable_alone():
    """With nothing but the SDK and this package's floor: a provider, a processor, a hub, an exporter."""
    spans = Spans()
    hub = ExportHub()
    switch(hub, Target(name="mine", spans=spans))
    Source(hub).spans("a")
    assert hub.shutdown(5.0)
    assert spans.names == ["a"]
