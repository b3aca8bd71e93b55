"""Agent runs of real LangSwarm agents."""

import asyncio
import inspect

import pytest

from langswarm_otel import current
from langswarm_otel.instrumentation import LangSwarmInstrumentor

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


def only(spans, prefix):
    """Return the one span whose name begins so."""
    (found,) = [span for span in spans if span.name.startswith(prefix)]
    return found


@pytest.mark.telemetry(price_table={"gpt-4o": {"input": 2.5, "output": 10.0}})
async def test_an_agent_run_and_its_model_call_are_one_tree(telemetry):
    """The run is a span with name, model and id, the model call a span below it with tokens; the tokens of the run stand on the root."""
    response = await swarm.agent(swarm.Model(swarm.answer("hello", (12, 5))))._execute_chat("hi")
    assert response.content == "hello"
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    run, call = only(telemetry.spans, "invoke_agent"), only(telemetry.spans, "chat")
    assert run.attributes["gen_ai.agent.name"] == "helper"
    assert run.attributes["langswarm.agent.id"] == "helper-1"
    assert run.attributes["gen_ai.request.model"] == "gpt-4o"
    assert run.attributes["langswarm.run.input_tokens"] == 12
    assert run.attributes["langswarm.run.output_tokens"] == 5
    assert run.attributes["langswarm.run.cost"] > 0
    assert "gen_ai.usage.input_tokens" not in run.attributes
    assert call.attributes["gen_ai.usage.input_tokens"] == 12
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert call.attributes["gen_ai.response.finish_reasons"] == ("stop",)


@pytest.mark.parametrize("method", ["chat", "send_message"])
async def test_the_public_ways_to_an_agent_make_one_run(telemetry, method):
    """``chat`` goes through ``_execute_chat`` in a task of the middleware: one run, not two, with its tokens, and nothing is mended."""
    agent = swarm.agent(swarm.Model(swarm.answer("hello")))
    response = await getattr(agent, method)("hi")
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    assert only(telemetry.spans, "chat").attributes["gen_ai.usage.input_tokens"] == 10
    assert response.usage is None, "LangSwarm's own fault must stay as it is"


async def test_tokens_are_summed_over_the_calls_of_a_tool_loop(telemetry):
    """LangSwarm reports the last call only; the run has the sum of all three, on a second run of the same agent anew."""
    replies = [
        swarm.answer(tokens=(10, 1), tool="desk__look"),
        swarm.answer(tokens=(20, 2), tool="desk__look"),
        swarm.answer(tokens=(40, 4)),
    ]
    agent = swarm.agent(swarm.Model(*replies, *replies))
    with swarm.registered(swarm.Tool(look=lambda: "seen")):
        for _ in range(2):
            response = await agent._execute_chat("look twice")
            assert response.usage.prompt_tokens == 40
    runs = [span for span in telemetry.spans if span.name == "invoke_agent helper"]
    assert [run.attributes["langswarm.run.input_tokens"] for run in runs] == [70, 70]
    assert [run.attributes["langswarm.run.output_tokens"] for run in runs] == [7, 7]
    spent = [span.attributes.get("gen_ai.usage.input_tokens", 0) for span in telemetry.spans]
    assert sum(spent) == 140


async def test_an_error_that_is_returned_is_an_error_of_the_run(telemetry):
    """A model that raises ends as ``success=False``: run and call are errors of its type, and the caller gets the identical exception."""
    boom = LookupError("no such customer: Jane Doe")
    response = await swarm.agent(swarm.Model(boom))._execute_chat("hi")
    assert response.error is boom
    for name in ("invoke_agent", "chat"):
        span = only(telemetry.spans, name)
        assert span.status == "ERROR"
        assert span.attributes["error.type"] == "LookupError"
        assert span.attributes["langswarm.outcome"] == "error"
        assert "Jane Doe" not in str(span.attributes) + str(span.events), "the text of an exception is content"


async def test_a_failed_response_comes_back_identical(telemetry):
    """A provider that returns its error gets it on both spans, and the response object passes through unchanged."""
    made = swarm.failed(ConnectionError("refused"))
    response = await swarm.agent(swarm.Model(made))._execute_chat("hi")
    assert response is made
    assert [span.attributes["error.type"] for span in telemetry.spans] == ["ConnectionError", "ConnectionError"]


async def test_a_cancelled_run_is_neither_a_success_nor_an_error(telemetry):
    """Cancelling passes, and both spans end as cancelled."""
    waiting = asyncio.Event()

    async def wait():
        waiting.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(swarm.agent(swarm.Model(wait))._execute_chat("hi"))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [span.attributes["langswarm.outcome"] for span in telemetry.spans] == ["cancelled", "cancelled"]
    assert {span.status for span in telemetry.spans} == {"UNSET"}


async def test_agents_at_once_keep_their_calls_apart(telemetry):
    """Twenty runs in parallel tasks: each model call stands below its own run."""

    def slow(name):
        async def reply():
            await asyncio.sleep(0.001)
            return swarm.answer(name)

        return reply

    await asyncio.gather(*(swarm.agent(swarm.Model(slow(str(n))), name=f"agent-{n}")._execute_chat("hi") for n in range(20)))
    runs = {span.span_id: span.attributes["gen_ai.agent.name"] for span in telemetry.spans if span.name.startswith("invoke_agent")}
    calls = [span for span in telemetry.spans if span.name.startswith("chat")]
    assert sorted(runs.values()) == sorted(f"agent-{n}" for n in range(20))
    assert all(runs[call.parent_id] == call.attributes["gen_ai.agent.name"] for call in calls)
    assert len({call.parent_id for call in calls}) == 20


async def test_the_conversation_is_the_session_of_the_chat(telemetry):
    """``session_id`` stands on the run and everything below; without one, the session that LangSwarm makes is named afterwards."""
    agent = swarm.agent(swarm.Model(swarm.answer(), swarm.answer(), swarm.answer()))
    await agent._execute_chat("first")
    made = agent.current_session.session_id
    await agent._execute_chat("second")
    await agent._execute_chat("third", "thread-3")
    conversations = [span.attributes["gen_ai.conversation.id"] for span in telemetry.spans if span.name.startswith("invoke_agent")]
    assert conversations == [made, made, "thread-3"]
    assert [span.attributes["gen_ai.conversation.id"] for span in telemetry.spans if span.name.startswith("chat")] == conversations


async def test_a_session_that_the_program_opened_wins(telemetry):
    """Inside a session of ours the agent's own thread does not replace the conversation, and the user stays."""
    with current.session("s-42", user_id="u-17"):
        await swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi", session_id="thread")
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.spans} == {"s-42"}
    assert len({span.attributes["user.hash"] for span in telemetry.spans}) == 1


async def test_langswarms_trace_id_is_an_attribute(telemetry):
    """The free string that LangSwarm passes between agents is kept, and is not taken for an OpenTelemetry id."""
    await swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi", trace_id="chain-9")
    assert only(telemetry.spans, "invoke_agent").attributes["langswarm.trace_id"] == "chain-9"


@pytest.mark.telemetry(content=True)
async def test_content_is_kept_where_the_gate_is_open(telemetry):
    """With the gate open, question and answer stand on run and call."""
    await swarm.agent(swarm.Model(swarm.answer("the answer")))._execute_chat("the question")
    for span in telemetry.spans:
        assert "the question" in span.attributes["gen_ai.input.messages"]
        assert "the answer" in span.attributes["gen_ai.output.messages"]


async def test_content_is_not_kept_where_the_gate_is_closed(telemetry):
    """By default no word of the conversation is on any span."""
    await swarm.agent(swarm.Model(swarm.answer("the answer")))._execute_chat("the question")
    emitted = " ".join(str(span.attributes) + str(span.events) for span in telemetry.spans)
    assert "the question" not in emitted
    assert "the answer" not in emitted


async def test_agents_and_providers_from_before_the_instrumentation_are_observed(telemetry):
    """An agent that was built before, and a provider put into an agent later, are found when the agent runs."""

    class Early(swarm.Model):
        pass

    class Late(swarm.Model):
        pass

    LangSwarmInstrumentor().uninstrument()
    agent = swarm.agent(Early(swarm.answer()))
    assert "send_message" not in vars(Early)
    LangSwarmInstrumentor().instrument()
    await agent._execute_chat("hi")
    agent._provider = Late(swarm.answer())
    await agent._execute_chat("hi")
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o\ninvoke_agent helper\n  chat gpt-4o"
    LangSwarmInstrumentor().uninstrument()
    assert "send_message" not in vars(Early)
    assert "send_message" not in vars(Late)


def test_signatures_stay_as_they_are():
    """Building and running an agent look the same to ``inspect`` as without hooks."""
    agent = swarm.agent(swarm.Model())
    hooked = inspect.signature(type(agent)), inspect.signature(agent._execute_chat), inspect.iscoroutinefunction(agent._execute_chat)
    documented = type(agent)._execute_chat.__doc__
    LangSwarmInstrumentor().uninstrument()
    assert hooked == (inspect.signature(type(agent)), inspect.signature(agent._execute_chat), True)
    assert documented == type(agent)._execute_chat.__doc__


async def test_a_multimodal_agent_inside_of_another_is_a_run_of_its_own(telemetry):
    """Called straight from another agent's run, with no tool between them."""
    import langswarm_modes as modes

    with current.agent("outer"):
        await modes.multimodal(modes.Inside(modes.OK))
    assert telemetry.tree() == "invoke_agent outer\n  invoke_agent helper\n    chat gpt-4o"
