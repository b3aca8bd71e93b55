"""The hooks and the drop-in at once: what the hooks observe, the drop-in does not observe again."""

import asyncio

import pytest

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.telemetry(price_table={"gpt-4o": {"input": 2.5, "output": 10.0}})


async def look():
    return "seen"


async def fail():
    raise LookupError("gone")


async def run_everything():
    """An agent with a tool loop, one that fails, a workflow in each way that waits."""
    model = swarm.Model(swarm.answer(tokens=(10, 1), tool="desk__look"), swarm.answer(tokens=(20, 2), tool="desk__fail"), swarm.answer())
    with swarm.registered(swarm.Tool(look=look, fail=fail)):
        agent = swarm.agent(model)
        await agent.initialize()
        await agent._execute_chat("look", session_id="s-1")
    await swarm.agent(swarm.Model(ValueError("no")), "other")._execute_chat("hi")
    engine = swarm.get_workflow_engine()

    async def step(context):
        return (await swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi")).content

    for mode in ("SYNC", "PARALLEL"):
        await engine.execute_workflow(swarm.workflow(swarm.Step("one", step)), {}, _mode(mode))


def _mode(name):
    from langswarm.core.workflows import ExecutionMode

    return ExecutionMode[name]


def told(telemetry):
    """Everything about a run that must not depend on the number of open doors."""
    counts = {
        (point.name, str(sorted(point.attributes.items()))): point.count if point.count is not None else point.value
        for point in telemetry.metrics
    }
    ends = [
        (span.name, span.status, span.attributes.get("error.type"), span.attributes.get("gen_ai.usage.input_tokens"))
        for span in telemetry.spans
    ]
    return telemetry.tree(), ends, counts


async def test_both_doors_tell_what_the_hooks_tell_alone(instrumented):
    """The same tree, ends, tokens, cost, and number of measurements in every series."""
    from langswarm_otel.compat import ObservabilityProvider, set_observability_provider
    from langswarm_otel.testing import capture

    with capture() as hooks_alone:
        await run_everything()
    set_observability_provider(ObservabilityProvider())
    with capture() as both:
        await run_everything()
    assert "execute_tool desk" in hooks_alone.tree()
    assert told(both) == told(hooks_alone)
    assert len(both.logs) > len(hooks_alone.logs), "LangSwarm's own lines are there"


@pytest.mark.parametrize("mode", ["ASYNC", "STREAMING"])
async def test_background_workflows_are_left_to_the_hooks_too(instrumented, mode):
    """Whatever the hooks make of them, the drop-in adds no span."""
    from langswarm_otel.compat import ObservabilityProvider, set_observability_provider
    from langswarm_otel.testing import capture

    async def run():
        async def step(context):
            return 1

        await swarm.get_workflow_engine().execute_workflow(swarm.workflow(swarm.Step("one", step)), {}, _mode(mode))
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others)

    with capture() as hooks_alone:
        await run()
    set_observability_provider(ObservabilityProvider())
    with capture() as both:
        await run()
    assert both.tree() == hooks_alone.tree()


async def test_a_users_own_operations_are_spans_with_the_hooks_on(instrumented, provider, telemetry):
    """Only LangSwarm's own calls are left to the hooks, not a user's with the same names."""
    with provider.tool_obs.trace_tool_execution("abacus", "add", {"a": 1}), provider.tracer.start_span("mine"):
        pass
    assert telemetry.tree() == "execute_tool abacus\n  mine"


async def test_a_users_block_around_a_call_is_the_same_call(provider, telemetry):
    """Without the hooks: what a user traces around LangSwarm's own report of the same agent is one run, counted once."""
    with provider.agent_obs.trace_message_processing("helper-1", 2):
        await swarm.agent(swarm.Model(swarm.answer("hello", (12, 5))))._execute_chat("hi")
        provider.agent_obs.record_token_usage("helper-1", 12, 5, "openai")
        provider.agent_obs.record_response_time("helper-1", 100.0, "openai", "gpt-4o")
    assert telemetry.tree() == "invoke_agent helper-1\n  chat gpt-4o"
    assert telemetry.total("gen_ai.client.token.usage") == 17
    assert telemetry.metric("gen_ai.invoke_agent.duration").count == 1
