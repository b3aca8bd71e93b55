"""Content of a run: what went in, what came out, what an exception says; only through the gate, and not looked at while it is closed."""

from __future__ import annotations

import inspect
import traceback
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.components.outcome import error_type
from langswarm_otel.content import gate
from langswarm_otel.content.safe import safe_text
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.components.reporting import Reporting

_MESSAGES: Final = (semconv.INPUT_MESSAGES, semconv.OUTPUT_MESSAGES)


def wanted(run: Reporting) -> bool:
    """Whether content of this run goes anywhere: the gate is open and the span is kept."""
    return run.telemetry.policy.capture_content and run.span.is_recording()


def keep(run: Reporting, key: str, content: Any, role: str) -> None:
    """Put content on the span, as text; the gate decides before anything is serialised."""
    try:
        if content is None or not wanted(run):
            return
        if key in _MESSAGES and isinstance(content, str):
            content = [_message(content, role)]
        run.span.set_attribute(key, gate.jsonable(content, run.telemetry.policy.max_content_length))
    except Exception as error:  # noqa: BLE001 - the content's own code ran
        record_fault("content", error)


def keep_exception(run: Reporting, error: BaseException) -> None:
    """Add an exception event with message and stack trace, if the gate is open."""
    try:
        if not wanted(run):
            return
        limit = run.telemetry.policy.max_content_length
        stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        attributes = {
            semconv.EXCEPTION_TYPE: error_type(error),
            semconv.EXCEPTION_MESSAGE: safe_text(str(error))[:limit],
            semconv.EXCEPTION_STACKTRACE: _end_of(safe_text(stack), limit),
        }
        run.span.add_event("exception", attributes)
    except Exception as fault:  # noqa: BLE001 - the exception's own code ran
        record_fault("exception event", fault)


def _end_of(stack: str, limit: int) -> str:
    """Return the last lines of a stack trace; whole ones, since half a secret would not be known for one."""
    return stack if len(stack) <= limit else stack[-limit:].partition("\n")[2]


def keep_call(run: Reporting, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Keep the arguments of a decorated call, by name and without the object that a method is bound to."""
    try:
        if not wanted(run):
            return
        arguments = inspect.signature(function).bind(*args, **kwargs).arguments
        bound = {name: value for position, (name, value) in enumerate(arguments.items()) if position or name not in ("self", "cls")}
    except Exception as error:  # noqa: BLE001 - a callable without a signature, or arguments that do not fit
        record_fault("arguments", error)
        return
    run.input(bound)


def _message(text: str, role: str) -> dict[str, Any]:
    """Return text in the form that the GenAI conventions give messages."""
    message: dict[str, Any] = {"role": role, "parts": [{"type": "text", "content": text}]}
    if role == "assistant":
        message["finish_reason"] = "stop"
    return message
