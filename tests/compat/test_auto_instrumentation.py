"""LangSwarm's own instrumentation, dead with its own provider, alive with ours: real agents, tools and workflows, no hooks."""

import asyncio

import pytest

swarm = pytest.importorskip("swarm")


def only(telemetry, prefix):
    """Return the one span whose name begins so."""
    (found,) = [span for span in telemetry.spans if span.name.startswith(prefix)]
    return found


def no_faults():
    """Nothing of ours has failed on the way."""
    from langswarm_otel.guard import faults

    assert faults() == {}


async def look():
    return "seen"


async def test_an_agent_run_is_one_tree_with_its_tokens_once(provider, telemetry):
    """``agent.chat`` is the run, ``agent.provider_call`` the model call with the tokens; the run has no second report of them."""
    response = await swarm.agent(swarm.Model(swarm.answer("hello", (12, 5))))._execute_chat("hi", session_id="s-1")
    assert response.content == "hello"
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    run, call = only(telemetry, "invoke_agent"), only(telemetry, "chat")
    assert run.attributes["gen_ai.agent.name"] == "helper"
    assert run.attributes["langswarm.agent.id"] == "helper-1"
    assert run.attributes["langswarm.run.input_tokens"] == 12
    assert run.attributes["gen_ai.conversation.id"] == call.attributes["gen_ai.conversation.id"] == "s-1"
    assert call.attributes["gen_ai.usage.input_tokens"] == 12
    assert call.attributes["gen_ai.usage.output_tokens"] == 5
    assert call.attributes["gen_ai.provider.name"] == "openai"
    assert call.kind == "CLIENT"
    assert "langswarm.tag.total_tokens" not in run.attributes
    assert telemetry.total("gen_ai.client.token.usage") == 17
    no_faults()


async def test_the_conversation_that_langswarm_opens_itself_is_known_to_the_model_call(provider, telemetry):
    """LangSwarm names the session once the agent is at work; the call below carries it, with no raw user in it."""
    await swarm.agent(swarm.Model(swarm.answer("hello")))._execute_chat("hi")
    run, call = only(telemetry, "invoke_agent"), only(telemetry, "chat")
    assert run.attributes["gen_ai.conversation.id"]
    assert call.attributes["gen_ai.conversation.id"] == run.attributes["gen_ai.conversation.id"]


async def test_an_error_that_the_agent_returns_is_an_error_of_run_and_call(provider, telemetry):
    """The model raises and LangSwarm returns: both spans are errors of its type, and its text is not told."""
    boom = LookupError("no such customer: Jane Doe")
    response = await swarm.agent(swarm.Model(boom))._execute_chat("hi")
    assert response.error is boom
    assert [(span.status, span.attributes["error.type"]) for span in telemetry.spans] == [("ERROR", "LookupError")] * 2
    assert "Jane Doe" not in str([(span.attributes, span.events) for span in telemetry.spans])
    assert telemetry.total("langswarm.operation.errors", {"gen_ai.operation.name": "invoke_agent"}) == 1


async def test_a_response_that_says_that_it_failed_is_an_error(provider, telemetry):
    """A provider that returns an error response raises nothing; ``chat_success`` tells."""
    await swarm.agent(swarm.Model(swarm.failed(ValueError("no"))))._execute_chat("hi")
    assert {span.status for span in telemetry.spans} == {"ERROR"}


@pytest.mark.telemetry(content=True)
async def test_initialising_an_agent_is_a_span(provider, telemetry):
    """``agent.initialize`` has no standard name: a span of its own name, tags under ours."""
    await swarm.agent(swarm.Model()).initialize()
    span = telemetry.span("agent.initialize")
    assert span.attributes["langswarm.tag.initialization_status"] == "success"
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert span.attributes["gen_ai.request.model"] == "gpt-4o"
    assert telemetry.log("Agent helper initialized successfully").span_id == span.span_id
    no_faults()


async def test_an_agent_that_cannot_be_initialised_raises_its_own_error(provider, telemetry):
    """The span is an error, and the exception the very same."""
    boom = ValueError("no key")

    class Refusing(swarm.Model):
        async def validate_configuration(self, config):
            raise boom

    with pytest.raises(ValueError, match="no key") as raised:
        await swarm.agent(Refusing()).initialize()
    assert raised.value is boom
    assert telemetry.span("agent.initialize").status == "ERROR"
    assert telemetry.span("agent.initialize").attributes["error.type"] == "ValueError"


async def test_a_tool_call_is_one_span(provider, telemetry):
    """``tool.method_call`` is part of ``tool.execute``."""
    result = await swarm.Tool(look=look).execution.execute("look", {})
    assert result.success
    assert telemetry.tree() == "execute_tool desk"
    span = telemetry.span("execute_tool desk")
    assert span.attributes["langswarm.tool.method"] == "look"
    assert span.attributes["langswarm.tag.is_async"] is True
    assert telemetry.metric("gen_ai.execute_tool.duration").count == 1
    no_faults()


async def test_errors_of_a_tool_are_errors_of_its_span(provider, telemetry):
    """What the tool raises, LangSwarm returns; and a method that there is not."""

    async def break_down():
        raise KeyError("secret")

    tool = swarm.Tool(break_down=break_down).execution
    assert not (await tool.execute("break_down", {})).success
    assert not (await tool.execute("there_is_none", {})).success
    failed, refused = telemetry.spans
    assert (failed.status, failed.attributes["error.type"]) == ("ERROR", "KeyError")
    assert (refused.status, refused.attributes["error.type"]) == ("ERROR", "NotImplementedError")
    assert "secret" not in str(failed.attributes)


async def test_an_agent_with_a_tool_is_one_tree(provider, telemetry):
    """LangSwarm makes no ``provider_call`` of the second round, so that one call is all that its own instrumentation shows."""
    model = swarm.Model(swarm.answer(tokens=(10, 1), tool="desk__look"), swarm.answer(tokens=(20, 2)))
    with swarm.registered(swarm.Tool(look=look)):
        await swarm.agent(model)._execute_chat("look")
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o\n  execute_tool desk"


async def work(context):
    return "done"


async def fail(context):
    raise LookupError("no such plan")


@pytest.mark.parametrize("mode", ["sync", "parallel", "async", "streaming"])
async def test_a_workflow_is_one_span_in_each_mode(provider, telemetry, mode):
    """Also where the call returns at once: the span is that of the work, and lasts as long."""
    engine = swarm.get_workflow_engine()

    async def wait(context):
        await asyncio.sleep(0.05)

    await engine.execute_workflow(swarm.workflow(swarm.Step("one", wait)), {}, _mode(mode))
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others)
    assert telemetry.tree() == "invoke_workflow plan-1"
    span = telemetry.span("invoke_workflow plan-1")
    assert span.duration_s > 0.04
    no_faults()


@pytest.mark.parametrize("mode", ["sync", "parallel"])
async def test_a_workflow_that_fails_is_an_error(provider, telemetry, mode):
    """The engine returns its failures."""
    await swarm.get_workflow_engine().execute_workflow(swarm.workflow(swarm.Step("one", fail)), {}, _mode(mode))
    assert telemetry.span("invoke_workflow plan-1").status == "ERROR"


def _mode(name):
    from langswarm.core.workflows import ExecutionMode

    return ExecutionMode(name)


async def test_concurrent_runs_have_their_own_parents(provider, telemetry):
    """The span stack of LangSwarm is one a thread; contexts are one a task."""

    async def slowly():
        await asyncio.sleep(0.001)
        return swarm.answer("hello")

    await asyncio.gather(*(swarm.agent(swarm.Model(slowly), f"agent-{n}")._execute_chat("hi") for n in range(20)))
    runs = {span.span_id: span for span in telemetry.spans if span.name.startswith("invoke_agent")}
    calls = [span for span in telemetry.spans if span.name.startswith("chat")]
    assert len(runs) == len(calls) == 20
    assert {call.attributes["gen_ai.agent.name"] for call in calls} == {f"agent-{n}" for n in range(20)}
    assert all(runs[call.parent_id].attributes["gen_ai.agent.name"] == call.attributes["gen_ai.agent.name"] for call in calls)


async def test_functions_that_langswarm_decorates_are_spans(provider, telemetry):
    """``auto_instrument_function`` and the mixin report to our provider."""
    from langswarm.core.observability import auto_instrument_function, instrument_agent_operation

    @instrument_agent_operation("custom_reasoning")
    async def reason(question):
        return len(question)

    @auto_instrument_function("data_processing", "custom_component")
    def process(data):
        raise LookupError("gone")

    assert await reason("why") == 3
    with pytest.raises(LookupError, match="gone"):
        process({})
    assert telemetry.span("custom_reasoning").attributes["langswarm.tag.component"] == "agent"
    assert telemetry.span("data_processing").status == "ERROR"
    assert telemetry.span("data_processing").attributes["error.type"] == "LookupError"
    no_faults()


async def test_metrics_that_the_operations_measure_are_not_made_twice(provider, telemetry):
    """None of LangSwarm's own counters and histograms for agents and tools; ours have the same facts."""
    with swarm.registered(swarm.Tool(look=look)):
        await swarm.agent(swarm.Model(swarm.answer(tool="desk__look"), swarm.answer()))._execute_chat("look")
    assert {point.name for point in telemetry.metrics if not point.name.startswith(("gen_ai.", "langswarm."))} == set()
    assert telemetry.metric("gen_ai.invoke_agent.duration").count == 1
