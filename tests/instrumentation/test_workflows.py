"""Workflows and steps of LangSwarm's engine."""

import asyncio

import pytest

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


async def run(*steps, **options):
    """Run a workflow of these steps on the engine that was made when LangSwarm was imported."""
    return await swarm.get_workflow_engine().execute_workflow(swarm.workflow(*steps), {"input": "go"}, **options)


def value(result):
    """Return a step's function that gives a result."""

    async def give(context):
        await asyncio.sleep(0)
        return result

    return give


async def refuse(context):
    raise PermissionError("not on my watch")


async def test_steps_nest_below_their_workflow(telemetry):
    """Workflow and steps are spans with names and types; what a step calls nests below it."""

    async def ask(context):
        return (await swarm.agent(swarm.Model(swarm.answer("fine")))._execute_chat("hi")).content

    result = await run(swarm.Step("first", value(1)), swarm.Step("second", ask, after=["first"]))
    assert result.success
    assert result.result == {"first": 1, "second": "fine"}
    assert telemetry.tree() == (
        "invoke_workflow plan\n  workflow_step first step\n  workflow_step second step\n    invoke_agent helper\n      chat gpt-4o"
    )
    step = telemetry.spans[1]
    assert step.attributes["gen_ai.workflow.name"] == "plan"
    assert step.attributes["langswarm.workflow.step.type"] == "transform"
    assert telemetry.spans[0].attributes["langswarm.run.input_tokens"] == 10


async def test_an_error_that_a_step_returns_is_an_error_of_step_and_workflow(telemetry):
    """LangSwarm returns it in the results, where the caller finds the identical exception; both spans say its type."""
    result = await run(swarm.Step("first", refuse), swarm.Step("second", value(2), after=["first"]))
    assert not result.success
    assert type(result.step_results["first"].error) is PermissionError
    assert [span.name for span in telemetry.spans] == ["invoke_workflow plan", "workflow_step first step"]
    for span in telemetry.spans:
        assert span.status == "ERROR"
        assert span.attributes["error.type"] == "PermissionError"
    (point,) = [point for point in telemetry.metrics if point.name == "gen_ai.invoke_workflow.duration"]
    assert point.attributes["langswarm.outcome"] == "error"


async def test_a_step_that_takes_too_long_is_an_error(telemetry):
    """The engine's timeout is in the result, and on the step."""
    result = await run(swarm.Step("slow", lambda context: asyncio.sleep(60), timeout=0.02))
    assert isinstance(result.step_results["slow"].error, TimeoutError)
    assert telemetry.spans[1].attributes["error.type"] == "TimeoutError"


async def test_a_workflow_that_cannot_be_ordered_is_an_error(telemetry):
    """The engine's own failure, which it returns as the workflow's error, is on the span."""
    result = await run(swarm.Step("first", value(1), after=["second"]), swarm.Step("second", value(2), after=["first"]))
    assert not result.success
    (span,) = telemetry.spans
    assert span.status == "ERROR"
    assert span.attributes["error.type"].split(".")[-1] == type(result.error).__name__


async def test_steps_in_parallel_nest_below_their_workflow(telemetry):
    """PARALLEL runs steps in tasks of their own; all are children of the workflow."""
    from langswarm.core.workflows import ExecutionMode

    result = await run(*(swarm.Step(f"s{n}", value(n)) for n in range(5)), execution_mode=ExecutionMode.PARALLEL)
    assert result.success
    root = telemetry.spans[0]
    assert root.name == "invoke_workflow plan"
    assert [span.parent_id for span in telemetry.spans[1:]] == [root.span_id] * 5


async def test_a_run_in_the_background_is_not_said_to_have_ended(telemetry):
    """ASYNC returns at once: no workflow span claims a run of no time; the steps are observed, and the caller has the execution."""
    from langswarm.core.workflows import ExecutionMode

    execution = await run(swarm.Step("first", value(1)), execution_mode=ExecutionMode.ASYNC)
    while execution.end_time is None:
        await asyncio.sleep(0.005)
    assert execution.workflow_id == "plan-1"
    assert [span.name for span in telemetry.spans] == ["workflow_step first step"]


async def test_a_cancelled_workflow_is_cancelled_all_the_way(telemetry):
    """Cancelling the caller ends workflow and step as cancelled, and passes."""
    task = asyncio.create_task(run(swarm.Step("slow", lambda context: asyncio.sleep(60))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [span.attributes["langswarm.outcome"] for span in telemetry.spans] == ["cancelled", "cancelled"]
