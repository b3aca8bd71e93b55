"""Loggers that decide at each call where a record goes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import Logger, LoggerProvider, LogRecordLimits, LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider


@pytest.fixture
def exporter() -> InMemoryLogRecordExporter:
    return InMemoryLogRecordExporter()


@pytest.fixture
def provider(exporter: InMemoryLogRecordExporter) -> SwitchLoggerProvider:
    return SwitchLoggerProvider(
        resource=Resource({"service.name": "s"}), limits=LogRecordLimits(), processors=[SimpleLogRecordProcessor(exporter)]
    )


def bodies(records: Any) -> list[Any]:
    return [record.log_record.body for record in records]


def capture() -> Capture[None]:
    return Capture(build=lambda *providers: None)


def test_types_are_the_sdks_and_handles_are_cached(provider: SwitchLoggerProvider) -> None:
    """Also with attributes, for which the SDK makes a logger at each call."""
    logger = provider.get_logger("l", "1", attributes={"a": 1})
    assert isinstance(provider, LoggerProvider)
    assert isinstance(logger, Logger)
    assert logger is provider.get_logger("l", "1", attributes={"a": 1})
    assert logger is not provider.get_logger("l", "1", attributes={"a": 2})
    assert logger.resource is provider.resource
    assert logger.instrumentation_scope.name == "l"
    assert copy.copy(logger).resource is provider.resource


def test_every_part_of_a_record_arrives(provider: SwitchLoggerProvider, exporter: InMemoryLogRecordExporter) -> None:
    """The handle forwards every argument; one forgotten or swapped would show here."""
    context = trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))))
    parts = {
        "timestamp": 1,
        "observed_timestamp": 2,
        "context": context,
        "severity_number": SeverityNumber.WARN,
        "severity_text": "WARN",
        "body": {"a": [1, "x"]},
        "attributes": {"k": "v"},
        "event_name": "e",
    }
    logger = provider.get_logger("l", "1.0", "https://schema", {"scope": "yes"})
    logger.emit(**parts, exception=ValueError("boom"))
    (readable,) = exporter.get_finished_logs()
    record = readable.log_record
    for part, value in parts.items():
        if part not in ("attributes", "context"):
            assert getattr(record, part) == value, part
    assert record.attributes["k"] == "v"
    assert record.attributes["exception.message"] == "boom"
    assert (record.trace_id, record.span_id, record.trace_flags) == (0xABC, 0xDEF, 1)
    scope = readable.instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url, dict(scope.attributes)) == ("l", "1.0", "https://schema", {"scope": "yes"})


def test_a_record_made_by_the_caller_arrives(provider: SwitchLoggerProvider, exporter: InMemoryLogRecordExporter) -> None:
    """The other form of ``emit``, which log handlers use."""
    provider.get_logger("l").emit(LogRecord(body="ready", attributes={"k": 1}))
    assert bodies(exporter.get_finished_logs()) == ["ready"]


def test_disabled_is_silent_and_says_so(provider: SwitchLoggerProvider, exporter: InMemoryLogRecordExporter) -> None:
    """Instrumentors ask ``enabled`` before they build costly bodies."""
    logger = provider.get_logger("l")
    assert logger.enabled(severity_number=SeverityNumber.INFO)
    provider.enabled = False
    assert not logger.enabled(severity_number=SeverityNumber.INFO)
    logger.emit(body="x")
    logger.emit(LogRecord(body="y"))
    provider.enabled = True
    logger.emit(body="z")
    assert bodies(exporter.get_finished_logs()) == ["z"]


def test_a_processor_is_asked_whether_a_record_is_wanted(provider: SwitchLoggerProvider) -> None:
    """``enabled`` reaches the processors with all that it was asked with."""
    asked = []

    class Picky(LogRecordProcessor):
        def on_emit(self, log_record) -> None: ...

        def enabled(self, **kinds: Any) -> bool:
            asked.append((kinds["severity_number"], kinds["event_name"], kinds["instrumentation_scope"].name))
            return False

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    picky = SwitchLoggerProvider(resource=Resource({}), limits=LogRecordLimits(), processors=[Picky()])
    assert not picky.get_logger("l").enabled(severity_number=SeverityNumber.DEBUG, event_name="e")
    assert asked == [(SeverityNumber.DEBUG, "e", "l")]


def test_sdk_disabled_in_the_environment_does_not_freeze_the_provider(
    monkeypatch: pytest.MonkeyPatch, exporter: InMemoryLogRecordExporter
) -> None:
    """As for tracers."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    provider = SwitchLoggerProvider(resource=Resource({}), limits=LogRecordLimits(), processors=[SimpleLogRecordProcessor(exporter)])
    provider.get_logger("l").emit(body="awake")
    assert bodies(exporter.get_finished_logs()) == ["awake"]


def test_records_in_a_capture_belong_to_it(provider: SwitchLoggerProvider, exporter: InMemoryLogRecordExporter) -> None:
    """Also when the provider is disabled, with the scope, and both forms of ``emit``."""
    logger = provider.get_logger("l", "1")
    provider.enabled = False
    with capture() as captured:
        assert logger.enabled()
        logger.emit(body="one", attributes={"a": 1})
        logger.emit(LogRecord(body="two"))
    records = captured.log_records()
    assert bodies(records) == ["one", "two"]
    assert all(isinstance(record, ReadableLogRecord) for record in records)
    assert records[0].instrumentation_scope.name == "l"
    assert records[0].log_record.attributes["a"] == 1
    assert not exporter.get_finished_logs()


def test_limits_may_change_alive(exporter: InMemoryLogRecordExporter) -> None:
    """The provider takes the limits object and reads it for each record."""
    limits = LogRecordLimits()
    provider = SwitchLoggerProvider(resource=Resource({}), limits=limits, processors=[SimpleLogRecordProcessor(exporter)])
    logger = provider.get_logger("l")
    limits.max_log_record_attribute_length = 2
    logger.emit(body="x", attributes={"a": "abc"})
    assert exporter.get_finished_logs()[0].log_record.attributes["a"] == "ab"


def test_another_resource_reaches_loggers_handed_out(provider: SwitchLoggerProvider, exporter: InMemoryLogRecordExporter) -> None:
    """With and without attributes of the scope; the SDK holds the latter weakly."""
    loggers = [provider.get_logger("l"), provider.get_logger("l", attributes={"a": 1})]
    provider.replace_resource(Resource({"service.name": "other"}))
    for logger in loggers:
        logger.emit(body="x")
    assert [record.resource.attributes["service.name"] for record in exporter.get_finished_logs()] == ["other", "other"]


def test_nothing_is_registered_for_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for tracers."""
    registered: list[object] = []
    monkeypatch.setattr("atexit.register", registered.append)
    SwitchLoggerProvider(resource=Resource({}), limits=LogRecordLimits())
    assert not registered
