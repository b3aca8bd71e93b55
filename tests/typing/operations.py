"""What type checkers must see; checked by mypy, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any

from typing_extensions import assert_type

from langswarm_otel import current
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.inference import InferenceRun
from langswarm_otel.components.memory import MemoryRun
from langswarm_otel.components.operations import Operations
from langswarm_otel.components.session import SessionRun
from langswarm_otel.components.streaming import AsyncStream, BothIterable, DualStream, Stream
from langswarm_otel.components.tool import ToolRun
from langswarm_otel.propagation import ContextExecutor, inject_context, propagating


class Answer:
    """A type of the user's."""


async def decorated(obs: Operations) -> None:
    """A decorated function has the very type that it had."""

    @obs.agent("a")
    def function(question: str, *, limit: int = 3) -> Answer:
        return Answer()

    @obs.tool("t")
    async def coroutine(question: str) -> Answer:
        return Answer()

    @obs.workflow("w")
    def generator() -> Generator[int, str, bytes]:
        yield 1
        return b""

    @obs.step("s")
    async def async_generator() -> AsyncGenerator[int, str]:
        yield 1

    @obs.traced
    def bare(number: int) -> int:
        return number

    @current.traced("name", table="users")
    def named(number: int) -> int:
        return number

    assert_type(function("x", limit=1), Answer)
    pending: Coroutine[Any, Any, Answer] = coroutine("x")
    assert_type(await pending, Answer)
    assert_type(generator(), Generator[int, str, bytes])
    assert_type(async_generator(), AsyncGenerator[int, str])
    assert_type(bare(1), int)
    assert_type(named(1), int)
    function(7)  # type: ignore[arg-type]


async def blocks(obs: Operations, items: Iterator[str], later: AsyncIterator[bytes], both: BothIterable[int]) -> None:
    """A block yields the run of its kind, and a stream the items of its source."""
    with obs.agent("a") as agent, obs.inference(provider="p", model="m") as call, obs.memory("search", store="s") as memory:
        assert_type(agent, AgentRun)
        assert_type(call, InferenceRun)
        assert_type(memory, MemoryRun)
        assert_type(call.stream(items), Stream[str])
        assert_type(call.stream(later), AsyncStream[bytes])
        assert_type(call.stream(both), DualStream[int])
        assert_type(obs.tool("t").stream(both), DualStream[int])
        async for number in call.stream(both):
            assert_type(number, int)
        for item in call.stream(items, usage=lambda chunk: chunk.upper()):
            assert_type(item, str)
        async for chunk in call.stream(later):
            assert_type(chunk, bytes)
    async with obs.tool("t") as tool, obs.session("s") as session:
        assert_type(tool, ToolRun)
        assert_type(session, SessionRun)
    tool.usage(input_tokens="7")  # type: ignore[arg-type]


def carried(function: Callable[[int], str], headers: dict[str, str]) -> None:
    """Propagation keeps types, too."""
    assert_type(propagating(function)(1), str)
    assert_type(ContextExecutor().submit(function, 1).result(), str)
    assert_type(inject_context(headers), dict[str, str])
