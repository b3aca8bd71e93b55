"""Behaviour 5: cancellation is recorded as success, or the span never ends.

Pain: ``except Exception`` misses ``CancelledError``; cancelled runs cannot be told from finished ones in spans and duration metrics
(open-telemetry/opentelemetry-python-genai#520, #646, open-telemetry/opentelemetry-python#4484, agentscope-ai/agentscope#1619).

Right: the outcome is one of ok, error, cancelled and abandoned, on the span and on the duration metric; a span always ends, and what was
raised is always raised again.
"""

from __future__ import annotations

import asyncio

import pytest
from plain_sdk import PlainSdk

OUTCOME, ERROR_TYPE = "langswarm.outcome", "error.type"

OPERATIONS = {
    "agent": ("invoke_agent x", "gen_ai.invoke_agent.duration"),
    "tool": ("execute_tool x", "gen_ai.execute_tool.duration"),
    "workflow": ("invoke_workflow x", "gen_ai.invoke_workflow.duration"),
    "step": ("workflow_step x", "langswarm.workflow.step.duration"),
    "inference": ("chat gpt-4o", "gen_ai.client.operation.duration"),
    "memory": ("search_memory", "gen_ai.client.operation.duration"),
}


def observe(observability, operation):
    if operation == "inference":
        return observability.inference(provider="openai", model="gpt-4o")
    if operation == "memory":
        return observability.memory("search_memory", store="notes")
    return getattr(observability, operation)("x")


def check(telemetry, operation, outcome, error_type):
    """One ended span and one duration point, which agree about the outcome."""
    name, metric = OPERATIONS[operation]
    span = telemetry.span(name)
    assert span.attributes[OUTCOME] == outcome
    assert span.attributes.get(ERROR_TYPE) == error_type
    point = telemetry.metric(metric)
    assert point.count == 1
    assert point.attributes[OUTCOME] == outcome
    assert point.attributes.get(ERROR_TYPE) == error_type
    return span


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_task_cancelled_while_it_waits(telemetry, operation, verdict):
    """Cancelled in the middle of an await: outcome cancelled, status not an error, the very same exception raised again."""
    inside = []

    async def work():
        with observe(telemetry.observability, operation):
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError as error:
                inside.append(error)
                raise

    outside = []

    async def guarded():
        try:
            await work()
        except asyncio.CancelledError as error:
            outside.append(error)
            raise

    async def main():
        task = asyncio.create_task(guarded())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert outside[0] is inside[0]
    span = check(telemetry, operation, "cancelled", "asyncio.exceptions.CancelledError")
    assert span.status == "UNSET"
    verdict.ours("outcome cancelled or abandoned on span and metric; the same exception goes on")


def test_a_stream_that_is_closed_early(telemetry):
    """A plain ``close()`` is no error and no cancellation: the stream was abandoned."""

    @telemetry.observability.agent("x")
    def numbers():
        yield 1
        yield 2

    items = numbers()
    next(items)
    items.close()
    span = check(telemetry, "agent", "abandoned", None)
    assert span.status == "UNSET"


def test_an_asynchronous_stream_that_is_closed_early(telemetry):
    """The same for ``aclose()``."""

    @telemetry.observability.agent("x")
    async def numbers():
        yield 1
        yield 2

    async def main():
        items = numbers()
        await anext(items)
        await items.aclose()

    asyncio.run(main())
    assert check(telemetry, "agent", "abandoned", None).status == "UNSET"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_interrupted_process(telemetry, operation, interruption):
    """Ctrl-C and ``sys.exit`` end the span, count as cancelled, and reach the interpreter as the same object."""
    raised = interruption()
    with pytest.raises(interruption) as caught, observe(telemetry.observability, operation):
        raise raised
    assert caught.value is raised
    assert check(telemetry, operation, "cancelled", interruption.__name__).status == "UNSET"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_errors_and_success_for_comparison(telemetry, operation):
    """An ordinary exception is an error with its type as description; a run that ends by itself is ok and leaves the status unset."""
    with pytest.raises(ValueError, match="secret"), observe(telemetry.observability, operation):
        raise ValueError("secret")
    span = check(telemetry, operation, "error", "ValueError")
    assert (span.status, span.status_description) == ("ERROR", "ValueError")
    with observe(telemetry.observability, operation):
        pass
    name, metric = OPERATIONS[operation]
    assert [span.attributes[OUTCOME] for span in telemetry.spans if span.name == name] == ["error", "ok"]
    assert telemetry.metric(metric, {OUTCOME: "ok"}).count == 1
    assert telemetry.spans[-1].status == "UNSET"


def test_the_plain_sdk_records_success(verdict):
    """The pain exists: a cancelled span of the SDK says nothing."""
    sdk = PlainSdk()

    async def work():
        with sdk.tracer.start_as_current_span("work"):
            await asyncio.sleep(30)

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    (span,) = sdk.spans()
    assert span.status.status_code.name == "UNSET"
    assert not span.events
    assert not span.attributes
    verdict.plain("a cancelled task looks like success")
