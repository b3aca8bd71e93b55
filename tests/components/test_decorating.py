"""Decorators that nobody can tell from the function."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import typing

import pytest
from opentelemetry import trace
from opentelemetry.context import get_current


def current_name():
    return getattr(trace.get_current_span(), "name", None)


class TestShape:
    """What introspection sees; schemas of tools are built from it."""

    def test_signature_hints_docstring_and_name(self, obs):
        """All that a schema generator asks for is the function's own."""

        @obs.tool("search")
        def search(query: str, *, limit: int = 10) -> list[str]:
            """Search for documents."""
            return [query] * limit

        assert str(inspect.signature(search)) == "(query: 'str', *, limit: 'int' = 10) -> 'list[str]'"
        assert typing.get_type_hints(search) == {"query": str, "limit": int, "return": list[str]}
        assert (search.__name__, search.__doc__, search.__module__) == ("search", "Search for documents.", __name__)
        assert search.__wrapped__("x", limit=2) == ["x", "x"]

    def test_kinds(self, obs):
        """A function of each kind stays one."""

        def function(): ...

        async def coroutine(): ...

        def generator():
            yield

        async def async_generator():
            yield

        for body in (function, coroutine, generator, async_generator):
            decorated = obs.agent("a")(body)
            for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.isfunction):
                assert kind(decorated) == kind(body), (body, kind)

    def test_methods_of_all_sorts(self, seen):
        """Methods, class methods and static methods, decorated from either side, get what they always got."""

        class Agent:
            @seen.obs.tool("method")
            def method(self, x):
                return self, x

            @classmethod
            @seen.obs.tool("class method")
            def inner_class(cls, x):
                return cls, x

            @seen.obs.tool("class method")
            @classmethod
            def outer_class(cls, x):
                return cls, x

            @staticmethod
            @seen.obs.tool("static method")
            def inner_static(x):
                return x

            @seen.obs.tool("static method")
            @staticmethod
            def outer_static(x):
                return x

            @property
            @seen.obs.tool("property")
            def value(self):
                return 7

        agent = Agent()
        assert agent.method(1) == (agent, 1)
        assert agent.inner_class(1) == agent.outer_class(1) == Agent.outer_class(1) == (Agent, 1)
        assert agent.inner_static(1) == Agent.outer_static(1) == 1
        assert agent.value == 7
        assert len(seen.spans()) == 7

    def test_other_callables(self, seen):
        """Partials, built-ins, lambdas and objects with ``__call__`` are taken, coroutine ones as such."""

        async def later(value):
            return value

        class Callable:
            def __call__(self, value):
                return value

        class AsyncCallable:
            async def __call__(self, value):
                return value

        tool = seen.obs.tool("t")
        assert [tool(function)(3) for function in (functools.partial(max, 2), abs, lambda value: value, Callable())] == [3] * 4
        for function in (functools.partial(later), AsyncCallable()):
            assert inspect.iscoroutinefunction(tool(function))
            assert asyncio.run(tool(function)(3)) == 3
        assert len(seen.spans()) == 6

    def test_what_is_no_function_is_refused(self, obs):
        """A description applied to a value is a mistake that is named at once."""
        with pytest.raises(TypeError, match="int"):
            obs.tool("t")(7)


class TestGenerators:
    """The protocol of generators."""

    def test_items_return_value_send_and_throw(self, seen):
        """Everything that goes in and out is the generator's own."""

        @seen.obs.agent("a")
        def talk():
            log = []
            try:
                log.append((yield "first"))
                log.append((yield "second"))
            except KeyError as error:
                log.append(error)
                yield "caught"
            return log

        items, error = talk(), KeyError()
        assert next(items) == "first"
        assert items.send("sent") == "second"
        assert items.throw(error) == "caught"
        with pytest.raises(StopIteration) as end:
            next(items)
        assert end.value.value == ["sent", error]
        assert seen.span("invoke_agent a").attributes["langswarm.outcome"] == "ok"

    def test_delegation_sees_the_return_value(self, seen):
        """``yield from`` works as with the undecorated generator."""

        @seen.obs.agent("a")
        def inner():
            yield 1
            return "result"

        def outer():
            return (yield from inner())

        items = outer()
        next(items)
        with pytest.raises(StopIteration) as end:
            next(items)
        assert end.value.value == "result"

    def test_nothing_happens_before_the_first_item(self, seen):
        """A generator that is never read has no run."""

        @seen.obs.agent("a")
        def items():
            yield 1

        items().close()
        assert seen.spans() == []

    def test_blocks_inside_survive_the_yield(self, seen):
        """A block that is open across a ``yield`` is current inside again and never outside, and nests as it is written."""
        inside = []

        @seen.obs.agent("a")
        def items():
            with seen.obs.tool("t"):
                inside.append(current_name())
                yield 1
                inside.append(current_name())
            inside.append(current_name())
            yield 2

        before = get_current()
        for _ in items():
            assert get_current() is before
        assert inside == ["execute_tool t", "execute_tool t", "invoke_agent a"]
        assert seen.span("execute_tool t").parent.span_id == seen.span("invoke_agent a").context.span_id

    def test_readers_context_is_seen_by_nobody(self, seen):
        """What the reader makes current between items is not visible inside, and stays the reader's."""
        names = []

        @seen.obs.agent("a")
        def items():
            for number in range(3):
                names.append(current_name())
                yield number

        with seen.obs.workflow("w"):
            for _ in items():
                with seen.obs.tool("t"):
                    pass
        assert names == ["invoke_agent a"] * 3
        workflow = seen.span("invoke_workflow w").context.span_id
        assert {span.parent.span_id for span in seen.spans("execute_tool t")} == {workflow}

    def test_an_unwilling_generator(self, seen):
        """One that yields when it is closed fails as it always did, and the run is an error."""

        @seen.obs.agent("a")
        def items():
            try:
                yield 1
            except GeneratorExit:
                yield 2

        unwilling = items()
        next(unwilling)
        with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
            unwilling.close()
        assert seen.span("invoke_agent a").attributes["error.type"] == "RuntimeError"

    def test_an_error_inside(self, seen):
        """The exception is the same object, and the run an error."""
        error = ValueError()

        @seen.obs.agent("a")
        def items():
            yield 1
            raise error

        with pytest.raises(ValueError) as caught:
            list(items())
        assert caught.value is error
        assert seen.span("invoke_agent a").attributes["langswarm.outcome"] == "error"


class TestAsyncGenerators:
    """The protocol of asynchronous generators."""

    def test_items_send_throw_and_close(self, seen):
        """Everything that goes in and out is the generator's own, and its clean-up may wait."""
        cleaned = []

        @seen.obs.agent("a")
        async def talk():
            try:
                received = yield "first"
                try:
                    yield received
                except KeyError as error:
                    yield error
            finally:
                await asyncio.sleep(0)
                cleaned.append(current_name())

        async def main():
            items, error = talk(), KeyError()
            assert await anext(items) == "first"
            assert await items.asend("sent") == "sent"
            assert await items.athrow(error) is error
            await items.aclose()
            with pytest.raises(StopAsyncIteration):
                await anext(items)

        asyncio.run(main())
        assert cleaned == ["invoke_agent a"]
        assert seen.span("invoke_agent a").attributes["langswarm.outcome"] == "abandoned"

    def test_cancelled_in_the_middle(self, seen):
        """The task that reads is cancelled: the run is cancelled, and nothing is left current."""

        @seen.obs.agent("a")
        async def items():
            yield 1
            await asyncio.sleep(30)

        async def read():
            async for _ in items():
                pass

        async def main():
            task = asyncio.create_task(read())
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert seen.span("invoke_agent a").attributes["langswarm.outcome"] == "cancelled"

    def test_left_without_an_event_loop(self, seen):
        """Driven by hand and dropped: the run ends, without a warning."""

        @seen.obs.agent("a")
        async def items():
            yield 1
            yield 2

        async def read():
            generator = items()
            await anext(generator)

        with pytest.raises(StopIteration):
            read().send(None)
        gc.collect()
        assert seen.span("invoke_agent a").attributes["langswarm.outcome"] == "abandoned"


class TestCoroutines:
    """Coroutine functions."""

    def test_each_call_in_its_own_task(self, seen):
        """Parallel calls do not see each other, and children belong to their own call."""

        @seen.obs.agent("a")
        async def work(number):
            await asyncio.sleep(0.001 * (3 - number))
            with seen.obs.tool(f"t{number}"):
                await asyncio.sleep(0)
            return current_name()

        async def main():
            return await asyncio.gather(*(work(number) for number in range(3)))

        assert asyncio.run(main()) == ["invoke_agent a"] * 3
        agents = {span.context.span_id for span in seen.spans("invoke_agent a")}
        assert {seen.span(f"execute_tool t{number}").parent.span_id for number in range(3)} == agents

    def test_a_coroutine_that_is_closed(self, seen):
        """Closed before its end: abandoned, as a generator would be."""

        @seen.obs.agent("a")
        async def work():
            await asyncio.sleep(30)

        async def main():
            coroutine = work()
            coroutine.send(None)
            coroutine.close()

        asyncio.run(main())
        assert seen.span("invoke_agent a").attributes["langswarm.outcome"] == "abandoned"


def test_inferences_that_stream_time_their_chunks(observe, clock):
    """A decorated generator is a stream: the first chunk is timed."""
    seen = observe(clock=clock)

    @seen.obs.inference(provider="p", model="m")
    def stream():
        clock.advance(0.5)
        yield 1
        clock.advance(0.25)
        yield 2

    list(stream())
    next(stream())
    complete, left = seen.spans("chat m")
    assert complete.attributes["gen_ai.response.time_to_first_chunk"] == 0.5
    assert left.attributes["langswarm.outcome"] == "abandoned"
    assert seen.point("gen_ai.client.operation.time_to_first_chunk").count == 2
    assert seen.point("gen_ai.client.operation.time_per_output_chunk").sum == 0.25


@pytest.mark.parametrize("operation", ["agent", "tool", "workflow", "step", "session", "timer"])
def test_a_decorator_without_its_name_says_so_where_it_stands(obs, operation):
    """Without the parentheses the function would be taken for the name, and each later call of it would fail."""

    def search(): ...

    with pytest.raises(TypeError, match=f'write @{operation}\\("search"\\)'):
        getattr(obs, operation)(search)


@pytest.mark.parametrize(("left", "told", "partial"), [(False, True, None), (False, False, True), (True, True, True)])
def test_a_stream_without_all_its_tokens_says_so_and_so_does_its_root(observe, left, told, partial):
    """A stream that is left, or whose provider reports no usage, has partial usage, and the totals above it are too small."""
    seen = observe()
    with seen.obs.agent("a"), seen.obs.inference(provider="p", model="m") as call:
        chunks = call.stream([1, 2])
        next(chunks)
        if told:
            call.usage(input_tokens=3, output_tokens=1)
        if not left:
            list(chunks)
    for name in ("chat m", "invoke_agent a"):
        assert seen.span(name).attributes.get("langswarm.usage.partial") is partial
