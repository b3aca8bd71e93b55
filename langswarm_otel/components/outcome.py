"""How a run ended, told from the exception that ended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langswarm_otel import semconv

if TYPE_CHECKING:
    from langswarm_otel.semconv import Outcome

_LONGEST: Final = 200


def outcome_of(error: BaseException | None) -> Outcome:
    """Tell the outcome of a run from what was raised in it.

    ``GeneratorExit`` means that whoever read a stream left it. Every other exception outside of ``Exception`` is somebody stopping the
    work: ``asyncio.CancelledError``, ``KeyboardInterrupt``, ``SystemExit``, and the cancellations of trio and others.
    """
    if error is None:
        return semconv.OK
    if isinstance(error, Exception):
        return semconv.ERROR
    return semconv.ABANDONED if isinstance(error, GeneratorExit) else semconv.CANCELLED


def error_type(error: object) -> str:
    """Return ``error.type``: the qualified name of an exception's type, as the GenAI instrumentors write it.

    A string is taken for such a name only if it looks like one: a message would be content, and would make a label of each text.
    """
    if isinstance(error, str):
        return error if error.replace(".", "").replace("_", "").isalnum() and error.isascii() and len(error) <= _LONGEST else semconv.OTHER
    kind = error if isinstance(error, type) else type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
