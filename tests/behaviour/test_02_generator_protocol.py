"""Behaviour 2: the decorator changes what the generator does.

Pain: zero-length spans, ``<async_generator>`` as output, ``asyncio.timeout`` inside the body silently off, ``StopIteration.value`` None,
``asend`` gone (langfuse/langfuse#7226, #8447, #13349, #6800, confident-ai/deepeval#3302).

Right: the same protocol as the wrapped callable, and the span covers first to last item.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
import time

import pytest
from opentelemetry import trace
from plain_sdk import PlainSdk

NAP_S = 0.02


class InterruptionError(Exception):
    """Thrown into generators."""


def current_name():
    return getattr(trace.get_current_span(), "name", None)


# One body of each kind: it sleeps, answers what is sent and thrown, and returns a value where its kind can.


def plain(question):
    time.sleep(NAP_S)
    return f"answer to {question}"


async def coroutine(question):
    await asyncio.sleep(NAP_S)
    return f"answer to {question}"


def generator(question):
    time.sleep(NAP_S)
    received = yield f"first of {question}"
    try:
        yield f"received {received}"
    except InterruptionError as error:
        yield f"caught {error}"
    time.sleep(NAP_S)
    return "returned"


async def async_generator(question):
    await asyncio.sleep(NAP_S)
    received = yield f"first of {question}"
    try:
        yield f"received {received}"
    except InterruptionError as error:
        yield f"caught {error}"
    await asyncio.sleep(NAP_S)


# Each driver returns a transcript of all that a caller can see.


def drive_plain(function):
    return [function("x"), function(question="y")]


def drive_coroutine(function):
    async def main():
        return [await function("x"), await function(question="y")]

    return asyncio.run(main())


def drive_generator(function):
    items = function("x")
    seen = [next(items), items.send("word"), items.throw(InterruptionError("stop"))]
    try:
        next(items)
    except StopIteration as end:
        seen.append(end.value)
    closed = function("y")
    next(closed)
    seen.append(closed.close())
    with pytest.raises(StopIteration):
        next(closed)
    return [*seen, *function("z")]


def drive_async_generator(function):
    async def main():
        items = function("x")
        seen = [await anext(items), await items.asend("word"), await items.athrow(InterruptionError("stop"))]
        with pytest.raises(StopAsyncIteration):
            await anext(items)
        closed = function("y")
        await anext(closed)
        seen.append(await closed.aclose())
        with pytest.raises(StopAsyncIteration):
            await anext(closed)
        return [*seen, *[item async for item in function("z")]]

    return asyncio.run(main())


KINDS = [
    pytest.param(plain, drive_plain, id="sync"),
    pytest.param(coroutine, drive_coroutine, id="async"),
    pytest.param(generator, drive_generator, id="generator"),
    pytest.param(async_generator, drive_async_generator, id="async generator"),
]
OPERATIONS = ["agent", "tool", "workflow", "step", "traced"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("body", "drive"), KINDS)
def test_a_decorated_callable_behaves_as_before(telemetry, body, drive, operation, verdict):
    """Return value, send, throw, close and exhaustion are those of the undecorated callable, and so are signature and kind."""
    decorated = getattr(telemetry.observability, operation)("decorated")(body)
    assert drive(decorated) == drive(body)
    assert inspect.signature(decorated) == inspect.signature(body)
    assert decorated.__name__ == body.__name__
    for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        assert kind(decorated) == kind(body)
    verdict.ours("send, throw, close, results and timeouts as undecorated")


@pytest.mark.parametrize(("body", "drive"), KINDS)
def test_the_span_covers_all_of_the_work(telemetry, body, drive):
    """A span lasts at least as long as the sleeps of its run, from the first to the last item."""
    decorated = telemetry.observability.tool("nap")(body)
    drive(decorated)
    complete = max(span.duration_s for span in telemetry.spans)
    assert complete >= NAP_S * (2 if body in (generator, async_generator) else 1)
    assert {span.name for span in telemetry.spans} == {"execute_tool nap"}


@pytest.mark.parametrize("body", [generator, async_generator, coroutine, plain], ids=lambda body: body.__name__)
def test_the_span_is_current_inside(telemetry, body):
    """Inside the body the operation's span is current, also after a yield; outside it is not."""
    seen = []
    observed = telemetry.observability.tool("inside")

    if body is plain:

        @observed
        def run():
            seen.append(current_name())

        run()
    elif body is coroutine:

        @observed
        async def run():
            await asyncio.sleep(0)
            seen.append(current_name())

        asyncio.run(run())
    elif body is generator:

        @observed
        def run():
            seen.append(current_name())
            yield 1
            seen.append(current_name())

        for _ in run():
            assert current_name() is None
    else:

        @observed
        async def run():
            seen.append(current_name())
            yield 1
            seen.append(current_name())

        async def main():
            async for _ in run():
                assert current_name() is None

        asyncio.run(main())
    assert set(seen) == {"execute_tool inside"}
    assert current_name() is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout is new in Python 3.11")
@pytest.mark.parametrize("kind", ["async", "async generator"])
def test_a_timeout_inside_still_fires(telemetry, kind):
    """``asyncio.timeout`` inside the body interrupts it, and the body handles it as before."""
    agent = telemetry.observability.agent("patient")

    @agent
    async def wait():
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(30)
        except TimeoutError:
            return "timed out"

    @agent
    async def wait_and_yield():
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(30)
                yield "never"
        except TimeoutError:
            yield "timed out"

    async def main():
        return await wait() if kind == "async" else await anext(wait_and_yield())

    assert asyncio.run(main()) == "timed out"
    assert telemetry.span("invoke_agent patient").status == "UNSET"


@pytest.mark.parametrize("kind", ["sync", "async", "generator", "async generator"])
def test_errors_pass_through_as_the_same_object(telemetry, kind):
    """What the body raises reaches the caller as the very same object."""
    error = ValueError("of the user")
    tool = telemetry.observability.tool("failing")

    @tool
    def fail():
        raise error

    @tool
    async def fail_async():
        raise error

    @tool
    def fail_later():
        yield 1
        raise error

    @tool
    async def fail_later_async():
        yield 1
        raise error

    async def consume():
        return [item async for item in fail_later_async()]

    runs = {
        "sync": fail,
        "async": lambda: asyncio.run(fail_async()),
        "generator": lambda: list(fail_later()),
        "async generator": lambda: asyncio.run(consume()),
    }
    with pytest.raises(ValueError, match="of the user") as caught:
        runs[kind]()
    assert caught.value is error
    assert telemetry.span("execute_tool failing").status == "ERROR"


def test_the_plain_sdk_makes_zero_length_spans(verdict):
    """The pain exists: the SDK's decorator ends the span before the generator has run at all."""
    sdk = PlainSdk()
    inside = []

    @sdk.tracer.start_as_current_span("stream")
    def numbers():
        inside.append(trace.get_current_span().get_span_context().is_valid)
        yield 1
        time.sleep(NAP_S)

    assert list(numbers()) == [1]
    (span,) = sdk.spans()
    assert (span.end_time - span.start_time) / 1e9 < NAP_S
    assert inside == [False]
    verdict.plain("the span ends before the generator begins")
