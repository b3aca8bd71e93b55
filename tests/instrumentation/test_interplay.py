"""LangSwarm's own OpenAI provider against a server on loopback, alone and with the instrumentor of the client library beside ours."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from openai_server import OpenAiServer, tool_call

from langswarm_otel import current
from langswarm_otel.instrumentation import LangSwarmInstrumentor
from langswarm_otel.testing import capture

swarm = pytest.importorskip("swarm")
pytest.importorskip("openai")
theirs = pytest.importorskip("opentelemetry.instrumentation.genai.openai")

PROMPT = "what does Jane Doe owe"


@pytest.fixture(params=["ours alone", "theirs first", "ours first"])
def both(request):
    """The instrumentors, in either order."""
    openai = theirs.OpenAIInstrumentor()
    order = {"ours alone": [LangSwarmInstrumentor()], "theirs first": [openai, LangSwarmInstrumentor()]}
    chosen = order.get(request.param, [LangSwarmInstrumentor(), openai])
    for instrumentor in chosen:
        instrumentor.instrument()
    yield request.param
    for instrumentor in chosen:
        instrumentor.uninstrument()


@pytest.fixture
def server():
    with OpenAiServer() as running:
        yield running


@asynccontextmanager
async def agent(server, *, streaming=False, tools=()):
    """A LangSwarm agent on LangSwarm's OpenAI provider, whose clients LangSwarm never closes."""
    from langswarm.core.agents.providers.openai import OpenAIProvider

    configuration = swarm.AgentConfiguration(
        swarm.ProviderType.OPENAI,
        "gpt-4o",
        api_key="sk-not-a-real-key-of-anyone",
        base_url=server.base_url,
        streaming_enabled=streaming,
        tools_enabled=bool(tools),
        available_tools=list(tools),
    )
    made = swarm.BaseAgent("helper", configuration, OpenAIProvider(), agent_id="helper-1")
    await made.initialize()
    try:
        yield made
    finally:
        for client in made.provider._client_cache.values():
            await client.close()


def tokens(telemetry, kind):
    """Return what the metric has counted of one type, whoever recorded it."""
    points = [point for point in telemetry.metrics if point.name == "gen_ai.client.token.usage"]
    return sum(point.value for point in points if point.attributes["gen_ai.token.type"] == kind)


async def test_one_call_is_one_span_with_its_usage_once(both, server, telemetry):
    """Span, tokens, cost basis and durations are counted once, by us, with what the other instrumentor found out."""
    async with agent(server) as made:
        response = await made._execute_chat(PROMPT)
    assert response.content == "hello there"
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    run, call = telemetry.spans
    assert call.attributes["gen_ai.usage.input_tokens"] == 9
    assert call.attributes["gen_ai.usage.output_tokens"] == 3
    assert call.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert run.attributes["langswarm.run.input_tokens"] == 9
    assert (tokens(telemetry, "input"), tokens(telemetry, "output")) == (9, 3)
    assert sum(point.count for point in telemetry.metrics if point.name == "gen_ai.client.operation.duration") == 1
    if both != "ours alone":
        assert call.attributes["gen_ai.response.model"] == "gpt-4o-2024-08-06"
        assert call.attributes["gen_ai.response.id"] == "chatcmpl-1"


async def test_a_stream_is_one_span(both, server, telemetry):
    """LangSwarm asks for no usage of a stream, so it is unknown, and is said to be."""
    async with agent(server, streaming=True) as made:
        assert "".join([chunk.content async for chunk in made.stream_chat(PROMPT)]) == "hello there "
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    call = telemetry.spans[1]
    assert call.attributes["gen_ai.request.stream"] is True
    assert call.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert call.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert call.attributes["langswarm.usage.partial"] is True
    assert tokens(telemetry, "input") == 0


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_an_error_is_on_the_one_span(both, server, telemetry, status):
    """LangSwarm returns what the client raised: run and call are errors of its type, once."""
    server.replies = [{"status": status}] * 5
    async with agent(server) as made:
        response = await made._execute_chat(PROMPT)
    assert not response.success
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    kind = type(response.error).__name__
    for span in telemetry.spans:
        assert span.status == "ERROR"
        assert span.attributes["error.type"].split(".")[-1] == kind


async def test_a_tool_loop_is_a_span_for_each_call(both, server, telemetry):
    """Two calls of the model around one of the tool; the tokens of both once."""
    server.replies = [tool_call("desk__look"), {"content": "done"}]
    with swarm.registered(swarm.Tool(look=lambda: "seen")):
        async with agent(server, tools=["desk"]) as made:
            response = await made._execute_chat(PROMPT)
    assert response.content == "done"
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o\n  execute_tool desk\n  chat gpt-4o"
    assert telemetry.spans[0].attributes["langswarm.run.input_tokens"] == 18
    assert tokens(telemetry, "output") == 6
    assert sum(point.value for point in telemetry.metrics if point.name == "gen_ai.invoke_agent.inference_calls") == 2


@pytest.mark.parametrize("content", [True, False])
async def test_the_gate_decides_for_both(both, server, monkeypatch, content):
    """Told to capture, the other instrumentor's data leave through our gate: with the gate closed no word is on a span, event or log."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT")
    with capture(content=content) as telemetry:
        async with agent(server) as made:
            await made._execute_chat(PROMPT)
        emitted = " ".join(f"{span.attributes} {span.events}" for span in telemetry.spans)
        emitted += " ".join(f"{log.body} {log.attributes}" for log in telemetry.logs if not log.scope.startswith("langswarm."))
    assert ("Jane Doe" in emitted) is content
    assert ("hello there" in emitted) is content


async def test_below_a_call_of_theirs_ours_steps_back(server):
    """A call that their library describes already (a provider instrumented by hand) gets no second span from us."""
    from opentelemetry.util.genai.handler import TelemetryHandler

    LangSwarmInstrumentor().instrument()
    with capture() as telemetry:
        async with agent(server) as made:
            session = await made.create_session("s-1")
            with TelemetryHandler().inference("openai", request_model="gpt-4o"):
                await made.provider.send_message(swarm.AgentMessage(role="user", content=PROMPT), session, made.configuration)
        calls = [span for span in telemetry.spans if span.name == "chat gpt-4o"]
    assert len(calls) == 1
    assert calls[0].attributes["gen_ai.usage.input_tokens"] == 9


async def test_the_simple_agent_shows_what_the_client_does(server, monkeypatch):
    """LangSwarm's simple agent keeps no usage: the instrumentor of its client has it, below our run, and the run sums it up."""
    from langswarm.simple_api import create_agent

    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-key-of-anyone")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    openai = theirs.OpenAIInstrumentor()
    LangSwarmInstrumentor().instrument()
    openai.instrument()
    try:
        with capture() as telemetry:
            simple = create_agent("gpt-4o")
            with current.traced("request"):
                assert await simple.chat("hi") == "hello there"
            simple._agent["client"].close()
            assert telemetry.tree() == "request\n  invoke_agent gpt-4o\n    chat gpt-4o"
            assert tokens(telemetry, "input") == 9
    finally:
        openai.uninstrument()
