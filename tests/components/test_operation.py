"""One description, used as a block, as a decorator, and around a stream; often and at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current

from langswarm_otel.components.operations import Operations


def test_it_yields_the_run(seen):
    """``with ... as`` gives the run, synchronously and asynchronously."""
    with seen.obs.agent("a") as agent:
        assert agent.span.is_recording()

    async def main():
        async with seen.obs.agent("a") as agent:
            await asyncio.sleep(0)
            return agent.span.is_recording()

    assert asyncio.run(main())
    assert len(seen.spans()) == 2


def test_used_again_and_again(seen):
    """Each block is a run of its own."""
    tool = seen.obs.tool("t")
    for _ in range(3):
        with tool:
            pass
    assert len({span.context.span_id for span in seen.spans("execute_tool t")}) == 3
    assert seen.point("gen_ai.execute_tool.duration").count == 3


def test_used_inside_of_itself(seen):
    """Nested blocks of one description are parent and child, and each ends its own run."""
    tool = seen.obs.tool("t")
    before = get_current()
    with tool as outer:
        with tool as inner:
            assert inner is not outer
        assert not outer.finished
        assert trace.get_current_span() is outer.span
    inner_span, outer_span = seen.spans("execute_tool t")
    assert inner_span.parent.span_id == outer_span.context.span_id
    assert get_current() is before


def test_used_by_many_tasks_at_a_time(seen):
    """Blocks that overlap in any order end their own run, in its own task."""
    tool = seen.obs.tool("t")

    async def work(number):
        async with tool as run:
            run.set_attribute("number", number)
            await asyncio.sleep(0.001 * (number % 5))
            return number, run.span.get_span_context().span_id, trace.get_current_span() is run.span

    async def main():
        return await asyncio.gather(*(work(number) for number in range(50)))

    results = asyncio.run(main())
    assert all(own for *_, own in results)
    assert {(span.attributes["number"], span.context.span_id) for span in seen.spans()} == {result[:2] for result in results}


def test_used_by_many_threads_at_a_time(seen):
    """The same for threads that meet inside."""
    tool, barrier = seen.obs.tool("t"), threading.Barrier(8, timeout=10)

    def work():
        for _ in range(20):
            with tool as run:
                barrier.wait()
                assert trace.get_current_span() is run.span
            assert run.finished

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen.spans()) == 160
    assert len(tool._entered) == 0


class TestTorn:
    """Blocks that end where their own context is not current."""

    def test_in_another_task(self, seen, caplog):
        """A generator of the user's that is closed elsewhere: silent, ended once, and nobody else's context is touched."""

        async def items():
            with seen.obs.tool("t"):
                yield 1

        async def main():
            generator = items()
            await anext(generator)
            await asyncio.create_task(generator.aclose())

        asyncio.run(main())
        assert seen.span("execute_tool t").attributes["langswarm.outcome"] == "abandoned"
        assert caplog.records == []

    def test_below_a_context_that_stayed_attached(self, seen):
        """The run is found by its place in the context."""
        tool = seen.obs.tool("t")
        with tool as outer:
            attach(Context({**get_current(), "left": 1}))
        assert outer.finished
        assert len(tool._entered) == 0

    @pytest.mark.parametrize("closer", ["beside", "inside"])
    def test_a_generator_of_another_task_ends_its_own_run(self, seen, closer):
        """One operation in use by others meanwhile: the block of the torn generator ends, theirs stay open and current."""
        tool, before = seen.obs.tool("t"), get_current()
        runs = {}

        async def items():
            async with tool as run:
                runs["torn"] = run
                yield 1

        async def close(generator):
            if closer == "beside":
                await generator.aclose()
                return
            with tool as run:
                await generator.aclose()
                assert not run.finished
                assert trace.get_current_span() is run.span

        async def hold(name, entered, leave):
            with tool as runs[name]:
                entered.set()
                await leave.wait()
                assert not runs[name].finished

        async def main():
            leave = asyncio.Event()
            generator, tasks = items(), []
            for name in ("older", "newer"):
                entered = asyncio.Event()
                tasks.append(asyncio.create_task(hold(name, entered, leave)))
                await entered.wait()
                if name == "older":
                    await anext(generator)
            await asyncio.create_task(close(generator))
            assert runs["torn"].finished
            assert not runs["older"].finished
            assert not runs["newer"].finished
            leave.set()
            await asyncio.gather(*tasks)

        asyncio.run(main())
        assert len(tool._entered) == 0
        assert get_current() is before
        outcomes = [span.attributes["langswarm.outcome"] for span in seen.spans()]
        assert sorted(outcomes) == ["abandoned", "ok", "ok"] + ["ok"] * (closer == "inside")

    def test_left_by_hand_in_another_thread(self, seen):
        """Without a frame to go by, a thread ends a block of its own before one of another's."""
        tool, entered, leave = seen.obs.tool("t"), threading.Event(), threading.Event()

        def hold():
            with tool as run:
                entered.set()
                leave.wait(10)
                held.append(run.finished)

        held = []
        own = tool.__enter__()
        thread = threading.Thread(target=hold)
        thread.start()
        assert entered.wait(10)

        def end():
            attach(Context())
            tool.__exit__(None, None, None)

        contextvars.copy_context().run(end)
        assert own.finished
        leave.set()
        thread.join()
        assert held == [False]
        assert len(tool._entered) == 0

    def test_an_exit_stack(self, seen):
        """What ``contextlib`` enters in one frame and leaves in another ends by its context, several at once and in any order."""
        tool, before = seen.obs.tool("t"), get_current()

        async def work(number):
            async with contextlib.AsyncExitStack() as stack:
                run = stack.enter_context(tool)
                inner = await stack.enter_async_context(tool)
                await asyncio.sleep(0.001 * (number % 3))
                assert not inner.finished
            assert run.finished
            return inner.finished

        async def main():
            return await asyncio.gather(*(work(number) for number in range(12)))

        assert asyncio.run(main()) == [True] * 12
        assert len(seen.spans()) == 24
        assert get_current() is before

    def test_out_of_order(self, seen):
        """Blocks that are left in the order they were entered end each its own run."""
        first, second = seen.obs.tool("first"), seen.obs.tool("second")
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        assert [span.name for span in seen.spans()] == ["execute_tool first", "execute_tool second"]


def test_telemetry_is_resolved_at_each_use(observe):
    """A decorator applied before a configuration follows it."""
    handles = [observe(), observe()]
    current = handles[0]
    obs = Operations(lambda: current.telemetry)

    @obs.tool("t")
    def work():
        return 1

    block = obs.tool("t")
    work()
    current = handles[1]
    work()
    with block:
        pass
    assert [len(handle.spans()) for handle in handles] == [1, 2]


def test_a_stream_with_a_run_of_its_own(seen):
    """``operation.stream`` begins a run and ends it with the stream; usage is read off the chunks."""
    chunks = [{"text": "a"}, {"text": "b"}, {"usage": {"prompt_tokens": 10, "completion_tokens": 2}}]
    before = get_current()
    stream = seen.obs.inference(provider="openai", model="m").stream(iter(chunks), usage=lambda chunk: chunk.get("usage"))
    assert get_current() is before
    assert seen.spans() == []
    assert list(stream) == chunks
    span = seen.span("chat m")
    assert span.attributes["gen_ai.usage.input_tokens"] == 10
    assert span.attributes["langswarm.outcome"] == "ok"
    assert "langswarm.usage.partial" not in span.attributes


@pytest.mark.parametrize("leave", ["drop", "close", "block", "error"])
def test_a_stream_with_a_run_of_its_own_that_is_left(seen, leave):
    """However the stream ends, the run ends with it, once."""

    def chunks():
        yield 1
        yield 2
        raise ValueError

    stream = seen.obs.inference(provider="openai", model="m").stream(chunks())
    assert next(stream) == 1
    if leave == "close":
        stream.close()
        stream.close()
    elif leave == "block":
        with stream:
            pass
    elif leave == "error":
        next(stream)
        with pytest.raises(ValueError):
            next(stream)
    del stream
    span = seen.span("chat m")
    assert span.attributes["langswarm.outcome"] == ("error" if leave == "error" else "abandoned")
    assert span.attributes["langswarm.usage.partial"] is True
