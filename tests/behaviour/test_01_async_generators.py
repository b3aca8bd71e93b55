"""Behaviour 1: async generators and streams tear the context.

Pain: leaving an ``async for`` early logs "Failed to detach context ... different Context" with a traceback, up to dozens of times a chat,
because the span's context token is held across a ``yield`` and taken back in another task
(open-telemetry/opentelemetry-python#2606, Arize-ai/openinference#1769, openlit/openlit#1369, google/adk-python#4894).

Right: no token is ever held across a ``yield``; the span ends once, whoever closes the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc

import pytest
from opentelemetry import trace
from plain_sdk import PlainSdk


def complaints(caplog):
    return [record for record in caplog.records if record.name == "opentelemetry.context"]


def streaming(observability):
    """A decorated async generator that uses a tool before each item."""

    @observability.agent("streamer")
    async def numbers():
        for number in range(1000):
            with observability.tool("look_up"):
                await asyncio.sleep(0)
            yield number

    return numbers


async def leave_by_break(stream):
    async for number in stream():
        if number == 2:
            break


async def close_from_another_task(stream):
    items = stream()
    assert [await anext(items), await anext(items)] == [0, 1]
    await asyncio.create_task(items.aclose())


async def drop_and_collect(stream):
    items = stream()
    await anext(items)
    cycle = [items]
    cycle.append(cycle)
    del items, cycle
    gc.collect()


async def cancel_the_consumer(stream):
    """As a web framework does when the client of a streaming response goes away."""
    consumed = asyncio.Event()

    async def consume():
        async for number in stream():
            if number == 2:
                consumed.set()

    consumer = asyncio.create_task(consume())
    await consumed.wait()
    consumer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await consumer


async def produce_in_one_task_and_consume_in_another(stream):
    items = stream()
    for _ in range(3):
        await asyncio.create_task(anext(items))
    await items.aclose()


WAYS = [leave_by_break, close_from_another_task, drop_and_collect, cancel_the_consumer, produce_in_one_task_and_consume_in_another]


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
def test_a_stream_may_be_left_in_any_way(telemetry, caplog, leave, verdict):
    """Whoever closes it: no complaint, the agent's span exactly once, its tools below it, nothing current afterwards."""
    stream = streaming(telemetry.observability)
    current_afterwards = []

    async def main():
        await leave(stream)
        await asyncio.sleep(0.01)
        current_afterwards.append(trace.get_current_span().get_span_context().is_valid)

    asyncio.run(main())
    assert complaints(caplog) == []
    agents = [span for span in telemetry.spans if span.name == "invoke_agent streamer"]
    tools = [span for span in telemetry.spans if span.name == "execute_tool look_up"]
    assert len(agents) == 1
    assert tools
    assert {tool.parent_id for tool in tools} == {agents[0].span_id}
    assert len({span.trace_id for span in telemetry.spans}) == 1
    assert current_afterwards == [False]
    assert not trace.get_current_span().get_span_context().is_valid
    verdict.ours("left in any way: no complaint, one span, nothing current")


def test_the_caller_keeps_its_own_span_between_items(telemetry):
    """Between two items the caller's span is current and not the generator's; what the caller starts there is its own child."""
    stream = streaming(telemetry.observability)

    async def main():
        with telemetry.observability.workflow("caller"):
            async for number in stream():
                with telemetry.observability.tool("of_caller"):
                    pass
                if number == 1:
                    break

    asyncio.run(main())
    caller = telemetry.span("invoke_workflow caller")
    assert {span.parent_id for span in telemetry.spans if span.name == "execute_tool of_caller"} == {caller.span_id}
    assert telemetry.span("invoke_agent streamer").parent_id == caller.span_id


def test_wrapped_streams_may_be_left_too(telemetry, caplog):
    """``op.stream(...)`` around somebody else's async iterator keeps the same promise inside an async generator of the user's."""

    async def chunks():
        for number in range(100):
            yield number

    async def relay():
        with telemetry.observability.inference(provider="openai", model="gpt-4o") as call:
            async for chunk in call.stream(chunks()):
                yield chunk

    async def main():
        items = relay()
        await anext(items)
        await asyncio.create_task(items.aclose())
        await asyncio.sleep(0.01)

    asyncio.run(main())
    assert complaints(caplog) == []
    assert [span.name for span in telemetry.spans] == ["chat gpt-4o"]


def test_the_plain_sdk_complains(caplog, verdict):
    """The pain exists: a span held across a yield complains when another task closes the generator."""
    tracer = PlainSdk().tracer

    async def numbers():
        with tracer.start_as_current_span("streamer"):
            yield 1
            yield 2

    async def main():
        items = numbers()
        await asyncio.create_task(anext(items))
        await items.aclose()

    asyncio.run(main())
    assert len(complaints(caplog)) == 1
    assert "Failed to detach context" in complaints(caplog)[0].getMessage()
    verdict.plain('a stream that another task closes: "Failed to detach context" with a traceback')
