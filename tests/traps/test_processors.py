"""What is raised in a processor reaches the application (standards.md 4 row 24); handles are made once (row 23); ids (row 18)."""

from __future__ import annotations

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from langswarm_otel import configure_observability, guard
from langswarm_otel.context import with_scope
from langswarm_otel.export.hub import ExportHub
from langswarm_otel.export.processors import QueueSpanProcessor
from langswarm_otel.pipelines.processors import FilteringLogProcessor, OpenSpans, ScopeSpanProcessor

QUIET = {"log_output": "none", "configure_structlog": False, "instrument": False, "install_global": False, "service_name": "p"}


class Hostile:
    """A span or record of which every look raises."""

    def __getattr__(self, name):
        raise RuntimeError(name)


@pytest.mark.parametrize("make", [lambda: QueueSpanProcessor(ExportHub()), ScopeSpanProcessor, OpenSpans])
def test_4_24_span_processors_never_raise(make):
    """Whatever the span is like; the fault is counted."""
    processor = make()
    processor.on_start(Hostile())
    processor.on_end(Hostile())
    processor.on_start(None)
    processor.on_end(None)
    assert guard.faults() or make is ScopeSpanProcessor  # which looks at a span only where there is something to stamp


def test_4_24_a_scope_that_cannot_be_stamped_never_raises():
    """A fault where there is something to stamp is counted."""
    ScopeSpanProcessor().on_start(Hostile(), with_scope(conversation_id="c"))
    assert set(guard.faults()) == {"ScopeSpanProcessor.on_start"}


def test_4_24_the_log_processor_never_raises():
    """Nor for a record of a logger whose name is None, which the SDK takes."""
    hub = ExportHub()
    processor = FilteringLogProcessor(hub)
    processor.on_emit(Hostile())
    processor.on_emit(None)
    assert guard.faults()
    guard.forget_faults()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(processor)
    provider.get_logger(None).emit(body="no name")
    assert guard.faults() == {}
    assert sum(row.made for row in hub.counts()) == 1


def test_4_24_the_plain_sdk_lets_it_through():
    """The pain is real: an error in a processor is one of the application's call."""

    class Broken(SpanProcessor):
        def on_start(self, span, parent_context=None):
            raise RuntimeError("telemetry")

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Broken())
    with pytest.raises(RuntimeError, match="telemetry"):
        provider.get_tracer("t").start_span("s")


def test_4_23_handles_are_made_once(otlp_server):
    """A thousand operations and lines ask for no new tracer, meter, logger or instrument; a logger with attributes is remembered too."""
    with configure_observability("production", endpoint=otlp_server.endpoint, **QUIET) as obs:
        pipelines = obs._installation.pipelines
        made = []
        for provider, name in (
            (pipelines.tracer_provider, "get_tracer"),
            (pipelines.meter_provider, "get_meter"),
            (pipelines.logger_provider, "get_logger"),
        ):
            real = getattr(provider, name)
            setattr(provider, name, lambda *args, _real=real, **kwargs: (made.append(args), _real(*args, **kwargs))[1])
        for number in range(101):
            if number == 1:
                made.clear()
            with obs.agent("a"), obs.tool("t"), obs.memory("search_memory", store="m"):
                obs.log.info("line")
        assert made == []
        loggers = {id(pipelines.logger_provider.get_logger("scope", attributes={"a": 1})) for _ in range(3)}
        assert len(loggers) == 1


def test_4_10_records_about_telemetry_stay_out_whoever_brings_them():
    """A handler of others gets its OpenTelemetry logger without a version; an instrumentation's own, with one, is the application's."""
    hub = ExportHub()
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(FilteringLogProcessor(hub))
    provider.get_logger("opentelemetry.exporter.otlp").emit(body="an exporter complains")
    provider.get_logger("urllib3.connectionpool").emit(body="a retry")
    assert sum(row.made for row in hub.counts()) == 0
    provider.get_logger("opentelemetry.instrumentation.openai", "1.0").emit(body="an event")
    provider.get_logger("app").emit(body="a line")
    assert sum(row.made for row in hub.counts()) == 2
