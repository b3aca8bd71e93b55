"""Running one call of LangSwarm inside one of our operations.

What LangSwarm returns or raises comes back unchanged, whatever goes wrong on our side: a fault of ours is counted and the call goes on
unobserved. LangSwarm often returns its errors; ``finish`` turns those into span errors.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.context import attach, get_current

from langswarm_otel import current, semconv
from langswarm_otel.components import genai_interop
from langswarm_otel.components.run import RUN_KEY
from langswarm_otel.context import current_scope, hash_user, restore, with_scope, with_values
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from langswarm_otel.components.run import Run
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


def around(
    where: str,
    *,
    begin: Callable[[Call], AbstractContextManager[Any] | None],
    finish: Callable[[Any, Call, Any], None],
) -> Wrapper:
    """Build the wrapper of a coroutine method.

    Args:
        where: name of the place, for counting faults of ours.
        begin: gives the operation to run the call in, or None to leave this call alone.
        finish: tells the running operation what the call returned: ``(run, call, result)``.
    """

    async def observe(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = Call(instance=instance, args=args, kwargs=kwargs)
        run = operation = None
        try:
            operation = begin(call)
            if operation is not None:
                run = operation.__enter__()
        except Exception as error:  # noqa: BLE001 - our fault, not the caller's
            record_fault(where, error)
            operation = None
        if operation is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as raised:
            _leave(where, operation, raised)
            raise
        try:
            finish(run, call, result)
        except Exception as error:  # noqa: BLE001 - our fault, not the caller's
            record_fault(where, error)
        _leave(where, operation, None)
        return result

    return observe


def _leave(where: str, operation: AbstractContextManager[Any], raised: BaseException | None) -> None:
    """End an operation; neither its failures nor its wish to swallow an exception matter to the caller."""
    try:
        operation.__exit__(type(raised) if raised else None, raised, raised.__traceback__ if raised else None)
    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        if error is not raised:
            record_fault(where, error)


@contextmanager
def in_conversation(session_id: str | None, *, user_id: str | None = None) -> Iterator[None]:
    """Let every span and log line below carry the conversation of a LangSwarm session, and its user if known.

    A conversation that is in scope already stays: the program opened that session, and LangSwarm's agents have threads of their own in it.
    """
    before = get_current()
    scope = current_scope(before)
    conversation_id = conversation_id_of(session_id)
    if not conversation_id or scope.conversation_id not in (None, conversation_id):
        yield
        return
    changes: dict[str, str | None] = {"conversation_id": conversation_id}
    if user_id and scope.user_hash is None:
        policy = current.telemetry().policy
        changes["user_hash"] = hash_user(user_id, policy.user_hash_salt)
        changes["user_id"] = user_id if policy.capture_user_id else None
    own = with_values(with_scope(before, **changes), genai_interop.conversation(conversation_id))
    attach(own)
    try:
        yield
    finally:
        restore(own, before)


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


def is_inside(kind: type[Run]) -> bool:
    """Whether the innermost operation at work is of this kind."""
    return isinstance(get_current().get(RUN_KEY), kind)
