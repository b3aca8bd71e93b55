"""Running one call of LangSwarm inside one of our operations.

What LangSwarm returns or raises comes back unchanged, whatever goes wrong on our side: a fault of ours is counted and the call goes on
unobserved. LangSwarm often returns its errors; ``finish`` turns those into span errors. Streams are in ``stream_calls.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.context import get_current

from langswarm_otel import semconv
from langswarm_otel.components.run import RUN_KEY, Run
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.hooks import Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langswarm_otel.instrumentation.hooks import Wrapper


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a wrapped method."""

    instance: Any
    """What the method was called on."""

    args: tuple[Any, ...]
    """Positional arguments, without the instance."""

    kwargs: Mapping[str, Any]
    """Keyword arguments."""

    def get(self, position: int, name: str, default: Any = None) -> Any:
        """Return an argument, however it was passed."""
        return self.args[position] if len(self.args) > position else self.kwargs.get(name, default)


class Observed(Protocol):
    """What a call runs in: a run of an operation, or an attempt of one. None of these raises."""

    def enter(self) -> None:
        """Make its context current."""
        ...

    def leave(self) -> None:
        """Make the context outside current again."""
        ...

    def finish(self, error: BaseException | None = None) -> None:
        """End it."""
        ...


def around(where: str, *, begin: Callable[[Call], Any | None], finish: Callable[[Any, Call, Any], None]) -> Wrapper:
    """Build the wrapper of a coroutine method.

    Args:
        where: name of the place, for counting faults of ours.
        begin: gives what the call runs in (``Observed``), or None to leave this call alone.
        finish: tells it what the call returned: ``(run, call, result)``.
    """

    async def observe(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = Call(instance=instance, args=args, kwargs=kwargs)
        run = begun(where, begin, call)
        if run is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            _end(where, run, error)
            raise
        tell(where, finish, run, call, result)
        _end(where, run, None)
        return result

    return observe


def around_function(where: str, *, begin: Callable[[Call], Any | None], finish: Callable[[Any, Call, Any], None]) -> Wrapper:
    """Build the wrapper of a plain method; as ``around``."""

    def observe(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = Call(instance=instance, args=args, kwargs=kwargs)
        run = begun(where, begin, call)
        if run is None:
            return wrapped(*args, **kwargs)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            _end(where, run, error)
            raise
        tell(where, finish, run, call, result)
        _end(where, run, None)
        return result

    return observe


def nothing_more(_run: Any, _call: Call, _result: Any) -> None:
    """Take no notice of what a call returned: it says nothing that is not known, or nothing that is an error."""


def call_hook(
    where: str,
    module: str,
    owner: str,
    attribute: str,
    begin: Callable[[Call], Any | None],
    finish: Callable[[Any, Call, Any], None] = nothing_more,
) -> Hook:
    """Return the hook of a coroutine method; see ``around`` for what begins and finishes its calls."""
    return Hook(module=module, owner=owner, attribute=attribute, wrapper=around(where, begin=begin, finish=finish))


def begun(where: str, begin: Callable[[Call], Any | None], call: Call) -> Observed | None:
    """Begin, and make the context inside current; None if there is nothing to observe, or a fault of ours is in the way."""
    try:
        run: Observed | None = begin(call)
        if run is not None:
            run.enter()
    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        record_fault(where, error)
        return None
    return run


def tell(where: str, finish: Callable[..., None], *told: Any) -> None:
    """Hand over what LangSwarm returned; a fault in reading it is counted."""
    try:
        finish(*told)
    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        record_fault(where, error)


def _end(where: str, run: Observed, error: BaseException | None) -> None:
    try:
        run.leave()
        run.finish(error)
    except Exception as fault:  # noqa: BLE001 - our fault, not the caller's
        record_fault(where, fault)


def report_error(run: Run, error: object, *, otherwise: str = semconv.OTHER) -> None:
    """Mark a run as failed by what LangSwarm returned.

    Args:
        run: the operation that went wrong.
        error: the exception that LangSwarm kept, or the name of its type; anything else is a message, which is no type.
        otherwise: the type where there is neither.
    """
    if isinstance(error, BaseException):
        run.record_error(error)
    else:
        run.record_error(error_type=error if isinstance(error, str) and error.isidentifier() else otherwise)


def innermost() -> Run | None:
    """Return the innermost operation at work."""
    run: Any = get_current().get(RUN_KEY)
    return run if isinstance(run, Run) else None


def is_inside(kind: type[Run]) -> bool:
    """Whether the innermost operation at work is of this kind."""
    return isinstance(get_current().get(RUN_KEY), kind)
