"""``start_as_current_span`` without generators: the same block and the same decorator at a fraction of the cost.

The SDK stacks two generator context managers for each span, which is a seventh of what a span costs its caller. What this does must be
what ``Tracer.start_as_current_span`` and ``use_span`` of the SDK do; ``tests/pipelines/test_current_span.py`` runs both side by side. Two
differences are meant: the stack trace on the span begins with the caller's frame and not with two of the SDK, and an exception
whose text cannot be made reaches the caller as it was raised.
"""

from __future__ import annotations

import functools
import inspect
from contextlib import ContextDecorator
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Span, Status, StatusCode

from langswarm_otel.context import SPAN_KEY
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token
    from types import TracebackType


class CurrentSpan(ContextDecorator):
    """A span that is current inside a block, or inside each call of what it decorates; started when the block is entered."""

    __slots__ = ("_arguments", "_end_on_exit", "_entered", "_record_exception", "_set_status_on_exception", "_start")

    def __init__(self, start: Callable[..., Span], arguments: tuple[Any, ...], *, end_on_exit: bool) -> None:
        """Prepare the block; nothing is started.

        Args:
            start: ``start_span`` of the tracer.
            arguments: its positional arguments, all of them.
            end_on_exit: whether the span ends with the block.
        """
        self._start = start
        self._arguments = arguments
        self._end_on_exit = end_on_exit
        self._entered: tuple[Span, Token[Context]] | None = None

    def __enter__(self) -> Span:
        if self._entered is not None:
            raise RuntimeError("the block of start_as_current_span can be entered once")
        span = self._start(*self._arguments)
        context = Context(get_current())
        dict.__setitem__(context, SPAN_KEY, span)  # a context refuses changes, and `set_value` copies twice
        self._entered = (span, attach(context))
        return span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._entered is None:
            raise RuntimeError("the block of start_as_current_span was not entered")
        span, token = self._entered
        try:
            detach(token)
            if error is not None:
                self._tell(span, error)
        finally:
            if self._end_on_exit:
                span.end()

    def _tell(self, span: Span, error: BaseException) -> None:
        """Record what ended the block, unless it is no error, as a cancellation or the end of a generator is none."""
        if not isinstance(error, Exception) or not isinstance(span, Span) or not span.is_recording():
            return
        record_exception, set_status_on_exception = self._arguments[-2:]
        try:
            if record_exception:
                span.record_exception(error)
            if set_status_on_exception:
                span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        except Exception as fault:  # noqa: BLE001 - it would take the place of the caller's own
            record_fault("start_as_current_span", fault)

    def __call__(self, function: Any) -> Any:
        """Make each call of a function or coroutine function such a block; of generators it covers the making only, as in the SDK."""
        start, arguments, end_on_exit = self._start, self._arguments, self._end_on_exit
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with CurrentSpan(start, arguments, end_on_exit=end_on_exit):
                    return await function(*args, **kwargs)

            return call_async

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with CurrentSpan(start, arguments, end_on_exit=end_on_exit):
                return function(*args, **kwargs)

        return call
