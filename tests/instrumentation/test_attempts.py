"""Calls that LangSwarm repeats: one run, and an attempt for each try."""

import asyncio

import pytest

from langswarm_otel import current

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


def impatient(seconds=0.05):
    """LangSwarm's default pipeline, whose execution gives up after so many seconds instead of 30."""
    from langswarm.core.middleware.interceptors import ExecutionInterceptor
    from langswarm.core.middleware.pipeline import PipelineBuilder

    return PipelineBuilder().add_interceptor(ExecutionInterceptor(default_timeout=seconds)).build()


def attempts(span):
    """Return the outcomes of the attempts of a run, in order."""
    return [event.attributes["langswarm.outcome"] for event in span.events if event.name == "langswarm.attempt"]


async def test_a_chat_that_the_middleware_repeats_is_one_run_of_two_attempts(telemetry):
    """The first try is called off after the timeout and LangSwarm starts all over: two model calls, one run, the tokens of both."""
    answers = [swarm.answer("late", (10, 3)), swarm.answer("second", (20, 4))]

    async def reply():
        answer = answers.pop(0)
        if answers:
            await asyncio.sleep(60)
        return answer

    agent = swarm.agent(swarm.Model(reply, reply))
    agent._pipeline = impatient()
    response = await agent.chat("hi")
    assert response.content == "second"
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o\n  chat gpt-4o"
    run, first, second = telemetry.spans
    assert attempts(run) == ["cancelled", "ok"]
    assert [event.attributes["langswarm.attempt.number"] for event in run.events] == [1, 2]
    assert run.events[0].attributes["langswarm.attempt.duration"] >= 0.05
    assert run.attributes["langswarm.attempts"] == 2
    assert [span.attributes["langswarm.outcome"] for span in (run, first, second)] == ["ok", "cancelled", "ok"]
    assert run.attributes["langswarm.run.input_tokens"] == 20
    assert telemetry.metric("gen_ai.invoke_agent.duration").count == 1


async def test_a_chat_whose_second_try_fails_is_an_error(telemetry):
    """The run has the outcome of its last attempt, although LangSwarm's ``chat`` hides it."""
    boom = LookupError("no")
    replies = [lambda: asyncio.sleep(60), boom]
    agent = swarm.agent(swarm.Model(*replies))
    agent._pipeline = impatient()
    response = await agent.chat("hi")
    assert response.error is boom
    assert telemetry.spans[0].attributes["error.type"] == "LookupError"
    assert attempts(telemetry.spans[0]) == ["cancelled", "ok"]


async def test_an_agent_that_asks_itself_in_a_tool_is_a_run_of_its_own(telemetry):
    """A chat inside of a chat of the same agent is no attempt of the outer one, whichever way it is called."""
    agents = []

    async def ask(way):
        return (await getattr(agents[0], way)("inner")).content

    replies = []
    for way in ("chat", "_execute_chat"):
        replies += [swarm.answer(tool="desk__ask", way=way), swarm.answer("inner"), swarm.answer("outer")]
        agents[:] = [swarm.agent(swarm.Model(*replies[-3:]))]
        with swarm.registered(swarm.Tool(ask=ask)):
            await agents[0].chat("outer")
        inner = "  chat gpt-4o\n  execute_tool desk\n    invoke_agent helper\n      chat gpt-4o\n  chat gpt-4o"
        assert telemetry.tree().splitlines()[-6:] == f"invoke_agent helper\n{inner}".splitlines()


async def test_a_tool_that_takes_too_long_is_one_call_of_several_attempts(telemetry, monkeypatch):
    """The executor repeats what times out; the call fails with the timeout, and each try is seen with its time."""
    from langswarm.tools.execution import ExecutionContext, ToolExecutor

    waited = []
    sleep = asyncio.sleep

    async def no_backoff(seconds):
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr("langswarm.tools.execution.asyncio.sleep", no_backoff)

    async def slow():
        await asyncio.Event().wait()

    result = await ToolExecutor().execute(swarm.Tool(slow=slow), "slow", {}, ExecutionContext(timeout=0.02, max_retries=2))
    assert not result.success
    assert waited == [2, 4]
    (span,) = telemetry.spans
    assert span.name == "execute_tool desk"
    assert span.attributes["error.type"] == "TimeoutError"
    assert span.attributes["langswarm.attempts"] == 3
    assert attempts(span) == ["cancelled"] * 3
    assert telemetry.metric("gen_ai.execute_tool.duration").count == 1


async def test_what_an_executor_calls_in_turn_is_seen(telemetry):
    """The executor's call of the tool is one span with the method; another tool inside, and the same one again, are calls of their own."""
    from langswarm.tools.execution import ToolExecutor

    other = swarm.Tool("other", look=lambda: "seen")

    async def look(again):
        await other.execution.execute("look", {})
        if again:
            await desk.execution.execute("look", {"again": False})
        return "done"

    desk = swarm.Tool(look=look)
    result = await ToolExecutor().execute(desk, "look", {"again": True})
    assert result.data == "done"
    assert telemetry.tree() == "execute_tool desk\n  execute_tool other\n  execute_tool desk\n    execute_tool other"
    assert telemetry.spans[0].attributes["langswarm.tool.method"] == "look"
    assert attempts(telemetry.spans[0]) == [], "a single try that goes well is no news"


async def test_a_chat_in_a_span_of_the_program_nests_below_it(telemetry):
    """The pipeline runs the chat in a task of its own, which loses nothing."""
    agent = swarm.agent(swarm.Model(swarm.answer()))
    with current.traced("request"):
        await agent.chat("hi")
    assert telemetry.tree() == "request\n  invoke_agent helper\n    chat gpt-4o"


async def test_what_a_tool_leaves_behind_is_a_call_of_its_own(telemetry):
    """A task that a tool has started and that calls it again, when the executor is done, is seen."""
    from langswarm.tools.execution import ToolExecutor

    tasks = []

    async def later():
        await asyncio.sleep(0.02)
        return await desk.execution.execute("look", {})

    async def start():
        tasks.append(asyncio.ensure_future(later()))

    desk = swarm.Tool(start=start, look=lambda: "seen")
    await ToolExecutor().execute(desk, "start", {})
    await tasks[0]
    assert [span.name for span in telemetry.spans] == ["execute_tool desk", "execute_tool desk"]
