"""``start_as_current_span`` of ours and of the SDK, side by side."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.context import Context
from span_pairs import Lines, Side, outcome, shown, sides

from langswarm_otel import guard
from langswarm_otel.pipelines.current_span import SPAN_KEY, CurrentSpan

ERRORS = [
    None,
    ValueError("no"),
    StopIteration(1),
    StopAsyncIteration(),
    RuntimeError("generator raised StopIteration"),
    KeyboardInterrupt(),
    SystemExit(1),
    GeneratorExit(),
    asyncio.CancelledError(),
]
FLAGS = [
    {},
    {"record_exception": False},
    {"set_status_on_exception": False},
    {"end_on_exit": False},
    {"record_exception": False, "set_status_on_exception": False},
]


def seen_of(span: Any) -> Any:
    """Return what the span shows, without what differs on purpose: the stack trace, and the times."""
    events = [(event.name, {**event.attributes, "exception.stacktrace": None}) for event in span.events]
    return span.name, shown(span)[1:5], (span.status.status_code, span.status.description), events, span.is_recording()


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_block_that_ends_in_any_way(error: BaseException | None, flags: dict[str, bool]) -> None:
    """The same error comes out, the same is recorded, the same spans end, and the context is as before."""

    def run(side: Side) -> Any:
        caught, before = None, context.get_current()
        try:
            with side.tracer.start_as_current_span("s", attributes={"a": 1}, **flags) as span:
                assert trace.get_current_span() is span
                if error is not None:
                    raise error
        except BaseException as raised:
            caught = raised
        assert caught is error
        assert context.get_current() is before
        return seen_of(span), len(side.watching.ended)

    theirs, ours = map(run, sides())
    assert repr(ours) == repr(theirs)


def test_the_stack_trace_begins_with_the_caller() -> None:
    """Not with two frames of the SDK, as its own does."""
    _, ours = sides()
    with contextlib.suppress(ValueError), ours.tracer.start_as_current_span("s"):
        raise ValueError
    lines = ours.watching.ended[0].events[0].attributes["exception.stacktrace"].splitlines()
    assert __file__ in lines[1]


def test_the_callers_error_comes_out_even_if_it_has_no_text() -> None:
    """The SDK raises what ``str`` raised in its place; here that is a fault of telemetry."""

    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    _, ours = sides()
    with pytest.raises(SilentError), ours.tracer.start_as_current_span("s"):
        raise SilentError
    assert len(ours.watching.ended) == 1
    assert guard.faults() == {"start_as_current_span": 1}


def test_as_decorator() -> None:
    """Functions and coroutines keep name, result and arguments; each call is a span of its own; of generators the making alone."""

    def run(side: Side) -> Any:
        make = side.tracer.start_as_current_span

        @make("function")
        def function(number: int) -> tuple[int, str]:
            """Tell."""
            return number, trace.get_current_span().name

        @make("coroutine", record_exception=False)
        async def coroutine(number: int) -> tuple[int, str]:
            await asyncio.sleep(0)
            if number:
                raise ValueError(number)
            return number, trace.get_current_span().name

        @make("generator")
        def generator():
            yield trace.get_current_span().is_recording()

        @make("async generator")
        async def async_generator():
            yield trace.get_current_span().is_recording()

        async def drain() -> list[bool]:
            return [item async for item in async_generator()]

        def recursive(depth: int) -> int:
            return wrapped(depth - 1) + 1 if depth else 0

        wrapped = make("recursive")(recursive)
        return [
            (function.__name__, function.__doc__, inspect.iscoroutinefunction(coroutine), inspect.iscoroutinefunction(function)),
            (function(1), function(number=2)),
            outcome(lambda: asyncio.run(coroutine(0))),
            outcome(lambda: asyncio.run(coroutine(1))),
            list(generator()),
            asyncio.run(drain()),
            wrapped(2),
            [
                (span.name, span.context.span_id, span.parent and span.parent.span_id, span.status.description)
                for span in side.watching.ended
            ],
        ]

    theirs, ours = map(run, sides())
    assert repr(ours) == repr(theirs)


def test_a_block_left_in_another_context() -> None:
    """Torn generators leave blocks where they were not entered; the SDK's complaint is the same, and the span ends."""

    def run(side: Side) -> Any:
        block = side.tracer.start_as_current_span("s")

        async def main() -> None:
            await asyncio.gather(asyncio.create_task(enter()), return_exceptions=True)
            await asyncio.create_task(leave())

        async def enter() -> None:
            block.__enter__()

        async def leave() -> None:
            block.__exit__(None, None, None)

        with Lines() as lines:
            asyncio.run(main())
        return lines, len(side.watching.ended)

    theirs, ours = map(run, sides())
    assert ours == theirs == ([("opentelemetry.context", 40, "Failed to detach context")], 1)


def test_a_block_is_entered_once() -> None:
    """As the SDK's; the decorator makes a new one for each call."""
    _, ours = sides()
    block = ours.tracer.start_as_current_span("s")
    assert isinstance(block, CurrentSpan)
    assert isinstance(block, contextlib.ContextDecorator)
    with pytest.raises(RuntimeError):
        block.__exit__(None, None, None)
    with block, pytest.raises(RuntimeError):
        block.__enter__()


def test_the_key_of_the_current_span() -> None:
    """What is read off the public function is the key under which the API looks."""
    span = trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)
    assert trace.get_current_span(Context({SPAN_KEY: span})) is span
