"""structlog processors that join log lines to traces; each can stand in a chain of the application's own.

``add_trace_context`` and ``add_scope`` belong after ``merge_contextvars``; ``OTelLogProcessor`` last before the renderer, so that what
leaves the process is what the chain has made of the event; ``mark_emitted`` after the renderer, where structlog logs through the stdlib.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.guard import record_fault
from langswarm_otel.signals import log_fields
from langswarm_otel.signals.foreign_handlers import silence_repeats
from langswarm_otel.signals.log_marks import mark_result
from langswarm_otel.signals.otel_logs import LogEmitter, global_provider
from langswarm_otel.whereabouts import whereabouts

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

    from langswarm_otel.signals.log_fields import LogFields

DEFAULT_LOGGER_NAME: Final = "structlog"
"""Instrumentation scope of events whose logger has no name."""

LEVELS: Final = {
    **dict.fromkeys(("debug",), logging.DEBUG),
    **dict.fromkeys(("info", "msg", "log"), logging.INFO),
    **dict.fromkeys(("warning", "warn"), logging.WARNING),
    **dict.fromkeys(("error", "err", "exception", "failure"), logging.ERROR),
    **dict.fromkeys(("critical", "fatal"), logging.CRITICAL),
}
"""Stdlib level of each logging method and level name."""


def add_trace_context(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> EventDict:
    """Add ``trace_id``, ``span_id`` and ``trace_flags`` of the current span; nothing outside a valid span.

    Keys that the event has already are not touched.
    """
    try:
        for key, value in whereabouts().trace_keys.items():
            event_dict.setdefault(key, value)
    except Exception as error:  # noqa: BLE001 - the line must come out
        record_fault("add_trace_context", error)
    return event_dict


def add_scope(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> EventDict:
    """Add the conversation and the agent that the line belongs to, if there are any; keys that the event has already are not touched."""
    try:
        for key, value in whereabouts().scope_keys.items():
            event_dict.setdefault(key, value)
    except Exception as error:  # noqa: BLE001 - the line must come out
        record_fault("add_scope", error)
    return event_dict


class OTelLogProcessor:
    """Emits each event as an OpenTelemetry log record, and passes it on unchanged.

    The event becomes the body, other keys become attributes, ``exc_info`` becomes ``exception.*``, a timestamp is kept, and the key
    ``otel.event.name`` becomes the record's event name. The name of the logger is the instrumentation scope.
    """

    def __init__(self, emitter: LogEmitter | None = None, *, event_key: str = "event") -> None:
        """Make a processor.

        Args:
            emitter: where records go; None means the global logger provider, whichever it is when a record is made.
            event_key: key of the event, where an ``EventRenamer`` earlier in the chain has renamed it.
        """
        self.emitter = emitter if emitter is not None else LogEmitter(global_provider)
        self.event_key = event_key

    def __call__(self, logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
        """Emit the event; any fault of ours stays here."""
        try:
            level_name = level_name_of(method_name, event_dict)
            levelno = level_number_of(level_name, event_dict)
            # A stdlib logger prints nothing below its level, so nothing may be emitted either.
            if not isinstance(logger, logging.Logger) or logger.isEnabledFor(levelno):
                name = logger_name_of(logger, event_dict)
                self.emitter.emit(name, levelno, self._fields, name, levelno, level_name, event_dict)
        except Exception as error:  # noqa: BLE001 - the line must come out
            record_fault("OTelLogProcessor", error)
        return event_dict

    def _fields(self, name: str, levelno: int, level_name: str, event_dict: EventDict) -> LogFields:
        attributes = dict(event_dict)
        event = attributes.pop(self.event_key, None)
        arguments = attributes.pop("positional_args", None)
        timestamp = log_fields.unix_nanoseconds(attributes.get("timestamp"))
        if timestamp is not None:
            del attributes["timestamp"]
        if attributes.get("logger") == name:
            del attributes["logger"]
        if _is_text(attributes.get("level"), level_name):
            del attributes["level"]
        _replace_exception(attributes)
        return {
            "timestamp": timestamp or time.time_ns(),
            "severity_text": log_fields.severity_text(levelno, level_name),
            "body": log_fields.body_value(_interpolated(event, arguments)),
            "event_name": log_fields.take_event_name(attributes),
            "attributes": log_fields.finished_attributes(attributes, self.emitter.max_length),
        }

    def __deepcopy__(self, memo: dict[int, Any]) -> OTelLogProcessor:
        """Return itself, as a function would: bound loggers are copied with the objects that hold them."""
        return self


class MarkEmitted:
    """Marks what goes on to a stdlib logger as emitted, so that no OpenTelemetry handler emits it again; stands after the renderer."""

    def __init__(self, emitter: LogEmitter) -> None:
        """Make a processor.

        Args:
            emitter: the emitter of the ``OTelLogProcessor`` in the same chain.
        """
        self.emitter = emitter

    def __call__(self, logger: WrappedLogger, method_name: str, event_dict: Any) -> Any:
        """Return the same message, marked; any fault of ours stays here."""
        if not isinstance(logger, (logging.Logger, logging.LoggerAdapter)) or LEVELS.get(method_name, logging.INFO) < self.emitter.level:
            return event_dict
        try:
            silence_repeats(logger, self.emitter)
            return mark_result(event_dict)
        except Exception as error:  # noqa: BLE001 - the line must come out
            record_fault("MarkEmitted", error)
            return event_dict

    def __deepcopy__(self, memo: dict[int, Any]) -> MarkEmitted:
        """Return itself, as a function would."""
        return self


def level_name_of(method_name: str, event_dict: EventDict) -> str:
    """Return the level that the event names, in lower case; by default the method that was called."""
    named = event_dict.get("level")
    if isinstance(named, str) and named.lower() in LEVELS:
        return named.lower()
    return method_name


def level_number_of(level_name: str, event_dict: EventDict) -> int:
    """Return the stdlib level of a level's name; a name that nobody knows counts as ``info``, since the chain has let the event pass."""
    known = LEVELS.get(level_name)
    if known is not None:
        return known
    number = event_dict.get("level_number")
    if not isinstance(number, int):
        number = logging.getLevelName(level_name.upper())
    return number if isinstance(number, int) else logging.INFO


def logger_name_of(logger: WrappedLogger, event_dict: EventDict) -> str:
    """Return the name of the logger, or what the event calls it."""
    for name in (getattr(logger, "name", None), event_dict.get("logger")):
        if isinstance(name, str) and name:
            return name
    return DEFAULT_LOGGER_NAME


def _is_text(value: object, lower: str) -> bool:
    return isinstance(value, str) and value.lower() == lower


def _replace_exception(attributes: dict[str, Any]) -> None:
    """Replace ``exc_info``, or what the chain has rendered of it, by the standard's three attributes."""
    error = log_fields.exception_of(attributes.pop("exc_info", None))
    if error is not None:
        found = log_fields.exception_attributes(error)
    else:
        found = log_fields.rendered_exception_attributes(attributes.get("exception"))
        if found:
            del attributes["exception"]
    for key, value in found.items():
        attributes.setdefault(key, value)


def _interpolated(event: object, arguments: Any) -> object:
    """Put positional arguments into the event, as the stdlib will; as it stands if they do not fit."""
    if not arguments or not isinstance(event, str):
        return event
    try:
        return event % arguments
    except (TypeError, ValueError, KeyError):
        return event
