"""Streams of LangSwarm: agents, models and tools."""

import asyncio
import inspect

import pytest
from opentelemetry.trace import get_current_span

from langswarm_otel.instrumentation import LangSwarmInstrumentor

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


class Words(swarm.Model):
    """A model that streams words; an exception among them is raised, a function awaited, a response passed on."""

    def __init__(self, *words):
        super().__init__()
        self.words = words

    async def stream_message(self, message, session, config):
        for word in self.words:
            if isinstance(word, BaseException):
                raise word
            if callable(word):
                await word()
            else:
                yield swarm.answer(word, None) if isinstance(word, str) else word


def streaming(model):
    """An agent that streams."""
    agent = swarm.agent(model)
    agent.configuration.streaming_enabled = True
    return agent


async def read(stream):
    return [chunk.content async for chunk in stream]


@pytest.mark.telemetry(content=True)
async def test_a_stream_is_timed_to_its_first_chunk(telemetry):
    """Run and call have the time to the first chunk, the answer whole, and the metric has a point; nothing is current between chunks."""
    agent = streaming(Words(lambda: asyncio.sleep(0.02), "good ", lambda: asyncio.sleep(0.02), "day", swarm.answer("", (10, 3))))
    between = []
    async for _chunk in agent.stream_chat("hi", "s-1"):
        between.append(get_current_span().get_span_context().is_valid)
    assert between == [False] * 3
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    for span in telemetry.spans:
        assert 0.02 <= span.attributes["gen_ai.response.time_to_first_chunk"] < (span.end_ns - span.start_ns) / 1e9
        assert span.attributes["gen_ai.request.stream"] is True
        assert "good day" in span.attributes["gen_ai.output.messages"]
        assert span.attributes["gen_ai.conversation.id"] == "s-1"
        assert "langswarm.usage.partial" not in span.attributes
    assert telemetry.spans[0].attributes["langswarm.run.input_tokens"] == 10
    assert telemetry.metric("gen_ai.client.operation.time_to_first_chunk").count == 1


async def test_a_stream_without_usage_has_partial_usage(telemetry):
    """LangSwarm's own providers report none: run and call say that tokens are missing, and none are made up."""
    await read(streaming(Words("a", "b")).stream_chat("hi"))
    for span in telemetry.spans:
        assert span.attributes["langswarm.usage.partial"] is True
        assert not [key for key in span.attributes if "tokens" in key]
    assert "gen_ai.output.messages" not in telemetry.spans[0].attributes


async def test_a_stream_with_tools_is_one_run(telemetry):
    """Each round is a call of the model; the tool is between them; the tokens are summed."""

    class Rounds(swarm.Model):
        async def stream_message(self, message, session, config):
            yield self.replies.pop(0)

    agent = streaming(Rounds(swarm.answer("", (10, 1), tool="desk__look"), swarm.answer("seen", (20, 2))))
    with swarm.registered(swarm.Tool(look=lambda: "seen")):
        await read(agent.stream_chat("look"))
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o\n  execute_tool desk\n  chat gpt-4o"
    assert telemetry.spans[0].attributes["langswarm.run.input_tokens"] == 30


async def test_streams_at_once_keep_apart(telemetry):
    """Ten agents that stream in turns in one task: every call stands below its own run."""
    agents = []
    for number in range(10):
        agent = swarm.agent(Words("a", "b", "c"), name=f"agent-{number}")
        agent.configuration.streaming_enabled = True
        agents.append(agent.stream_chat("hi"))
    for _ in range(3):
        for stream in agents:
            await stream.__anext__()
    for stream in agents:
        assert await read(stream) == []
    runs = {span.span_id: span.attributes["gen_ai.agent.name"] for span in telemetry.spans if span.name.startswith("invoke_agent")}
    calls = [span for span in telemetry.spans if span.name.startswith("chat")]
    assert len(runs) == len(calls) == 10
    assert all(runs[call.parent_id] == call.attributes["gen_ai.agent.name"] for call in calls)


async def test_a_stream_looks_as_it_did():
    """It is an asynchronous generator still, takes what is sent and thrown, and is the original's again after removal."""
    agent = streaming(Words("a", "b"))
    assert inspect.isasyncgenfunction(agent.stream_chat)
    stream = agent.stream_chat("hi")
    assert inspect.isasyncgen(stream)
    assert (await stream.asend(None)).content == "a"
    caught = (await stream.athrow(KeyError("thrown"))).error
    assert isinstance(caught, KeyError), "LangSwarm turns what is thrown into it into a chunk"
    LangSwarmInstrumentor().uninstrument()
    assert await read(streaming(Words("a", "b")).stream_chat("hi")) == ["a", "b"]


async def test_a_provider_that_returns_an_iterator_of_its_own_is_observed(telemetry):
    """What a user's provider returns need not be a generator."""

    class Iterator:
        def __init__(self):
            self.left = ["a", "b"]

        def __aiter__(self):
            return self

        async def __anext__(self):
            if not self.left:
                raise StopAsyncIteration
            return swarm.answer(self.left.pop(0), None)

    class Own(swarm.Model):
        def stream_message(self, message, session, config):
            return Iterator()

    assert await read(streaming(Own()).stream_chat("hi")) == ["a", "b"]
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"


async def test_items_of_a_tools_stream_are_kept_where_the_gate_is_open():
    """Text items become the result."""
    from langswarm_otel.testing import capture

    class Desk(swarm.Tool):
        async def read_stream(self, what):
            yield f"{what} "
            yield "seen"

    for content in (True, False):
        with capture(content=content) as telemetry:
            items = [item async for item in Desk().execution.execute_stream("read", {"what": "door"})]
        assert items == ["door ", "seen"]
        attributes = telemetry.span("execute_tool desk").attributes
        assert ("door seen" in attributes.get("gen_ai.tool.call.result", "")) is content
        assert attributes["langswarm.tool.method"] == "read"


async def test_items_of_a_stream_that_are_no_text_are_lines_of_json():
    """As they were when they came out; and an error that LangSwarm makes the last item is told as what it is."""
    from langswarm_otel.testing import capture

    class Desk(swarm.Tool):
        async def read_stream(self):
            yield (row := {"door": 1})
            row["door"] = 2
            yield row
            raise LookupError("no third door")

    with capture(content=True) as telemetry:
        items = [item async for item in Desk().execution.execute_stream("read", {})]
    assert items[-1].success is False
    span = telemetry.span("execute_tool desk")
    assert span.attributes["gen_ai.tool.call.result"].splitlines() == ['{"door":1}', '{"door":2}', "no third door"]
    assert span.status == "ERROR"


async def test_the_conversation_that_an_agent_opens_is_on_its_stream(telemetry):
    """Without a session id LangSwarm makes one: it is on the run, also of a stream that is left."""
    agent = streaming(Words("a", "b"))
    await read(agent.stream_chat("hi"))
    left = streaming(Words("a", "b"))
    stream = left.stream_chat("hi")
    await stream.__anext__()
    await stream.aclose()
    runs = [span for span in telemetry.spans if span.name == "invoke_agent helper"]
    expected = [one.current_session.session_id for one in (agent, left)]
    assert [run.attributes["gen_ai.conversation.id"] for run in runs] == expected
