"""One LLM call, two or three spans.

Framework, client and HTTP instrumentation each record the call, and tokens and cost double (Arize-ai/openinference#2101,
langfuse/langfuse#9344, traceloop/openllmetry#2845). The opposite fault hides real work (traceloop/openllmetry#2271).
"""

from __future__ import annotations

import pytest
from opentelemetry import metrics, trace
from plain_sdk import PlainSdk

handlers = pytest.importorskip("opentelemetry.util.genai.handler")


def model_call(handler, tokens):
    """What a ``genai-*`` instrumentor does around a client's call."""
    with handler.inference("openai", request_model="gpt-4o") as call:
        call.input_tokens, call.output_tokens = tokens


def total(spans, key="gen_ai.usage.input_tokens"):
    return sum((span.attributes or {}).get(key, 0) for span in spans)


def test_two_layers_on_the_plain_sdk_double_the_tokens(verdict):
    """A framework that makes a span of the call, above an instrumentor that does."""
    sdk = PlainSdk()
    handler = handlers.TelemetryHandler(sdk.tracer_provider, sdk.meter_provider)
    with sdk.tracer.start_as_current_span("chat gpt-4o") as span:
        model_call(handler, (100, 50))
        span.set_attribute("gen_ai.usage.input_tokens", 100)
    assert total(sdk.spans()) == 200
    verdict.plain("framework and instrumentor: two spans, twice the tokens")


def test_one_span_owns_the_call(telemetry, verdict):
    """Agent, model call and an instrumentor of others below: one chat span with the usage, and the counter has the real usage."""
    obs = telemetry.observability
    handler = handlers.TelemetryHandler(trace.get_tracer_provider(), metrics.get_meter_provider())
    with obs.agent("a"), obs.inference(provider="openai", model="gpt-4o"):
        model_call(handler, (100, 50))
    assert telemetry.tree() == "invoke_agent a\n  chat gpt-4o"
    assert total(telemetry.spans) == 100
    tokens = telemetry.metric("gen_ai.client.token.usage", {"gen_ai.token.type": "input"})
    assert (tokens.value, tokens.count) == (100, 1)
    verdict.ours("one chat span, real usage once")


def test_real_work_is_not_hidden(telemetry, verdict):
    """A second model call, made by a tool inside, is one of its own."""
    obs = telemetry.observability
    handler = handlers.TelemetryHandler(trace.get_tracer_provider(), metrics.get_meter_provider())
    with obs.agent("a"), obs.inference(provider="openai", model="gpt-4o") as call:
        call.usage(input_tokens=7, output_tokens=1)
        with obs.tool("ask another model"):
            model_call(handler, (100, 50))
    assert total(telemetry.spans) == 107
    assert len([span for span in telemetry.spans if span.name == "chat gpt-4o"]) == 2
    verdict.ours("a call that a tool makes inside has a span of its own")
