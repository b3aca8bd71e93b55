"""What our encoder does not know goes to the official one: loudly, and imported only then."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics.export import Gauge, Metric, MetricsData, NumberDataPoint, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from otlp_compare import RESOURCES, SCOPES, canonical, official

from langswarm_otel import guard
from langswarm_otel.export.encoding import EncodingError, LogEncoder, MetricEncoder, SpanEncoder, assemble

CONTEXT = SpanContext(1, 2, is_remote=False)
NAME = b"bytes are text to protobuf, and unknown to us"


def span(name, **options):
    return ReadableSpan(name, CONTEXT, resource=RESOURCES[1], instrumentation_scope=SCOPES[2], **options)


def metrics(*found):
    return MetricsData([ResourceMetrics(RESOURCES[1], [ScopeMetrics(SCOPES[2], found, "")], "")])


def test_a_span_that_only_the_official_encoder_knows(caplog):
    """It is sent with the others, as a piece of its own, and the first one is told of."""
    encoder = SpanEncoder()
    records = [encoder.encode(span(name, attributes={"a": 1})) for name in ("a", NAME, NAME, "b")]
    pieces = official("traces", [span("a")]).FromString(assemble(records)).resource_spans
    assert [[one.name for one in piece.scope_spans[0].spans] for piece in pieces] == [["a", "b"], [NAME.decode()], [NAME.decode()]]
    assert len(caplog.records) == 1
    assert "official encoder" in caplog.text
    assert guard.faults() == {"encoding of a span, done by the official encoder because of AttributeError": 2}
    expected = official("traces", [span(NAME, attributes={"a": 1})])
    assert canonical(assemble(records[1:2]), expected) == expected.SerializeToString(deterministic=True)


def test_a_log_record_that_only_the_official_encoder_knows():
    record = ReadableLogRecord(LogRecord(severity_text=NAME, body="b", attributes={"a": 1}), RESOURCES[1], SCOPES[2])
    expected = official("logs", [record])
    assert canonical(assemble([LogEncoder().encode(record)]), expected) == expected.SerializeToString(deterministic=True)


def test_a_metric_that_only_the_official_encoder_knows(caplog):
    """It alone is left to the official encoder, also data of an unknown kind, which that one sends without any."""
    gauge = Gauge([NumberDataPoint({}, 0, 1, 1)])
    found = metrics(Metric("a", "", "", gauge), Metric(NAME, "", "", gauge), Metric("c", "", "", object()))
    pieces = official("metrics", found).FromString(MetricEncoder().encode(found)).resource_metrics
    names = [[(one.name, one.WhichOneof("data")) for one in piece.scope_metrics[0].metrics] for piece in pieces]
    assert names == [[("a", "gauge")], [(NAME.decode(), "gauge")], [("c", None)]]
    assert "UnknownError" in caplog.text


def test_a_kind_of_span_that_nobody_knows_is_an_error():
    with pytest.raises(EncodingError, match="a span cannot be encoded"):
        SpanEncoder().encode(span("s", kind=7))
    assert guard.faults() == {}


def test_without_the_official_encoder_it_is_an_error(monkeypatch):
    """Somebody may have installed us without it; that is no exception of another kind."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.common.trace_encoder", None)
    with pytest.raises(EncodingError, match="ModuleNotFoundError"):
        SpanEncoder().encode(span(NAME))


def test_neither_protobuf_nor_requests_is_imported():
    """All three signals are encoded without them; the first record that needs the official encoder brings protobuf."""
    script = """
        import sys
        from opentelemetry._logs import LogRecord
        from opentelemetry.sdk._logs import ReadableLogRecord
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext
        from langswarm_otel.export.encoding import *

        def loaded():
            return sorted(name for name in sys.modules if name.split(".")[0] in ("google", "requests") or "proto" in name)

        span = ReadableSpan("s", SpanContext(1, 2, False), resource=Resource({}), attributes={"a": object(), "b": 1})
        assemble([SpanEncoder().encode(span)])
        assemble([LogEncoder().encode(ReadableLogRecord(LogRecord(body="b"), Resource({})))])
        try:
            LogEncoder().encode(ReadableLogRecord(LogRecord(body=chr(0xD800)), Resource({})))
        except EncodingError:
            pass
        reader = InMemoryMetricReader()
        MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_counter("c").add(1)
        MetricEncoder().encode(reader.get_metrics_data())
        assert not loaded(), loaded()
        span._name = b"x"
        SpanEncoder().encode(span)
        assert "google.protobuf" in loaded()
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=50)
    assert result.returncode == 0, result.stderr
