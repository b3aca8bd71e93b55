"""What we assume of the SDK beyond its public interface, each assumption by itself: a new SDK that breaks one fails here first."""

from __future__ import annotations

import inspect

import pytest
from metric_points import values_of
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langswarm_otel.export.sdk_private import (
    ApiGauge,
    SdkGauge,
    feed_reader,
    never_disable,
    renew_metric_storage,
    replace_resource,
    resource_of,
)


@pytest.fixture
def disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")


def test_providers_made_under_sdk_disabled_work_once_they_may(disabled: None) -> None:
    """The SDK freezes providers made under OTEL_SDK_DISABLED into no-ops; ours must be able to wake."""
    traces = TracerProvider(shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    traces.get_tracer("t").start_span("before").end()
    never_disable(traces)
    traces.get_tracer("t").start_span("after").end()
    assert [span.name for span in exporter.get_finished_spans()] == ["after"]

    reader = InMemoryMetricReader()
    metrics = MeterProvider([reader], shutdown_on_exit=False)
    metrics.get_meter("m").create_counter("c").add(1)
    never_disable(metrics)
    metrics.get_meter("m").create_counter("c").add(2)
    assert values_of(reader.get_metrics_data(), "c") == {(): 2}

    logs = LoggerProvider(shutdown_on_exit=False)
    kept = InMemoryLogRecordExporter()
    logs.add_log_record_processor(SimpleLogRecordProcessor(kept))
    logs.get_logger("l").emit(body="before")
    never_disable(logs)
    logs.get_logger("l").emit(body="after")
    assert [record.log_record.body for record in kept.get_finished_logs()] == ["after"]


def test_span_limits_are_read_for_every_span() -> None:
    """Limits can change alive because tracers keep the object and read it for each span."""
    limits = SpanLimits()
    provider = TracerProvider(shutdown_on_exit=False, span_limits=limits)
    tracer = provider.get_tracer("t")
    limits.max_span_attributes, limits.max_span_attribute_length, limits.max_events = 1, 3, 2
    limits.max_event_attributes, limits.max_attribute_length = 1, 4
    span = tracer.start_span("s", attributes={"a": "abcdef", "b": "x"})
    for name in ("one", "two", "three"):
        span.add_event(name, {"k": "longer", "l": "more"})
    assert dict(span.attributes) == {"b": "x"}
    assert [event.name for event in span.events] == ["two", "three"]
    assert [dict(event.attributes) for event in span.events] == [{"l": "more"}] * 2
    span.set_attribute("b", "abcdef")
    limits.max_span_attributes = 2
    wider = tracer.start_span("w", attributes={"a": "abcdef", "b": "x"})
    assert dict(span.attributes) == {"b": "abc"}
    assert dict(wider.attributes) == {"a": "abc", "b": "x"}


def test_log_limits_are_read_for_every_record() -> None:
    """As for spans: loggers keep the limits object."""
    limits = LogRecordLimits()
    provider = LoggerProvider(shutdown_on_exit=False, log_record_limits=limits)
    exporter = InMemoryLogRecordExporter()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("l")
    logger.emit(body="x", attributes={"a": "abcdef"})
    limits.max_log_record_attribute_length = 3
    logger.emit(body="x", attributes={"a": "abcdef"})
    assert [record.log_record.attributes["a"] for record in exporter.get_finished_logs()] == ["abcdef", "abc"]


def test_signature_of_start_span_is_what_the_thin_tracer_forwards() -> None:
    """The thin tracer passes arguments by position; another order would mix them up."""
    parameters = ["self", "name", "context", "kind", "attributes", "links", "start_time", "record_exception", "set_status_on_exception"]
    assert list(inspect.signature(Tracer.start_span).parameters) == parameters


def test_renewed_storage_is_empty_unlocked_and_takes_measurements() -> None:
    """After a fork every lock of the SDK on the measuring path must be new and every value gone, for instruments made before too."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    counter = provider.get_meter("m").create_counter("c")
    gauge = provider.get_meter("m").create_gauge("g")
    provider.get_meter("m").create_observable_counter("o", [lambda options: [Observation(9)]])
    counter.add(5, {"a": "x"})
    gauge.set(3)
    consumer = provider._measurement_consumer
    storage = consumer._reader_storages[reader]
    consumer._lock.acquire()
    storage._lock.acquire()
    renew_metric_storage(provider)
    assert consumer._lock.acquire(blocking=False)
    consumer._lock.release()
    assert consumer._reader_storages[reader] is not storage
    counter.add(2, {"a": "x"})
    data = reader.get_metrics_data()
    assert values_of(data, "c") == {("x",): 2}
    assert values_of(data, "g") == {}
    assert values_of(data, "o") == {(): 9}


def test_another_resource_reaches_what_was_handed_out_before() -> None:
    """Tracers, loggers and meters handed out before speak of the new resource, and nothing of the old one stays in it."""
    old, new = Resource({"service.name": "old", "only.old": 1}), Resource({"service.name": "new"})
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    traces = TracerProvider(resource=old, shutdown_on_exit=False)
    traces.add_span_processor(SimpleSpanProcessor(spans))
    logging = LoggerProvider(resource=old, shutdown_on_exit=False)
    logging.add_log_record_processor(SimpleLogRecordProcessor(logs))
    reader = InMemoryMetricReader()
    metrics = MeterProvider([reader], resource=old, shutdown_on_exit=False)
    tracer, logger, counter = traces.get_tracer("t"), logging.get_logger("l"), metrics.get_meter("m").create_counter("c")
    for provider in (traces, logging, metrics):
        replace_resource(provider, new)
    tracer.start_span("s").end()
    logger.emit(body="b")
    counter.add(1)
    data = reader.get_metrics_data()
    assert data is not None
    seen = [spans.get_finished_spans()[0].resource, logs.get_finished_logs()[0].resource, data.resource_metrics[0].resource]
    assert [dict(resource.attributes) for resource in seen] == [{"service.name": "new"}] * 3


def test_the_resource_of_metrics_can_be_asked_for() -> None:
    """The SDK has it, changes it, and gives it to nobody before something was measured."""
    provider = MeterProvider([], resource=Resource({"service.name": "old"}), shutdown_on_exit=False)
    assert resource_of(provider) == Resource({"service.name": "old"})
    replace_resource(provider, Resource({"service.name": "new"}))
    assert resource_of(provider) == Resource({"service.name": "new"})


def test_a_reader_collects_from_what_it_is_fed_with() -> None:
    """Without a provider: the reader asks one function, which may be ours, and nothing when it has none."""
    source = InMemoryMetricReader()
    MeterProvider([source], shutdown_on_exit=False).get_meter("m").create_counter("c").add(3)
    reader = InMemoryMetricReader()
    data = source.get_metrics_data()
    assert data is not None
    feed_reader(reader, lambda: data)
    assert values_of(reader.get_metrics_data(), "c") == {(): 3}


def test_gauges_of_api_and_sdk_are_the_same_instrument() -> None:
    """Both are exported under a private name only."""
    assert issubclass(SdkGauge, ApiGauge)
