"""Workflows and steps of LangSwarm's engine."""

import asyncio

import pytest
from opentelemetry.trace import get_current_span

from langswarm_otel import current

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


@pytest.mark.parametrize("mode", ["ASYNC", "STREAMING"])
@pytest.mark.parametrize("fails", [False, True])
async def test_a_run_in_the_background_takes_as_long_as_it_takes(telemetry, mode, fails):
    """The call returns at once; the span is the background half's: as long as its steps, with their outcome, below where it was started."""
    from langswarm.core.workflows import ExecutionMode

    release = asyncio.Event()

    async def wait(context):
        await release.wait()
        if fails:
            raise PermissionError("no")
        return 1

    with current.traced("request"):
        execution = await run(swarm.Step("first", wait), execution_mode=ExecutionMode[mode])
    assert [span.name for span in telemetry.spans] == ["request"]
    release.set()
    while len(telemetry.spans) < 3:
        await asyncio.sleep(0.005)
    assert execution.workflow_id == "plan-1"
    assert telemetry.tree() == "request\n  invoke_workflow plan\n    workflow_step first step"
    request, flow, step = telemetry.spans
    assert flow.end_ns >= step.end_ns > request.end_ns
    assert [span.attributes["langswarm.outcome"] for span in (flow, step)] == (["error"] * 2 if fails else ["ok"] * 2)
    assert flow.attributes.get("error.type") == ("PermissionError" if fails else None)


async def stream(*steps):
    """Stream a workflow of these steps."""
    return swarm.get_workflow_engine().execute_workflow_stream(swarm.workflow(*steps), {"input": "go"})


async def test_a_stream_of_steps_is_one_run(telemetry):
    """Steps stand below the workflow, nothing of it is current while the reader holds an item, and an error of a step is the run's."""
    between = []
    async for _item in await stream(swarm.Step("first", value(1)), swarm.Step("second", refuse, after=["first"])):
        between.append(get_current_span().get_span_context().is_valid)
    assert between == [False] * 3
    assert telemetry.tree() == "invoke_workflow plan\n  workflow_step first step\n  workflow_step second step"
    assert [span.attributes["langswarm.outcome"] for span in telemetry.spans] == ["error", "ok", "error"]
    assert telemetry.spans[0].attributes["error.type"] == "PermissionError"


async def test_a_stream_of_steps_that_is_left(telemetry):
    """Leaving after the first step is no error: the run was abandoned."""
    steps = await stream(swarm.Step("first", value(1)), swarm.Step("second", value(2), after=["first"]))
    assert (await steps.__anext__()).result == 1
    await steps.aclose()
    assert [(span.name, span.attributes["langswarm.outcome"]) for span in telemetry.spans] == [
        ("invoke_workflow plan", "abandoned"),
        ("workflow_step first step", "ok"),
    ]
    assert telemetry.spans[0].status == "UNSET"


async def test_a_cancelled_workflow_is_cancelled_all_the_way(telemetry):
    """Cancelling the caller ends workflow and step as cancelled, and passes."""
    task = asyncio.create_task(run(swarm.Step("slow", lambda context: asyncio.sleep(60))))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [span.attributes["langswarm.outcome"] for span in telemetry.spans] == ["cancelled", "cancelled"]
