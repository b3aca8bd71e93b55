"""What real exporters send is what the receiver shows, for the three signals and both encodings."""

from __future__ import annotations

import json
import logging

import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

RESOURCE = Resource({"service.name": "sender"})


@pytest.mark.parametrize("compression", list(Compression))
def test_spans_of_the_official_exporter_arrive_as_they_were(receiver, compression):
    """Ids, parent, kind, times, status, every type of attribute, events, links, resource and scope; under each compression."""
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{receiver.endpoint}/v1/traces", compression=compression)))
    tracer = provider.get_tracer("lib", "1.2", "https://schema")
    with tracer.start_as_current_span("parent", start_time=1000) as parent:
        child = tracer.start_span("child", kind=SpanKind.CLIENT, start_time=2000, links=[Link(parent.get_span_context(), {"why": "test"})])
        child.set_attributes({"s": "ü", "b": True, "i": -(2**62), "f": 1.5, "a": ["x", "y"]})
        child.add_event("event", {"k": 1}, timestamp=2500)
        child.set_status(Status(StatusCode.ERROR, "broke"))
        child.end(3000)
    provider.shutdown()
    got, root = receiver.spans
    context = child.get_span_context()
    assert (got.trace_id, got.span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert (got.parent_span_id, root.parent_span_id) == (root.span_id, None)
    assert (got.name, got.kind, got.start_ns, got.end_ns) == ("child", "CLIENT", 2000, 3000)
    assert (got.status, got.status_message, root.status) == ("ERROR", "broke", "UNSET")
    assert got.attributes == {"s": "ü", "b": True, "i": -(2**62), "f": 1.5, "a": ("x", "y")}
    assert [(event.name, event.time_ns, event.attributes) for event in got.events] == [("event", 2500, {"k": 1})]
    assert [(link.trace_id, link.span_id, link.attributes) for link in got.links] == [(root.trace_id, root.span_id, {"why": "test"})]
    assert got.resource == {"service.name": "sender"}
    assert (got.scope.name, got.scope.version, got.scope.schema_url) == ("lib", "1.2", "https://schema")


def test_metric_points_of_the_official_exporter_arrive_as_they_were(receiver):
    """Sums, gauges, explicit and exponential histograms, with exemplars of the trace they were measured in."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{receiver.endpoint}/v1/metrics"), export_interval_millis=float("inf"))
    views = [View(instrument_name="expo", aggregation=ExponentialBucketHistogramAggregation())]
    meters = MeterProvider([reader], resource=RESOURCE, views=views, shutdown_on_exit=False)
    meter = meters.get_meter("lib")
    spans = TracerProvider(shutdown_on_exit=False)
    with spans.get_tracer("t").start_as_current_span("s") as span:
        meter.create_histogram("hist", "s", "About.", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5, {"k": "v"})
    meter.create_counter("count", "1").add(3)
    meter.create_up_down_counter("updown").add(-2)
    meter.create_gauge("gauge").set(2.5)
    meter.create_histogram("expo").record(4)
    meters.force_flush()
    meters.shutdown()
    points = {point.name: point for point in receiver.metric_points}
    hist = points["hist"]
    assert (hist.kind, hist.unit, hist.description, hist.temporality) == ("histogram", "s", "About.", "cumulative")
    assert (hist.attributes, hist.bounds, hist.bucket_counts) == ({"k": "v"}, (1.0, 2.0), (0, 1, 0))
    assert (hist.count, hist.sum, hist.min, hist.max, hist.value) == (1, 1.5, 1.5, 1.5, None)
    assert [(one.value, one.trace_id) for one in hist.exemplars] == [(1.5, f"{span.get_span_context().trace_id:032x}")]
    assert (points["count"].kind, points["count"].value, points["count"].monotonic) == ("sum", 3, True)
    assert isinstance(points["count"].value, int)
    assert (points["updown"].value, points["updown"].monotonic) == (-2, False)
    assert (points["gauge"].kind, points["gauge"].value, points["gauge"].temporality) == ("gauge", 2.5, "")
    expo = points["expo"]
    assert (expo.kind, expo.count, expo.zero_count, sum(expo.positive.counts)) == ("exponential_histogram", 1, 0, 1)
    assert sum(expo.negative.counts) == 0


def test_log_records_of_the_official_exporter_arrive_as_they_were(receiver):
    """Body of any shape, severity, ids of the span, event name."""
    provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{receiver.endpoint}/v1/logs")))
    logger = provider.get_logger("lib")
    spans = TracerProvider(shutdown_on_exit=False)
    with spans.get_tracer("t").start_as_current_span("s") as span:
        logger.emit(timestamp=5, body={"deep": [1, {"x": None}]}, severity_text="info", event_name="happened", attributes={"k": b"\x00"})
    logger.emit(body="outside")
    provider.shutdown()
    inside, outside = receiver.log_records
    context = span.get_span_context()
    assert (inside.trace_id, inside.span_id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert inside.body == {"deep": (1, {"x": None})}
    assert (inside.time_ns, inside.severity_text, inside.event_name, inside.attributes) == (5, "info", "happened", {"k": b"\x00"})
    assert (outside.trace_id, outside.span_id, outside.body, outside.time_ns) == (None, None, "outside", 0)


def test_json_of_the_specification_is_understood(receiver, sender):
    """Hex ids, numbers in strings, enumerations as integers, unknown fields ignored; answered with JSON."""
    span = {
        "traceId": "5B8EFFF798038103D269B633813FC60C",
        "spanId": "EEE19B7EC3C1B174",
        "parentSpanId": "EEE19B7EC3C1B173",
        "name": "from json",
        "kind": 2,
        "startTimeUnixNano": "1544712660000000000",
        "endTimeUnixNano": "1544712661000000000",
        "attributes": [{"key": "traceId", "value": {"stringValue": "not an id"}}, {"key": "n", "value": {"intValue": "7"}}],
        "fieldOfTheFuture": 1,
    }
    body = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "js"}, "spans": [span]}]}]}
    status, headers, answer = sender.post("/v1/traces", json.dumps(body).encode(), "application/json; charset=utf-8")
    assert (status, headers["content-type"], json.loads(answer)) == (200, "application/json", {})
    (got,) = receiver.spans
    assert (got.trace_id, got.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (got.parent_span_id, got.kind, got.start_ns) == ("eee19b7ec3c1b173", "SERVER", 1544712660000000000)
    assert got.attributes == {"traceId": "not an id", "n": 7}
    assert got.scope.name == "js"


def test_points_of_other_languages_are_decoded(receiver, sender):
    """Summaries, metrics without data, points without a value and temporalities of the future decode without error."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    summary = metrics.add(name="summary").summary.data_points.add(count=2, sum=3.0)
    summary.quantile_values.add(quantile=0.5, value=1.5)
    metrics.add(name="nothing")
    metrics.add(name="empty").gauge.data_points.add()
    odd = metrics.add(name="odd").sum
    odd.aggregation_temporality = 9
    odd.data_points.add(as_double=1.0)
    metrics.add(name="no extremes").histogram.data_points.add(count=1)
    assert sender.post("/v1/metrics", request.SerializeToString())[0] == 200
    points = {point.name: point for point in receiver.metric_points}
    assert (points["summary"].bounds, points["summary"].quantile_values, points["summary"].sum) == ((0.5,), (1.5,), 3.0)
    assert (points["empty"].value, points["odd"].temporality, points["odd"].value) == (None, "", 1.0)
    assert (points["no extremes"].sum, points["no extremes"].min, points["no extremes"].max) == (None, None, None)
    assert "nothing" not in points


def test_the_receiver_logs_nothing(receiver, sender, caplog, capfd):
    """Neither requests nor refusals reach the terminal or a logger: both belong to whoever runs the receiver."""
    with caplog.at_level(logging.DEBUG):
        sender.post("/v1/traces", b"")
        sender.post("/v1/traces", b"\xff\xff")
        sender.request("GET", "/")
    assert [record for record in caplog.records if not record.name.startswith("urllib3")] == []
    assert capfd.readouterr() == ("", "")
