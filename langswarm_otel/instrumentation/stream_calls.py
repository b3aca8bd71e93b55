"""Reading one stream of LangSwarm inside one of our operations.

The run begins with the first item that is asked for, as the generator itself does, and its context is in force only while an item is being
made, never while the reader holds one. It ends when the stream is read to its end, fails, or is closed early, which is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context

from langswarm_otel.components.streaming import Steps
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.calls import Call, tell

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from langswarm_otel.components.run import Run
    from langswarm_otel.instrumentation.hooks import Wrapper


class _Unobserved:
    """Stands in for a run that could not begin: the stream goes on without it."""

    finished = True
    context: Final = Context()

    def chunk(self) -> None:
        """Take no notice."""

    def finish(self, error: BaseException | None = None) -> None:
        """Take no notice."""


def around_stream(
    where: str,
    *,
    begin: Callable[[Call], Run | None],
    seen: Callable[[Any, Call, Any], None],
    ended: Callable[[Any, Call], None] = lambda _run, _call: None,
    applies: Callable[[Call], bool] = lambda _call: True,
) -> Wrapper:
    """Build the wrapper of a method that returns an asynchronous generator or iterator.

    Args:
        where: name of the place, for counting faults of ours.
        begin: gives the run to read the stream in, begun but not entered; None to leave the stream alone.
        seen: tells the run each item: ``(run, call, item)``.
        ended: tells the run what is known when the stream is over, however that came: ``(run, call)``.
        applies: whether this call is a stream of its own; asked when the method is called.
    """

    def observe(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        stream = wrapped(*args, **kwargs)
        call = Call(instance=instance, args=args, kwargs=kwargs)
        try:
            if not (hasattr(type(stream), "__aiter__") and applies(call)):
                return stream
        except Exception as error:  # noqa: BLE001 - our fault, not the caller's
            record_fault(where, error)
            return stream
        return _observed(where, stream, call, begin, seen, ended)

    return observe


async def _observed(
    where: str,
    stream: Any,
    call: Call,
    begin: Callable[[Call], Run | None],
    seen: Callable[[Any, Call, Any], None],
    ended: Callable[[Any, Call], None],
) -> AsyncGenerator[Any, Any]:
    run = _begin(where, begin, call)
    steps = Steps(run)
    source: Any = stream
    try:
        source = steps.call(type(stream).__aiter__, stream)
        item = await steps.wait(source.__anext__)
        while True:
            run.chunk()
            if not run.finished:
                tell(where, seen, run, call, item)
            try:
                sent = yield item
            except GeneratorExit:
                await _close(steps, source)
                raise
            except BaseException as thrown:
                if not hasattr(source, "athrow"):
                    raise
                item = await steps.wait(source.athrow, thrown)
            else:
                item = await (steps.wait(source.__anext__) if sent is None else steps.wait(source.asend, sent))
    except StopAsyncIteration:
        _end(where, ended, run, call, None)
    except BaseException as error:
        _end(where, ended, run, call, error)
        raise


def _end(where: str, ended: Callable[[Any, Call], None], run: Any, call: Call, error: BaseException | None) -> None:
    if not run.finished:
        tell(where, ended, run, call)
    run.finish(error)


def _begin(where: str, begin: Callable[[Call], Run | None], call: Call) -> Any:
    try:
        return begin(call) or _Unobserved()
    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        record_fault(where, error)
        return _Unobserved()


async def _close(steps: Steps, source: Any) -> None:
    if hasattr(source, "aclose"):
        await steps.wait(source.aclose)
