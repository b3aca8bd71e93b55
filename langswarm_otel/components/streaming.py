"""Streams: the run's context is in force only while an item is being made, never while the consumer holds it.

A context that is attached across a ``yield`` leaks into whoever reads the stream, and is torn when the reader leaves early or closes it
from another task (open-telemetry/opentelemetry-python#2606).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from opentelemetry.context import Context, attach, get_current

from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from langswarm_otel.components.reporting import Reporting

T = TypeVar("T")


class Steps:
    """Puts a context in force around single steps of a generator or stream, and keeps what the steps themselves make current.

    So a ``with`` block inside of a generator finds its own context again when the generator is resumed.
    """

    def __init__(self, run: Reporting) -> None:
        self._run = run
        self._inside = run.context

    def enter(self) -> Context | None:
        """Begin a step; returns what ``leave`` needs."""
        if self._run.finished:  # a stream that outlives its block; work for an ended span would look like its child
            return None
        outside = get_current()
        attach(self._inside)
        return outside

    def leave(self, outside: Context | None) -> None:
        """End a step."""
        if outside is not None:
            self._inside = get_current()
            attach(outside)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run one step."""
        outside = self.enter()
        try:
            return function(*args)
        finally:
            self.leave(outside)

    async def wait(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one asynchronous step."""
        outside = self.enter()
        try:
            return await function(*args)
        finally:
            self.leave(outside)


def open_stream(
    run: Reporting, iterable: Any, usage: Callable[[Any], object] | None, *, owned: bool = False
) -> Stream[Any] | AsyncStream[Any]:
    """Return the iterable under observation.

    Args:
        run: what the stream belongs to.
        iterable: synchronous or asynchronous; of an object that is both, the synchronous side is read.
        usage: reads usage off a chunk.
        owned: whether the run ends with the stream.
    """
    kind = AsyncStream if hasattr(iterable, "__aiter__") and not hasattr(iterable, "__iter__") else Stream
    return kind(run, iterable, usage, owned=owned)


class _Observed:
    """What both kinds of stream do."""

    def __init__(self, run: Reporting, iterable: Any, usage: Callable[[Any], object] | None, *, owned: bool) -> None:
        self._run = run
        self._source = iterable
        self._usage = usage
        self._owned = owned
        self._ended = False
        self._steps = Steps(run)
        run.stream_opened()

    @property
    def operation(self) -> Any:
        """The run that the stream belongs to."""
        return self._run

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # also before construction, when there is no source to ask
            raise AttributeError(name)
        return getattr(self._source, name)

    def _seen(self, item: Any) -> None:
        try:
            self._run.chunk()
            reported = None if self._usage is None else self._usage(item)
            if reported is not None:
                self._run.usage(reported)
        except Exception as error:  # noqa: BLE001 - a fault here must not end the stream
            record_fault("stream", error)

    def _over(self, error: BaseException | None) -> None:
        """Note the end: read to its end (None), failed, or left (GeneratorExit)."""
        if self._ended:
            return
        self._ended = True
        self._run.stream_ended(error)
        if self._owned:
            self._run.finish(error)

    def __del__(self) -> None:
        if not self.__dict__.get("_ended", True) and not sys.is_finalizing():
            self._over(GeneratorExit())


async def _call(close: Callable[[], Any]) -> None:
    result = close()
    if inspect.isawaitable(result):
        await result


class Stream(_Observed, Iterator[T], Generic[T]):
    """A synchronous stream under observation."""

    def __init__(self, run: Reporting, iterable: Any, usage: Callable[[Any], object] | None, *, owned: bool = False) -> None:
        super().__init__(run, iterable, usage, owned=owned)
        self._iterator: Iterator[T] = self._step(iter, iterable)

    def _step(self, function: Callable[..., Any], *args: Any) -> Any:
        try:
            return self._steps.call(function, *args)
        except StopIteration:
            self._over(None)
            raise
        except BaseException as error:
            self._over(error)
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        item: T = self._step(next, self._iterator)
        self._seen(item)
        return item

    def close(self) -> None:
        """Close the source; the run counts as abandoned unless the stream was read to its end."""
        try:
            close = getattr(self._iterator, "close", None) or getattr(self._source, "close", None)
            if close is not None:
                self._steps.call(close)
        finally:
            self._over(GeneratorExit())

    def __enter__(self) -> Self:
        if hasattr(self._source, "__enter__"):
            self._steps.call(self._source.__enter__)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> Any:
        try:
            if hasattr(self._source, "__exit__"):
                return self._steps.call(self._source.__exit__, kind, error, traceback)
            self.close()
            return None
        finally:
            self._over(error or GeneratorExit())


class AsyncStream(_Observed, AsyncIterator[T], Generic[T]):
    """An asynchronous stream under observation."""

    def __init__(self, run: Reporting, iterable: Any, usage: Callable[[Any], object] | None, *, owned: bool = False) -> None:
        super().__init__(run, iterable, usage, owned=owned)
        self._iterator: AsyncIterator[T] = self._steps.call(type(iterable).__aiter__, iterable)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            item: T = await self._steps.wait(self._iterator.__anext__)
        except StopAsyncIteration:
            self._over(None)
            raise
        except BaseException as error:
            self._over(error)
            raise
        self._seen(item)
        return item

    async def aclose(self) -> None:
        """Close the source; the run counts as abandoned unless the stream was read to its end."""
        try:
            close = getattr(self._iterator, "aclose", None) or getattr(self._source, "aclose", None) or getattr(self._source, "close", None)
            if close is not None:
                await self._steps.wait(_call, close)
        finally:
            self._over(GeneratorExit())

    async def __aenter__(self) -> Self:
        if hasattr(self._source, "__aenter__"):
            await self._steps.wait(self._source.__aenter__)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> Any:
        try:
            if hasattr(self._source, "__aexit__"):
                return await self._steps.wait(self._source.__aexit__, kind, error, traceback)
            await self.aclose()
            return None
        finally:
            self._over(error or GeneratorExit())
