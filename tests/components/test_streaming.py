"""``run.stream(iterable)``: in force while an item is made, never while the consumer holds it."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry import trace
from opentelemetry.context import get_current

from langswarm_otel import guard
from langswarm_otel.components.streaming import AsyncStream, Stream


def current_name():
    return getattr(trace.get_current_span(), "name", None)


class Source:
    """What a client library returns: an iterator with attributes and a ``close`` of its own."""

    status = 200

    def __init__(self, items=(1, 2, 3)):
        self._items = iter(items)
        self.names = []
        self.closed = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.names.append(current_name())
        return next(self._items)

    def close(self):
        self.closed += 1
        self.names.append(current_name())


class AsyncSource:
    """The same, asynchronous; ``close`` is a coroutine as in the clients of httpx's family."""

    status = 200

    def __init__(self, items=(1, 2, 3)):
        self._items = iter(items)
        self.names = []
        self.closed = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        self.names.append(current_name())
        for item in self._items:
            return item
        raise StopAsyncIteration

    async def close(self):
        self.closed += 1


def outcome(seen):
    attributes = seen.span("chat m").attributes
    return attributes["langswarm.outcome"], attributes.get("langswarm.usage.partial", False)


class TestSynchronous:
    """Ordinary iterables."""

    def test_items_are_made_inside_and_consumed_outside(self, seen):
        """The source sees the run's span; between items the consumer's context is current."""
        source = Source()
        with seen.obs.workflow("w"):
            call = seen.obs.inference(provider="p", model="m").begin()
            between = [(item, current_name()) for item in call.stream(source)]
            call.finish()
        assert between == [(1, "invoke_workflow w"), (2, "invoke_workflow w"), (3, "invoke_workflow w")]
        assert set(source.names) == {"chat m"}

    def test_read_to_its_end(self, seen):
        """The run is ok, and usage may come with the last chunk."""
        with seen.obs.inference(provider="openai", model="m") as call:
            chunks = call.stream(Source([{"n": 1}, {"prompt_tokens": 5}]), usage=lambda chunk: chunk)
            assert len(list(chunks)) == 2
            assert list(chunks) == []
        assert outcome(seen) == ("ok", False)
        assert seen.span("chat m").attributes["gen_ai.usage.input_tokens"] == 5

    @pytest.mark.parametrize("keep", [False, True], ids=["dropped", "kept"])
    def test_left_early(self, seen, keep):
        """Leaving the loop makes the run abandoned and its usage partial, whether the stream is still held or not."""
        with seen.obs.inference(provider="p", model="m") as call:
            stream = call.stream(Source())
            for _ in stream:
                break
            if not keep:
                del stream
        assert outcome(seen) == ("abandoned", True)

    def test_never_read(self, seen):
        """A stream that nobody reads is abandoned too."""
        with seen.obs.inference(provider="p", model="m") as call:
            call.stream(Source())
        assert outcome(seen) == ("abandoned", True)

    def test_an_error_of_the_source(self, seen):
        """The exception is the source's own; unhandled it is the run's error."""

        def source():
            yield 1
            raise error

        error = ValueError()
        with pytest.raises(ValueError) as caught, seen.obs.inference(provider="p", model="m") as call:
            list(call.stream(source()))
        assert caught.value is error
        assert outcome(seen) == ("error", True)

    def test_a_second_attempt_that_is_read_to_its_end(self, seen):
        """What happened to the stream of an earlier attempt does not count when a later one succeeds."""

        def failing():
            yield 1
            raise ConnectionError

        with seen.obs.inference(provider="p", model="m") as call:
            with pytest.raises(ConnectionError), call.attempt():
                list(call.stream(failing()))
            with call.attempt():
                next(call.stream([1, 2]))
            with call.attempt():
                assert list(call.stream([1, 2])) == [1, 2]
                call.usage(input_tokens=1, output_tokens=1)
        assert outcome(seen) == ("ok", False)

    def test_what_the_source_offers_besides(self, seen):
        """Attributes pass through; ``close`` closes the source, inside; as a block it closes, too."""
        source = Source()
        with seen.obs.inference(provider="p", model="m") as call:
            with call.stream(source) as stream:
                assert stream.status == 200
                assert stream.operation is call
                next(stream)
            with pytest.raises(AttributeError):
                _ = stream.missing
        assert source.closed == 1
        assert source.names == ["chat m", "chat m"]

    def test_a_source_that_is_a_block(self, seen):
        """The source's own block is entered and left with its arguments, and may swallow the error as it always could."""

        class Block(Source):
            entered = left = None

            def __enter__(self):
                self.entered = True
                return self

            def __exit__(self, kind, error, traceback):
                self.left = kind
                return True

        source = Block()
        with seen.obs.inference(provider="p", model="m") as call, call.stream(source):
            raise KeyError
        assert (source.entered, source.left) == (True, KeyError)

    def test_after_the_run_is_over(self, seen):
        """A stream that outlives its block goes on, without the ended span around it."""
        source = Source()
        with seen.obs.inference(provider="p", model="m") as call:
            stream = call.stream(source)
            next(stream)
        assert list(stream) == [2, 3]
        assert source.names == ["chat m", None, None, None]
        assert len(seen.spans()) == 1

    def test_a_usage_reader_that_fails(self, seen):
        """The stream goes on; the fault is counted."""
        with seen.obs.inference(provider="p", model="m") as call:
            assert list(call.stream([1, 2], usage=lambda chunk: chunk["usage"])) == [1, 2]
        assert guard.faults() == {"stream": 2}

    def test_what_is_not_iterable(self, seen):
        """It fails as ``iter`` does."""
        with pytest.raises(TypeError, match="not iterable"), seen.obs.inference(provider="p", model="m") as call:
            call.stream(7)


class TestAsynchronous:
    """Asynchronous iterables."""

    def test_items_are_made_inside_and_consumed_outside(self, seen):
        """As for ordinary iterables."""
        source = AsyncSource()

        async def main():
            async with seen.obs.workflow("w"):
                call = seen.obs.inference(provider="p", model="m").begin()
                between = [current_name() async for _ in call.stream(source)]
                call.usage(input_tokens=1, output_tokens=1)
                call.finish()
                return between

        assert asyncio.run(main()) == ["invoke_workflow w"] * 3
        assert set(source.names) == {"chat m"}
        assert outcome(seen) == ("ok", False)

    def test_left_early_and_closed(self, seen):
        """``aclose`` closes the source by whichever of its closing methods, and the run counts as abandoned."""
        source = AsyncSource()

        async def main():
            async with seen.obs.inference(provider="p", model="m") as call:
                stream = call.stream(source)
                assert stream.status == 200
                await anext(stream)
                await stream.aclose()

        asyncio.run(main())
        assert source.closed == 1
        assert outcome(seen) == ("abandoned", True)

    def test_read_in_several_tasks(self, seen, caplog):
        """Each step may run in another task; no context is taken away from any of them."""

        async def main():
            call = seen.obs.inference(provider="p", model="m").begin()
            stream = call.stream(AsyncSource())
            items = [await asyncio.create_task(anext(stream)) for _ in range(3)]
            with pytest.raises(StopAsyncIteration):
                await asyncio.create_task(stream.__anext__())
            call.finish()
            return items

        before = get_current()
        assert asyncio.run(main()) == [1, 2, 3]
        assert get_current() is before
        assert caplog.records == []

    def test_cancelled_while_waiting(self, seen):
        """The cancellation goes through, and the run is cancelled."""

        async def endless():
            yield 1
            await asyncio.sleep(30)

        async def work():
            async with seen.obs.inference(provider="p", model="m") as call:
                async for _ in call.stream(endless()):
                    pass

        async def main():
            task = asyncio.create_task(work())
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert outcome(seen) == ("cancelled", True)

    def test_as_a_block(self, seen):
        """``async with`` closes the source, whether it is a block itself or not."""

        class Block(AsyncSource):
            left = False

            async def __aenter__(self):
                return self

            async def __aexit__(self, kind, error, traceback):
                self.left = True

        source, block = AsyncSource(), Block()

        async def main():
            async with seen.obs.inference(provider="p", model="m") as call:
                for one in (source, block):
                    async with call.stream(one) as stream:
                        await anext(stream)

        asyncio.run(main())
        assert source.closed == 1
        assert block.left


def test_the_kind_follows_the_source(seen):
    """Synchronous and asynchronous sources give streams of their kind, for whoever asks."""
    with seen.obs.inference(provider="p", model="m") as call:
        assert type(call.stream([])) is Stream
        assert type(call.stream(AsyncSource())) is AsyncStream
        assert isinstance(call.stream(BothSource()), Stream)
        assert isinstance(call.stream(BothSource()), AsyncStream)


class BothSource:
    """What litellm and others return: both kinds of iterator in one object, with data of its own."""

    status = 200
    _hidden_params = {"response_cost": 0.5}  # noqa: RUF012 - as litellm has it

    def __init__(self, closes="aclose"):
        self.made = []
        self.closed = 0
        self.names = []
        setattr(self, closes, getattr(self, f"_{closes}"))

    def __iter__(self):
        self.made.append("iter")
        return self

    def __next__(self):
        self.names.append(current_name())
        if len(self.names) > 3:
            raise StopIteration
        return len(self.names)

    def __aiter__(self):
        self.made.append("aiter")
        return self

    async def __anext__(self):
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None

    async def _aclose(self):
        self.closed += 1
        self.names.append(current_name())

    def _close(self):
        self.closed += 1


class TestBoth:
    """Sources that are synchronous and asynchronous at once."""

    @pytest.mark.parametrize("owned", [False, True], ids=["run", "operation"])
    @pytest.mark.parametrize("side", ["synchronous", "asynchronous"])
    def test_either_side_can_be_read(self, seen, side, owned):
        """``for`` and ``async for`` both work; only the side that is read is asked for, and items are made inside."""
        source = BothSource()

        async def main():
            operation = seen.obs.inference(provider="p", model="m")
            run = operation.begin()
            stream = run.stream(source) if not owned else operation.stream(source)
            assert source.made == []
            items = list(stream) if side == "synchronous" else [item async for item in stream]
            run.finish()
            return items

        assert asyncio.run(main()) == [1, 2, 3]
        assert source.made == ["iter" if side == "synchronous" else "aiter"]
        assert set(source.names) == {"chat m"}
        assert {span.attributes["langswarm.outcome"] for span in seen.spans()} == {"ok"}

    def test_what_the_source_offers_besides(self, seen):
        """Attributes pass, those with an underscore too, and what is not there is not there."""
        with seen.obs.inference(provider="p", model="m") as call:
            stream = call.stream(BothSource())
            assert (stream.status, stream._hidden_params["response_cost"]) == (200, 0.5)
            assert stream.operation is call
            assert not hasattr(stream, "missing")
            assert not hasattr(stream, "_missing")
            assert list(stream) == [1, 2, 3]

    @pytest.mark.parametrize("how", ["aclose", "block", "close of a coroutine"])
    def test_closed_asynchronously(self, seen, how):
        """The source is closed once, inside of the run, which is abandoned and ends there."""
        source = BothSource()
        if how == "close of a coroutine":
            source.close = source.aclose
            del source.aclose

        async def main():
            stream = seen.obs.inference(provider="p", model="m").stream(source)
            await anext(stream)
            if how == "block":
                async with stream:
                    pass
            else:
                await (stream.aclose() if how == "aclose" else stream.close())
            assert seen.spans() != []

        asyncio.run(main())
        assert source.closed == 1
        assert set(source.names) == {"chat m"}
        assert outcome(seen) == ("abandoned", True)

    def test_closed_synchronously(self, seen):
        """``close`` and ``with`` close the source where it can be, and are harmless where it cannot."""
        for source, closed in ((BothSource("close"), 1), (BothSource(), 0)):
            with seen.obs.inference(provider="p", model="m").stream(source) as stream:
                next(stream)
            assert source.closed == closed
        assert [span.attributes["langswarm.outcome"] for span in seen.spans()] == ["abandoned", "abandoned"]

    def test_the_close_of_an_asynchronous_source(self, seen):
        """``await stream.close()``, as the clients of httpx's family have it, closes the source and ends the run."""
        source = AsyncSource()

        async def main():
            stream = seen.obs.inference(provider="p", model="m").stream(source)
            await anext(stream)
            await stream.close()
            assert outcome(seen) == ("abandoned", True)

        asyncio.run(main())
        assert source.closed == 1
