"""What is done to every record once before it is encoded."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.pipelines.preparation import Preparation

CLOSED = Preparation(capture_content=False)
OPEN = Preparation(capture_content=True)


def finished(build) -> ReadableSpan:
    """Make one real span and return what the exporter got."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("test").start_as_current_span("chat gpt-4o") as span:
        build(span)
    return exporter.get_finished_spans()[0]


def test_clean_span_is_passed_as_it_is():
    """A span with nothing to hide and nothing odd is the same object afterwards."""
    span = finished(lambda span: span.set_attributes({"a": 1, "b": "two", "c": [1.5, 2.5]}))
    assert CLOSED.span(span) is span
    assert OPEN.span(span) is span


def test_content_of_foreign_spans_is_removed():
    """With the gate closed content keys are absent on span and events; everything else stays, ids and times too."""

    def build(span):
        span.set_attributes({"gen_ai.prompt.0.content": "canary", "gen_ai.input.messages": "canary", "gen_ai.request.model": "gpt-4o"})
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": "canary", "index": 0})

    span = finished(build)
    cleaned = CLOSED.span(span)
    assert dict(cleaned.attributes) == {"gen_ai.request.model": "gpt-4o"}
    assert [dict(event.attributes) for event in cleaned.events] == [{"index": 0}]
    assert (cleaned.context, cleaned.parent, cleaned.start_time, cleaned.end_time) == (
        span.context,
        span.parent,
        span.start_time,
        span.end_time,
    )
    assert "canary" not in cleaned.to_json()
    assert "canary" in OPEN.span(span).to_json()


def test_exception_text_is_removed_and_its_type_stays():
    """A recorded exception keeps its type; message, stack trace and the status that repeats the message go."""

    def build(span):
        error = ValueError("canary")
        span.record_exception(error)
        span.set_status(trace.Status(trace.StatusCode.ERROR, f"ValueError: {error}"))

    cleaned = CLOSED.span(finished(build))
    assert "canary" not in cleaned.to_json()
    assert cleaned.status.status_code is trace.StatusCode.ERROR
    assert cleaned.status.description == "ValueError"
    assert dict(cleaned.events[0].attributes)["exception.type"] == "ValueError"


def test_odd_values_become_safe():
    """A lone surrogate or an integer beyond 64 bits, which would cost the whole batch, is made encodable."""

    def build(span):
        span.update_name("bad \ud800 name")
        span.set_attribute("big", 2**70)
        span.add_event("event \udfff")

    cleaned = OPEN.span(finished(build))
    cleaned.name.encode()
    cleaned.events[0].name.encode()
    assert cleaned.attributes["big"] == str(2**70)


def test_dropped_counts_survive():
    """What the SDK says it dropped is still said after a part was replaced."""
    span = finished(
        lambda span: [span.set_attribute(f"key{number}", number) for number in range(200)] + [span.set_attribute("input.value", "x")]
    )
    assert CLOSED.span(span).dropped_attributes == span.dropped_attributes > 0


def test_body_of_content_events_is_removed():
    """The body of a GenAI content event is content; the body of any other record is the event that its writer chose."""
    resource = Resource({})
    event = ReadableLogRecord(LogRecord(body={"content": "canary"}, event_name="gen_ai.user.message"), resource)
    plain = ReadableLogRecord(LogRecord(body="started", attributes={"gen_ai.input.messages": "canary", "n": 1}), resource)
    assert CLOSED.log_record(event).log_record.body is None
    assert OPEN.log_record(event).log_record.body == {"content": "canary"}
    cleaned = CLOSED.log_record(plain).log_record
    assert (cleaned.body, dict(cleaned.attributes)) == ("started", {"n": 1})
    assert plain.log_record.attributes["gen_ai.input.messages"] == "canary"


def test_lines_of_langswarm_itself_are_withheld():
    """LangSwarm writes tool arguments into its log lines: the record stays, with ids and severity, and its text does not leave."""
    scope = InstrumentationScope("langswarm.core.agents.base")
    record = ReadableLogRecord(LogRecord(body="Executing tool with args: {'card': 'canary'}", severity_text="INFO"), Resource({}), scope)
    cleaned = CLOSED.log_record(record).log_record
    assert (cleaned.body, cleaned.severity_text) == ("text withheld: capture_content is off", "INFO")
    assert OPEN.log_record(record) is record
    other = ReadableLogRecord(LogRecord(body="as it is"), Resource({}), InstrumentationScope("langswarm_shop"))
    assert CLOSED.log_record(other) is other


def test_nothing_else_of_such_a_line_leaves():
    """Neither its extras nor the name of its logger, which can hold a user id."""
    record = LogRecord(body="x", attributes={"args": "canary", "code.file.path": "/a.py", "gen_ai.agent.name": "a"}, severity_text="ERROR")
    cleaned = CLOSED.log_record(ReadableLogRecord(record, Resource({}), InstrumentationScope("langswarm.session.canary")))
    assert dict(cleaned.log_record.attributes) == {"code.file.path": "/a.py", "gen_ai.agent.name": "a"}
    assert cleaned.instrumentation_scope.name == "langswarm"


def test_points_carry_neither_content_nor_users():
    """A foreign metric that puts a prompt or a user id on its points loses that label, whatever the gate says of the user id."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
    provider.get_meter("m").create_counter("c").add(1, {"gen_ai.input.messages": "canary", "user.id": "u-1", "kept": "yes"})
    (point,) = CLOSED.metrics(reader.get_metrics_data()).resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert dict(point.attributes) == {"kept": "yes"}
    provider.get_meter("m").create_counter("c").add(1, {"plain": 1})
    data = reader.get_metrics_data()
    before = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[-1]
    assert CLOSED.metrics(data).resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[-1] is before


def test_exemplars_carry_neither_content_nor_users():
    """What a view takes off the series is on its exemplars still."""
    reader = InMemoryMetricReader()
    view = View(instrument_name="c", attribute_keys={"kept"})
    provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False, exemplar_filter=AlwaysOnExemplarFilter(), views=[view])
    given = {"gen_ai.prompt": "canary", "user.id": "u-1", "kept": "yes", "other": "x"}
    provider.get_meter("m").create_counter("c").add(1, given)
    (point,) = CLOSED.metrics(reader.get_metrics_data()).resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
    assert [dict(exemplar.filtered_attributes) for exemplar in point.exemplars] == [{"other": "x"}]
    assert dict(point.attributes) == {"kept": "yes"}
