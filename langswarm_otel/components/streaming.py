"""Streams: the run's context is in force only while an item is being made, never while the consumer holds it.

A context that is attached across a ``yield`` leaks into whoever reads the stream, and is torn when the reader leaves early or closes it
from another task (open-telemetry/opentelemetry-python#2606).
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from opentelemetry.context import Context, attach, get_current

from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from typing_extensions import Self

    from langswarm_otel.components.reporting import Reporting

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class BothIterable(Protocol[T_co]):
    """What can be read synchronously and asynchronously, as the streams of several client libraries."""

    def __iter__(self) -> Iterator[T_co]:
        """Return the synchronous side."""
        ...

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Return the asynchronous side."""
        ...


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
        iterable: synchronous, asynchronous, or both; what is returned can be read in the same ways.
        usage: reads usage off a chunk.
        owned: whether the run ends with the stream.
    """
    # Asked of the type, as the interpreter does: a proxy of somebody else's answers to every name.
    if not hasattr(type(iterable), "__aiter__"):
        return Stream(run, iterable, usage, owned=owned)
    kind = DualStream if hasattr(type(iterable), "__iter__") else AsyncStream
    return kind(run, iterable, usage, owned=owned)


class _Observed:
    """What all kinds of stream do."""

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
        # Asked for what this object has not, also by `copy` and `pickle` before it has a source.
        if name.startswith("__") or "_source" not in self.__dict__:
            raise AttributeError(name)
        found = getattr(self._source, name)
        return functools.partial(self._close, found) if name in ("close", "aclose") and callable(found) else found

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

    def _close(self, close: Callable[[], Any]) -> Any:
        """Close the source, inside; what its ``close`` returns, perhaps to be awaited, comes back."""
        pending = False
        try:
            result = self._steps.call(close)
            pending = inspect.isawaitable(result)
            return self._wait_for_close(result) if pending else result
        finally:
            if not pending:
                self._over(GeneratorExit())

    async def _wait_for_close(self, closing: Awaitable[Any]) -> Any:
        try:
            return await self._steps.wait(_await, closing)
        finally:
            self._over(GeneratorExit())

    def __del__(self) -> None:
        if not self.__dict__.get("_ended", True) and not sys.is_finalizing():
            self._over(GeneratorExit())


async def _await(pending: Awaitable[Any]) -> Any:
    return await pending


def _nothing() -> None:
    pass


class Stream(_Observed, Iterator[T], Generic[T]):
    """A synchronous stream under observation."""

    _items: Iterator[T] | None = None

    def __init__(self, run: Reporting, iterable: Any, usage: Callable[[Any], object] | None, *, owned: bool = False) -> None:
        super().__init__(run, iterable, usage, owned=owned)
        self._open()

    def _open(self) -> None:
        self._items = self._step(iter, self._source)

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
        if self._items is None:
            self._items = self._step(iter, self._source)
        item: T = self._step(next, self._items)
        self._seen(item)
        return item

    def close(self) -> Any:
        """Close the source, and return what its ``close`` does; the run counts as abandoned unless the stream was read to its end."""
        return self._close(getattr(self._items, "close", None) or getattr(self._source, "close", None) or _nothing)

    def __enter__(self) -> Self:
        if hasattr(self._source, "__enter__"):
            self._steps.call(self._source.__enter__)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> Any:
        try:
            if hasattr(self._source, "__exit__"):
                return self._steps.call(self._source.__exit__, kind, error, traceback)
            if not inspect.iscoroutinefunction(getattr(self._source, "close", None)):  # nobody would await it
                self.close()
            return None
        finally:
            self._over(error or GeneratorExit())


class AsyncStream(_Observed, AsyncIterator[T], Generic[T]):
    """An asynchronous stream under observation."""

    _later: AsyncIterator[T] | None = None

    def __init__(self, run: Reporting, iterable: Any, usage: Callable[[Any], object] | None, *, owned: bool = False) -> None:
        super().__init__(run, iterable, usage, owned=owned)
        self._open()

    def _open(self) -> None:
        self._later = self._steps.call(type(self._source).__aiter__, self._source)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            if self._later is None:
                self._later = self._steps.call(type(self._source).__aiter__, self._source)
            item: T = await self._steps.wait(self._later.__anext__)
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
        source = self._source
        close = getattr(self._later, "aclose", None) or getattr(source, "aclose", None) or getattr(source, "close", None) or _nothing
        result = self._close(close)
        if inspect.isawaitable(result):
            await result

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


class DualStream(Stream[T], AsyncStream[T]):
    """A stream that offers both sides, as its source does; the side that is read first asks the source for that iterator."""

    def _open(self) -> None:
        """Leave it open which side will be read."""
