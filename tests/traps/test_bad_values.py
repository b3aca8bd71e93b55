"""One bad value kills a whole batch, or changes a series (standards.md 4, rows 12 to 14): end to end, through the official encoder."""

from __future__ import annotations

from decimal import Decimal

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from otlp_server import attributes, plain

from langswarm_otel import configure_observability, guard

BAD = "bad\ud800"
QUIET = {"log_output": "none", "configure_structlog": False, "instrument": False, "install_global": False, "service_name": "v"}


class Unprintable:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


ODD_VALUES = [BAD, 2**70, object(), b"\xff", {"a": {1: object()}}, {1, 2}, Decimal("1.5"), [1, "a", None], Unprintable(), float("nan")]
FOREIGN_VALUES = [value for value in ODD_VALUES if not isinstance(value, Unprintable)]
"""The SDK itself calls ``str()`` in the caller's thread, before any processor, and lets through what that raises."""


@pytest.fixture
def obs(otlp_server):
    with configure_observability("production", endpoint=otlp_server.endpoint, capture_content=True, **QUIET) as handle:
        yield handle


def test_4_12_the_encoder_fails_for_all_of_a_batch():
    """The pain is real: one lone surrogate in a span's name, and none of the batch can be encoded."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for name in ("good", BAD, "good"):
        provider.get_tracer("t").start_span(name).end()
    with pytest.raises(UnicodeEncodeError):
        encode_spans(exporter.get_finished_spans())


def test_4_12_bad_texts_of_a_span_cost_nothing(obs, otlp_server):
    """Name, status, attributes, events and links with lone surrogates arrive with U+FFFD, and the spans beside it arrive too."""
    tracer = trace.get_tracer("t", tracer_provider=obs._installation.pipelines.tracer_provider)
    good = tracer.start_span("good")
    good.end()
    span = tracer.start_span(BAD, attributes={BAD: BAD}, links=[trace.Link(good.get_span_context(), {BAD: BAD})])
    span.add_event(BAD, {BAD: BAD})
    span.set_status(trace.Status(trace.StatusCode.ERROR, BAD))
    span.end()
    tracer.start_span("good").end()
    assert obs.flush(5)
    assert otlp_server.span_names() == ["good", "bad\ufffd", "good"]
    bad = otlp_server.spans[1]
    fixed = {"bad\ufffd": "bad\ufffd"}
    assert (bad.status.message, attributes(bad.attributes)) == ("bad\ufffd", fixed)
    assert (bad.events[0].name, attributes(bad.events[0].attributes), attributes(bad.links[0].attributes)) == ("bad\ufffd", fixed, fixed)


def test_4_12_bad_log_records_cost_nothing(obs, otlp_server):
    """A body of any type arrives, and so do bad severity texts, event names and attributes."""
    logger = obs._installation.pipelines.logger_provider.get_logger("foreign")
    for value in FOREIGN_VALUES:
        logger.emit(LogRecord(body=value, severity_number=SeverityNumber.INFO, severity_text=BAD, event_name=BAD, attributes={BAD: value}))
        logger.emit(body="good")
    assert obs.flush(5)
    records = otlp_server.log_records
    assert len(records) == 2 * len(FOREIGN_VALUES)
    assert [record.body.string_value for record in records[1::2]] == ["good"] * len(FOREIGN_VALUES)
    assert [plain(record.body) for record in records[0:4:2]] == ["bad\ufffd", str(2**70)]
    assert all(record.severity_text == record.event_name == "bad\ufffd" for record in records[::2])
    values = [attributes(record.attributes).get("bad\ufffd") for record in records[::2]]
    assert values[:7] == ["bad\ufffd", str(2**70), None, "/w==", {"a": {"1": None}}, "{1, 2}", "1.5"]  # the SDK makes object() None


def test_4_12_a_metric_keeps_its_labels(obs, otlp_server):
    """A label that cannot be encoded is made encodable; dropped, two series would become one."""
    counter = obs._installation.pipelines.meter_provider.get_meter("m").create_counter("requests")
    counter.add(1, {"customer": BAD})
    counter.add(2, {"customer": 2**70})
    assert obs.flush(5)
    points = {attributes(point.attributes)["customer"]: point.as_int for name, point in otlp_server.metric_points if name == "requests"}
    assert points == {"bad\ufffd": 1, str(2**70): 2}


def test_4_12_what_cannot_be_mended_costs_itself(obs, otlp_server):
    """The name of a scope belongs to its tracer, logger or meter: what they make cannot be encoded, is counted, and all else arrives."""
    pipelines = obs._installation.pipelines
    pipelines.tracer_provider.get_tracer(BAD).start_span("lost").end()
    pipelines.logger_provider.get_logger(BAD).emit(body="lost")
    pipelines.meter_provider.get_meter(BAD).create_counter("lost").add(1)
    with obs.tool("good"):
        obs.telemetry.logger.emit(body="good")
    assert not obs.flush(5)
    assert otlp_server.span_names() == ["execute_tool good"]
    assert [record.body.string_value for record in otlp_server.log_records] == ["good"]
    names = {name for name, _ in otlp_server.metric_points if not name.startswith(("otel.sdk.", "langswarm.exporter."))}
    assert names == {"gen_ai.execute_tool.duration", "langswarm.operation.errors"}
    assert [dict(row.dropped).get("unencodable") for row in obs.health().exporters] == [1, 1, 1]


def test_4_13_attributes_of_any_type_arrive_in_a_plain_form(obs, otlp_server, caplog):
    """Our operations make values plain before the SDK sees them: mappings become JSON text, and nothing is logged about types."""
    with obs.tool("t") as tool:
        for number, value in enumerate(ODD_VALUES):
            tool.output(value)
            tool.input({number: value})
    with obs.traced("odd", set={1}, decimal=Decimal("1.5"), nested={"a": [1, "b"]}, obj=object(), none=None):
        pass
    span = obs.tracer.start_span("foreign", attributes={"nested": {"a": {"b": 1}}, "mixed": [1, "a"]})
    span.end()
    assert obs.flush(5)
    found = {span.name: attributes(span.attributes) for span in otlp_server.spans}
    assert found["foreign"] == {"nested": '{"a":{"b":1}}', "mixed": '[1,"a"]'}
    assert all(isinstance(value, (str, int, float, bool, list)) for span in found.values() for value in span.values())
    assert "none" not in found["odd"]
    assert [record.getMessage() for record in caplog.records if record.name == "opentelemetry.attributes"] == []
    assert guard.faults() == {}


def test_4_14_texts_are_cut_by_default(obs, otlp_server):
    """8192 characters, on spans, events, links and log attributes, of our operations and of others; the SDK has no limit."""
    long = "x" * 100_000
    linked = obs.tracer.start_span("linked")
    linked.end()
    span = obs.tracer.start_span("foreign", attributes={"a": long}, links=[trace.Link(linked.get_span_context(), {"a": long})])
    span.add_event("e", {"a": long})
    span.end()
    with obs.tool("ours") as tool:
        tool.output(long)
    obs.telemetry.logger.emit(body="b", attributes={"a": long})
    assert obs.flush(5)
    spans = {span.name: span for span in otlp_server.spans}
    foreign = spans["foreign"]
    texts = [attributes(part.attributes)["a"] for part in (foreign, foreign.events[0], foreign.links[0], otlp_server.log_records[0])]
    texts += [value for value in attributes(spans["execute_tool ours"].attributes).values() if isinstance(value, str) and "xxx" in value]
    assert [len(text) for text in texts] == [8192] * 5
