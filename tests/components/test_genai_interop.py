"""Beside ``opentelemetry-util-genai``: one call, one span, whoever sees it first; and the same names as it emits."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from opentelemetry import trace
from opentelemetry.context import get_current

from langswarm_otel import guard
from langswarm_otel.pricing import PriceBook

handler_module = pytest.importorskip("opentelemetry.util.genai.handler")
invocation_module = pytest.importorskip("opentelemetry.util.genai.invocation")


needs_data = pytest.mark.skipif(not hasattr(invocation_module, "InferenceData"), reason="releases before 1.3 have no keys to share")


@pytest.fixture
def handler(seen):
    """A util-genai handler on the same providers, as a ``genai-*`` instrumentor has it."""
    return handler_module.TelemetryHandler(seen.tracer_provider, seen.meter_provider)


def instrumented(handler, **answer):
    """Make a model call as an instrumentor reports it."""
    with handler.inference("openai", request_model="m") as call:
        for name, value in answer.items():
            setattr(call, name, value)


@needs_data
class TestBelowOurs:
    """An instrumentor below an inference of ours."""

    def test_it_makes_no_second_span_and_leaves_its_usage(self, seen, handler):
        """One span, ours, with the usage and answer that the instrumentor saw; one point of each metric; the cost is there."""
        with seen.obs.agent("a"), seen.obs.inference(provider="openai", model="m"):
            instrumented(
                handler,
                input_tokens=100,
                output_tokens=50,
                cache_read_input_tokens=40,
                response_model_name="m-1",
                response_id="r",
                finish_reasons=["stop"],
            )
        (span,) = seen.spans("chat m")
        attributes = span.attributes
        assert attributes["gen_ai.usage.input_tokens"] == 100
        assert attributes["gen_ai.usage.cache_read.input_tokens"] == 40
        assert attributes["gen_ai.response.model"] == "m-1"
        assert attributes["gen_ai.response.id"] == "r"
        assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert attributes["langswarm.gen_ai.usage.cost"] == pytest.approx((60 * 1.0 + 40 * 0.5 + 50 * 2.0) / 1e6)
        assert seen.point("gen_ai.client.token.usage", gen_ai__token__type="input").sum == 100
        assert seen.point("gen_ai.client.operation.duration").count == 1
        assert seen.span("invoke_agent a").attributes["langswarm.run.input_tokens"] == 100

    def test_what_was_reported_to_us_wins(self, seen, handler):
        """The caller knows best; what the caller did not say is taken."""
        with seen.obs.inference(provider="openai", model="m") as call:
            instrumented(handler, input_tokens=100, output_tokens=50, response_id="theirs")
            call.usage(input_tokens=7)
            call.response(id="ours")
        attributes = seen.span("chat m").attributes
        assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (7, 50)
        assert attributes["gen_ai.response.id"] == "ours"

    def test_streams_have_their_first_chunk(self, seen, handler):
        """The instrumentor's time to the first chunk becomes ours, as one point."""
        with seen.obs.inference(provider="openai", model="m"):
            with handler.inference("openai", request_model="m") as call:
                call.record_stream_chunk()
                call.record_stream_chunk()
        assert seen.span("chat m").attributes["gen_ai.request.stream"] is True
        assert seen.point("gen_ai.client.operation.time_to_first_chunk").count == 1

    @pytest.mark.parametrize("between", ["tool", "agent", "workflow", "step"])
    def test_real_work_is_not_hidden(self, seen, handler, between):
        """A call that a tool makes while the model's call is under way is one of its own."""
        with seen.obs.inference(provider="openai", model="m"), getattr(seen.obs, between)("x"):
            instrumented(handler, input_tokens=100)
        assert len(seen.spans("chat m")) == 2

    def test_embeddings(self, seen, handler):
        """They have a mark of their own, which does not hide a chat."""
        with seen.obs.inference(provider="openai", model="e", operation="embeddings"):
            with handler.embedding("openai", request_model="e") as call:
                call.input_tokens = 9
            instrumented(handler, input_tokens=100)
        assert seen.span("embeddings e").attributes["gen_ai.usage.input_tokens"] == 9
        assert seen.span("chat m").attributes["gen_ai.usage.input_tokens"] == 100

    def test_content_needs_our_gate(self, observe, monkeypatch):
        """Messages that the instrumentor captures come to our span only if our gate is open too."""
        from opentelemetry.util.genai.types import InputMessage, Text

        monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_ONLY")
        for is_open in (False, True):
            seen = observe(capture_content=is_open)
            handler = handler_module.TelemetryHandler(seen.tracer_provider, seen.meter_provider)
            with seen.obs.inference(provider="openai", model="m"):
                instrumented(handler, input_messages=[InputMessage(role="user", parts=[Text(content="secret")])])
            assert ("secret" in seen.span("chat m").to_json()) is is_open


@needs_data
class TestAboveOurs:
    """An inference of ours below an instrumentor's."""

    def test_ours_steps_back_and_leaves_its_usage(self, seen, handler):
        """One span, the instrumentor's, with our usage; tokens are counted once; the cost, which it does not know, is ours to record."""
        with seen.obs.agent("a"), handler.inference("openai", request_model="m"):
            with seen.obs.inference(provider="openai", model="m") as call:
                assert call.span is trace.get_current_span()
                call.usage(input_tokens=100, output_tokens=50)
                call.response(model="m-1", id="r", finish_reasons=["stop"])
        (span,) = seen.spans("chat m")
        assert span.instrumentation_scope.name != "langswarm_otel"
        assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.response.model"]) == (100, "m-1")
        assert seen.point("gen_ai.client.token.usage", gen_ai__token__type="input").count == 1
        assert seen.point("gen_ai.client.operation.duration").count == 1
        assert seen.point("langswarm.gen_ai.cost").value == pytest.approx(200e-6)
        assert seen.span("invoke_agent a").attributes["langswarm.run.input_tokens"] == 100

    def test_an_error_is_theirs_to_record(self, seen, handler):
        """The exception passes through unchanged."""
        error = ValueError("text")
        with pytest.raises(ValueError) as caught, handler.inference("openai", request_model="m"):
            with seen.obs.inference(provider="openai", model="m"):
                raise error
        assert caught.value is error
        assert seen.span("chat m").attributes["error.type"] == "ValueError"


class TestConversation:
    """The session in the eyes of instrumentors."""

    def test_their_spans_carry_it(self, seen, handler):
        """``gen_ai.conversation.id`` is on spans that util-genai makes below our session, and not afterwards."""
        with seen.obs.session("s-1"):
            instrumented(handler)
        instrumented(handler)
        inside, outside = seen.spans("chat m")
        assert inside.attributes["gen_ai.conversation.id"] == "s-1"
        assert "gen_ai.conversation.id" not in outside.attributes

    def test_the_span_around_stays_the_real_one(self, seen):
        """Telling them leaves no trace: what is current inside is the span that was."""
        with seen.telemetry.tracer.start_as_current_span("request") as request:
            before = get_current()
            with seen.obs.session("s-1"):
                assert trace.get_current_span() is request
            assert get_current() is before
        assert [span.name for span in seen.spans()] == ["request"]


@needs_data
def test_an_unknown_release_costs_the_neighbourhood_only(seen, monkeypatch):
    """If its names change, our operations go on; the fault is counted."""

    class Changed:
        def __init__(self):
            raise TypeError

    monkeypatch.setattr(invocation_module, "InferenceData", Changed)
    with seen.obs.inference(provider="openai", model="m") as call:
        call.usage(input_tokens=1)
    assert seen.span("chat m").attributes["gen_ai.usage.input_tokens"] == 1
    assert guard.faults() == {"genai_interop.mark": 1}
    monkeypatch.delattr(invocation_module, "InferenceData")
    monkeypatch.delattr(invocation_module, "CLIENT_INFERENCE_CONTEXT_KEY")
    with seen.obs.agent("a"), seen.obs.inference(provider="openai", model="m"), seen.obs.tool("t"):
        pass
    assert len(seen.spans("chat m")) == 2


def test_it_is_never_imported_for_our_sake():
    """Programs that do not use it do not load it."""
    script = """
        import sys
        from langswarm_otel import current
        with current.session("s"), current.agent("a"), current.inference(model="m"), current.tool("t"):
            pass
        assert not [name for name in sys.modules if name.startswith("opentelemetry.util.genai")]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=60)


# The contract: each operation through ours and through TelemetryHandler. Everything that they do is compared; what is here is all that
# differs, and why.

ONLY_OURS = {
    "chat m": {
        "langswarm.outcome",  # no standard
        "langswarm.gen_ai.usage.cost",  # no standard
        "langswarm.cost.basis",
        "langswarm.cost.price_table.version",
        "langswarm.run.input_tokens",  # no standard: totals on the root
        "langswarm.run.output_tokens",
        "langswarm.run.cost",
    },
    "embeddings e": {
        "langswarm.outcome",
        "langswarm.gen_ai.usage.cost",
        "langswarm.cost.basis",
        "langswarm.cost.price_table.version",
        "langswarm.run.input_tokens",
        "langswarm.run.cost",
    },
    "retrieval docs": {"langswarm.outcome"},
    "execute_tool t": {"langswarm.outcome"},
    "invoke_agent a": {"langswarm.outcome"},
    "invoke_workflow w": {"langswarm.outcome"},
}
"""Span attributes that only ours has."""

METRIC_ATTRIBUTES_ONLY_OURS = {
    "gen_ai.client.operation.time_to_first_chunk": {"gen_ai.response.model"},  # recorded at the end, when the model that answered is known
}
"""Metric attributes that only ours has, besides the outcome."""

METRICS_ONLY_OURS = {
    "langswarm.gen_ai.cost",  # no standard
    "langswarm.operation.errors",  # no standard; counts from 0, as no histogram with an error.type can
    "gen_ai.invoke_agent.inference_calls",  # standard, missing there
    "gen_ai.invoke_agent.tool_calls",  # standard, missing there
}

METRICS_ONLY_THEIRS: set[str] = set()


def ours_of_each(obs):
    """Every operation that both have, in our words."""
    with obs.inference(provider="openai", model="m", server_address="h", server_port=443) as call:
        call.chunk()
        call.chunk()
        call.usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, cache_write_tokens=10, reasoning_tokens=30)
        call.response(model="m-1", id="r", finish_reasons=["stop"])
    with obs.inference(provider="openai", model="e", operation="embeddings") as call:
        call.usage(input_tokens=9)
        call.response(model="e-1")
    with obs.inference(provider="openai", operation="retrieval", data_source_id="docs"):
        pass
    with obs.tool("t", call_id="c", tool_type="function"):
        pass
    with obs.agent("a", model="m"):
        pass
    with obs.workflow("w"):
        pass


def theirs_of_each(handler):
    """The same through util-genai."""
    with handler.inference("openai", request_model="m", server_address="h", server_port=443) as call:
        call.record_stream_chunk()
        call.record_stream_chunk()
        call.input_tokens, call.output_tokens, call.thinking_tokens = 100, 50, 30
        call.cache_read_input_tokens, call.cache_write_input_tokens = 40, 10
        call.response_model_name, call.response_id, call.finish_reasons = "m-1", "r", ["stop"]
    with handler.embedding("openai", request_model="e") as call:
        call.input_tokens, call.response_model_name = 9, "e-1"
    with handler.retrieval(provider="openai", data_source_id="docs"):
        pass
    with handler.tool("t", tool_type="function") as call:
        call.tool_call_id = "c"
    with handler.invoke_local_agent(agent_name="a", request_model="m"):
        pass
    with handler.workflow("w"):
        pass


def spans_of(observed):
    return {span.name: (span.kind, {key: type(value) for key, value in span.attributes.items()}) for span in observed.spans()}


def metrics_of(observed):
    """Return unit, buckets and attributes of each metric's points, by metric and operation."""
    found = {}
    data = observed._reader.get_metrics_data()
    for scope in data.resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points:
                key = metric.name, point.attributes.get("gen_ai.operation.name"), point.attributes.get("gen_ai.token.type")
                found[key] = metric.unit, tuple(getattr(point, "explicit_bounds", ())), dict(point.attributes)
    return found


@pytest.fixture
def both(observe):
    """The same story told to both."""
    ours, theirs = observe(prices=PriceBook({"m": "free", "e": "free"}, public=False)), observe()
    ours_of_each(ours.obs)
    theirs_of_each(handler_module.TelemetryHandler(theirs.tracer_provider, theirs.meter_provider))
    return ours, theirs


class TestContract:
    """Names, kinds, keys and types of values, against the release that is installed."""

    def test_spans(self, both):
        """Same names and kinds; every attribute of theirs is ours, of the same type; what is ours alone is in the list above."""
        ours, theirs = map(spans_of, both)
        assert ours.keys() == theirs.keys() == ONLY_OURS.keys()
        for name, (kind, attributes) in theirs.items():
            assert ours[name][0] is kind, name
            shared = {key: value for key, value in ours[name][1].items() if key not in ONLY_OURS[name]}
            assert shared == attributes, name
            assert ours[name][1].keys() - attributes.keys() == ONLY_OURS[name], name

    def test_metrics(self, both):
        """Same names, units, buckets and labels, but for the lists above."""
        ours, theirs = map(metrics_of, both)
        assert {key[0] for key in ours} - {key[0] for key in theirs} == METRICS_ONLY_OURS
        assert {key[0] for key in theirs} - {key[0] for key in ours} == METRICS_ONLY_THEIRS
        for key, (unit, buckets, labels) in theirs.items():
            own_unit, own_buckets, own_labels = ours[key]
            assert (own_unit, own_buckets) == (unit, buckets), key
            more = METRIC_ATTRIBUTES_ONLY_OURS.get(key[0], set()) | {"langswarm.outcome"}
            assert {name: value for name, value in own_labels.items() if name not in more} == labels, key

    def test_errors(self, observe):
        """Same ``error.type`` on span and metric, same status; the description is the type with us, the message with them."""
        ours, theirs = observe(), observe()
        handler = handler_module.TelemetryHandler(theirs.tracer_provider, theirs.meter_provider)
        for make in (lambda: ours.obs.tool("t"), lambda: handler.tool("t")):
            with pytest.raises(TimeoutError), make():
                raise TimeoutError("text")
        mine, yours = ours.span("execute_tool t"), theirs.span("execute_tool t")
        assert mine.attributes["error.type"] == yours.attributes["error.type"] == "TimeoutError"
        assert mine.status.status_code is yours.status.status_code
        assert (mine.status.description, yours.status.description) == ("TimeoutError", "text")
        assert ours.point("gen_ai.execute_tool.duration").attributes["error.type"] == "TimeoutError"
