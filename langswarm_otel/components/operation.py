"""What ``obs.tool("search")`` returns: a description of runs, used as a block, as a decorator, or around a stream."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from opentelemetry.context import get_current

from langswarm_otel.components.blocks import OpenBlocks
from langswarm_otel.components.decorating import decorate
from langswarm_otel.components.run import Run
from langswarm_otel.components.streaming import AsyncStream, BothIterable, DualStream, Stream, open_stream
from langswarm_otel.guard import record_fault
from langswarm_otel.signals.telemetry import silent_telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
    from types import TracebackType

    from opentelemetry.context import Context

    from langswarm_otel.signals.telemetry import Telemetry

R = TypeVar("R", bound=Run)
F = TypeVar("F", bound="Callable[..., Any]")
T = TypeVar("T")


class Operation(Generic[R]):
    """Describes runs of one kind and makes a new one each time it is entered or called; it may be used often and at the same time.

    As a block (``with`` and ``async with``) it yields the run. As a decorator it takes functions, coroutine functions, generators and
    asynchronous generators, and keeps their signature, type, protocol, result and exceptions. Around a stream, ``stream`` makes a run that
    ends with the stream. The telemetry is resolved when a run begins, so that decorators follow a later configuration.

    A ``with`` block inside of a generator that is not decorated keeps its context while the consumer holds the generator, as every such
    block does; decorate the generator instead.
    """

    def __init__(self, resolve: Callable[[], Telemetry]) -> None:
        self._resolve = resolve
        self._entered: OpenBlocks[R] = OpenBlocks()

    def make(self, telemetry: Telemetry) -> R:
        """Return a run of this kind that has not begun."""
        raise NotImplementedError

    def begin(self, context: Context | None = None, *, start_ns: int | None = None) -> R:
        """Begin a run without making it current, for hooks that cannot use a block; ``finish`` must be called on it.

        Args:
            context: what it happens in; None means the current context.
            start_ns: when it began, in nanoseconds since 1970; None means now.
        """
        try:
            telemetry = self._resolve()
        except Exception as error:  # noqa: BLE001 - the caller's work must go on without telemetry
            record_fault("resolve telemetry", error)
            telemetry = silent_telemetry()
        run = self.make(telemetry)
        run.start(get_current() if context is None else context, start_ns)
        return run

    def __enter__(self) -> R:
        run = self.begin()
        self._entered.enter(run, sys._getframe(1))  # noqa: SLF001 - the frame of the block tells it from others
        return run

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        run = self._entered.leave(sys._getframe(1))  # noqa: SLF001 - as above
        if run is not None:
            run.finish(error)

    # Not coroutine functions: their frame would stand between this one and the block's.
    def __aenter__(self) -> Awaitable[R]:
        run = self.begin()
        self._entered.enter(run, sys._getframe(1))  # noqa: SLF001 - as above
        return _at_once(run)

    def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> Awaitable[None]:
        run = self._entered.leave(sys._getframe(1))  # noqa: SLF001 - as above
        if run is not None:
            run.finish(error)
        return _at_once(None)

    def __call__(self, function: F, /) -> F:
        """Return a function of the same kind whose every call is a run."""
        return decorate(self, function)

    @overload
    def stream(self, iterable: BothIterable[T], *, usage: Callable[[T], object] | None = None) -> DualStream[T]: ...
    @overload
    def stream(self, iterable: Iterable[T], *, usage: Callable[[T], object] | None = None) -> Stream[T]: ...
    @overload
    def stream(self, iterable: AsyncIterable[T], *, usage: Callable[[T], object] | None = None) -> AsyncStream[T]: ...
    def stream(self, iterable: Any, *, usage: Callable[[Any], object] | None = None) -> Any:
        """Return an iterable of the same items; the run begins now and ends with it, however it ends.

        Args:
            iterable: what is streamed; synchronous, asynchronous, or both.
            usage: reads the provider's usage off a chunk, or returns None. The run itself is the stream's ``operation``.
        """
        return open_stream(self.begin(), iterable, usage, owned=True)


async def _at_once(result: T) -> T:
    return result
