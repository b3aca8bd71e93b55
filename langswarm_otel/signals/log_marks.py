"""Marks on what structlog hands to a stdlib logger after we have emitted the event: the root handler must not emit it again.

structlog over ``stdlib.LoggerFactory`` passes each event through the stdlib's handlers, in one of four shapes. The mark is the *type* of
the message, a subclass that prints, formats, copies and compares like its base. It needs no state that could outlive a call, and it puts
no key onto the record, where formatters and other handlers would show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging


class MarkedText(str):
    """A rendered line of an event that has been emitted."""

    __slots__ = ()


class MarkedBytes(bytes):
    """A rendered line, as bytes, of an event that has been emitted."""

    __slots__ = ()


class MarkedEvent(dict[str, Any]):
    """An event dictionary that has been emitted."""

    __slots__ = ()


_MARKED = (MarkedText, MarkedBytes, MarkedEvent)


def mark_message(message: Any) -> Any:
    """Return a message that looks the same and is known to be emitted."""
    if isinstance(message, _MARKED):
        return message
    if isinstance(message, dict):
        return MarkedEvent(message)
    if isinstance(message, (bytes, bytearray)):
        return MarkedBytes(message)
    # `LogRecord.getMessage` makes a string of anything else as well.
    return MarkedText(message)


def mark_result(result: Any) -> Any:
    """Mark what the last processor of a chain returned, whichever of structlog's shapes it has.

    Args:
        result: a rendered line; ``(args, kwargs)``, as ``wrap_for_formatter`` and ``render_to_log_args_and_kwargs`` return; or the keyword
            arguments of a logging call, as ``render_to_log_kwargs`` returns.
    """
    if isinstance(result, tuple):
        args, kwargs = result
        return ((mark_message(args[0]), *args[1:]), kwargs) if args else result
    if isinstance(result, dict):
        return {**result, "msg": mark_message(result["msg"])} if "msg" in result else result
    return mark_message(result)


def is_marked(record: logging.LogRecord) -> bool:
    """Whether a record repeats an event that has been emitted."""
    return isinstance(record.msg, _MARKED)
