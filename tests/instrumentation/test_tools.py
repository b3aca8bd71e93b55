"""Tool calls through LangSwarm's agents, its executor and directly."""

import asyncio
import contextvars
import threading

import pytest
from opentelemetry import trace

from langswarm_otel import current
from langswarm_otel.instrumentation import LangSwarmInstrumentor

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


async def test_a_tool_call_of_an_agent_is_a_span_between_its_model_calls(telemetry):
    """The tool nests below the run, beside the two model calls, with name, type and the method that ran."""
    agent = swarm.agent(swarm.Model(swarm.answer(tool="desk__look", where="here"), swarm.answer()))
    with swarm.registered(swarm.Tool(look=lambda where: where)):
        await agent._execute_chat("look")
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o\n  execute_tool desk\n  chat gpt-4o"
    (span,) = [span for span in telemetry.spans if span.name == "execute_tool desk"]
    assert span.attributes["gen_ai.tool.name"] == "desk"
    assert span.attributes["gen_ai.tool.type"] == "function"
    assert span.attributes["langswarm.tool.method"] == "look"
    assert span.attributes["gen_ai.agent.name"] == "helper"
    (point,) = [point for point in telemetry.metrics if point.name == "gen_ai.execute_tool.duration"]
    assert point.attributes["langswarm.outcome"] == "ok"


async def test_a_plain_function_sees_the_span_of_its_call(telemetry):
    """LangSwarm runs it in an executor without context: spans made in it nest below the tool all the same."""
    threads = []

    def look():
        threads.append(threading.current_thread())
        with current.memory("search_memory", store="shelf") as found:
            found.hit(1)
        return trace.get_current_span().get_span_context().span_id

    result = await swarm.Tool(look=look).execution.execute("look", {})
    assert telemetry.tree() == "execute_tool desk\n  search_memory"
    assert result.data == int(telemetry.spans[0].span_id, 16)
    assert threads[0] is not threading.main_thread()


async def test_a_coroutine_function_stays_one(telemetry):
    """It runs on the loop as before, and nests."""
    thread = threading.current_thread()

    async def look():
        with current.memory("search_memory", store="shelf") as found:
            found.miss()
        return threading.current_thread() is thread

    result = await swarm.Tool(look=look).execution.execute("look", {})
    assert result.data is True
    assert telemetry.tree() == "execute_tool desk\n  search_memory"


async def test_many_plain_functions_at_once_keep_their_contexts_apart(telemetry):
    """Eight calls in executor threads: each sees its own span and its own caller's variable."""
    who = contextvars.ContextVar("who")
    gate = threading.Barrier(4, timeout=20)

    def look():
        gate.wait()
        return who.get(), trace.get_current_span().get_span_context().span_id

    tool = swarm.Tool(look=look)

    async def call(name):
        who.set(name)
        return (await tool.execution.execute("look", {})).data

    seen = [await asyncio.gather(*(call(f"{turn}-{n}") for n in range(4))) for turn in range(2)]
    names, spans = zip(*(pair for turn in seen for pair in turn), strict=True)
    assert sorted(names) == sorted(f"{turn}-{n}" for turn in range(2) for n in range(4))
    assert set(spans) == {int(span.span_id, 16) for span in telemetry.spans}


async def test_a_handler_may_be_kept_and_called_again():
    """What LangSwarm hands out works from several threads at once, as the function itself does."""
    gate = threading.Barrier(2, timeout=20)

    def look():
        gate.wait()
        return "seen"

    handler = swarm.Tool(look=look).execution._get_method_handler("look")
    assert handler.__name__ == "look"
    assert await asyncio.gather(asyncio.to_thread(handler), asyncio.to_thread(handler)) == ["seen", "seen"]


async def test_an_exception_that_langswarm_swallows_is_an_error_of_the_call(telemetry):
    """The result says ``success=False``; the span is an error of the exception's type, and the text of it stays out."""

    def look():
        raise PermissionError("card 4111 refused")

    result = await swarm.Tool(look=look).execution.execute("look", {})
    assert not result.success
    assert result.error == "card 4111 refused"
    (span,) = telemetry.spans
    assert span.status == "ERROR"
    assert span.attributes["error.type"] == "PermissionError"
    assert "4111" not in str(span.attributes) + str(span.events) + str(span.status_description)


async def test_a_refused_call_is_an_error_without_a_type_of_its_own(telemetry):
    """A call that lacks an argument is ``tool_error``, as nothing was raised; the text, which quotes the model, is no label."""
    tool = swarm.Tool(look=lambda where: where)
    tool.metadata.methods["look"].required.append("where")
    result = await tool.execution.execute("look", {})
    assert not result.success
    (span,) = telemetry.spans
    assert span.attributes["error.type"] == "tool_error"


async def test_each_attempt_of_the_executor_is_a_call(telemetry):
    """``ToolExecutor`` goes through the same place."""
    from langswarm.tools.execution import ToolExecutor

    result = await ToolExecutor().execute(swarm.Tool(look=lambda: "seen"), "look", {})
    assert result.success
    assert telemetry.tree() == "execute_tool desk"


def test_synchronous_execution_is_observed(telemetry):
    """``execute_sync`` runs the same call on a loop of its own."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        result = swarm.Tool(look=lambda: "seen").execution.execute_sync("look", {})
    finally:
        asyncio.set_event_loop(None)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert result.data == "seen"
    assert telemetry.tree() == "execute_tool desk"


@pytest.mark.telemetry(content=True)
async def test_arguments_and_result_are_kept_where_the_gate_is_open(telemetry):
    """With the gate open both stand on the span, as the conventions name them."""
    await swarm.Tool(look=lambda where: where + " seen").execution.execute("look", {"where": "the desk"})
    (span,) = telemetry.spans
    assert "the desk" in span.attributes["gen_ai.tool.call.arguments"]
    assert "the desk seen" in span.attributes["gen_ai.tool.call.result"]


async def test_without_hooks_the_handler_is_the_function_itself():
    """After removal LangSwarm hands out the identical object again."""
    LangSwarmInstrumentor().uninstrument()

    def look():
        return "seen"

    assert swarm.Tool(look=look).execution._get_method_handler("look") is look
