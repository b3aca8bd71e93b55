"""All that our own chain does with an event before it is rendered, in one processor.

A chain of an application's own gets the processors of ``log_processors.py`` one by one, each of which has to look for what the others may
have left. Here it is known what comes before: the level is the method's, the time is now, and of the keys only the caller's are there. An
event with a key that means something (an exception, a level, ids) goes the way of the single processors, which give the same.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from opentelemetry.context import get_current
from structlog import processors
from structlog.contextvars import merge_contextvars

from langswarm_otel import semconv
from langswarm_otel.guard import record_fault
from langswarm_otel.signals import log_fields
from langswarm_otel.signals.log_output import LineLogger
from langswarm_otel.signals.log_processors import DEFAULT_LOGGER_NAME, LEVELS, OTelLogProcessor, add_scope, add_trace_context
from langswarm_otel.whereabouts import NOWHERE, whereabouts

if TYPE_CHECKING:
    from opentelemetry._logs import SeverityNumber
    from structlog.typing import EventDict, Processor, WrappedLogger

    from langswarm_otel.signals.log_fields import LogFields
    from langswarm_otel.signals.otel_logs import LogEmitter

_MEANINGFUL: Final = frozenset(
    {
        "level",
        "logger",
        "timestamp",
        "positional_args",
        "exc_info",
        "exception",
        "stack_info",
        semconv.LOG_TRACE_ID,
        semconv.LOG_SPAN_ID,
        semconv.LOG_TRACE_FLAGS,
        *log_fields.EVENT_NAME_KEYS,
    }
)
"""Keys of an event that are more than an attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """What is known about a logging method."""

    name: str
    """What the line says."""
    number: int
    """The stdlib's number."""
    severity: SeverityNumber
    """OpenTelemetry's number."""
    text: str
    """OpenTelemetry's name."""


def _level(method_name: str) -> _Level:
    name: str = processors.add_log_level(None, method_name, {})["level"]
    number = LEVELS[method_name]
    return _Level(name=name, number=number, severity=log_fields.severity_number(number), text=log_fields.severity_text(number, name))


_LEVELS: Final = {method_name: _level(method_name) for method_name in LEVELS}


def add_logger_name(logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> EventDict:
    """Add the logger's name, if it has one and the event says nothing else."""
    name = getattr(logger, "name", None)
    if name:
        event_dict.setdefault("logger", name)
    return event_dict


class OwnLine:
    """Drops what is below the level, adds what each line carries, and emits the record."""

    def __init__(self, emitter: LogEmitter) -> None:
        """Make a processor.

        Args:
            emitter: where records go, and from which level; the filtering logger looks at the level too, but not those loggers that were
                bound before it was configured.
        """
        self.emitter = emitter
        self._one_by_one: tuple[Processor, ...] = (
            processors.add_log_level,
            add_logger_name,
            _add_time,
            processors.StackInfoRenderer(),
            add_trace_context,
            add_scope,
            OTelLogProcessor(emitter),
        )

    def __call__(self, logger: WrappedLogger, method_name: str, event_dict: EventDict) -> EventDict:
        """Return the event as it will be rendered, or drop it."""
        level = _LEVELS.get(method_name)
        if (logging.INFO if level is None else level.number) < self.emitter.level:
            raise structlog.DropEvent
        merge_contextvars(logger, method_name, event_dict)
        if level is None or type(logger) is not LineLogger or not _MEANINGFUL.isdisjoint(event_dict):
            for processor in self._one_by_one:
                processor(logger, method_name, event_dict)  # changes the event in place
            return event_dict
        now, name = time.time_ns() // 1000 * 1000, logger.name
        where = NOWHERE
        try:
            where = whereabouts(current := get_current())
            attributes = dict(event_dict)
            event = attributes.pop("event", None)
            for key, value in where.scope_keys.items():
                attributes.setdefault(key, value)
            plain, longest = self.emitter.plain_logger(name or DEFAULT_LOGGER_NAME, current), self.emitter.max_length
            if plain is None or not plain.emit_plain(now, level.severity, level.text, event, attributes, longest, current):
                self.emitter.emit(name or DEFAULT_LOGGER_NAME, level.number, self._fields, level.text, now, event, attributes)
        except Exception as error:  # noqa: BLE001 - the line must come out
            record_fault("OwnLine", error)
        event_dict["level"] = level.name
        if name:
            event_dict["logger"] = name
        event_dict["timestamp"] = log_fields.iso_time(now)
        event_dict.update(where.trace_keys)
        for key, value in where.scope_keys.items():
            event_dict.setdefault(key, value)
        return event_dict

    def _fields(self, severity_text: str, now: int, event: object, attributes: dict[str, Any]) -> LogFields:
        return {
            "timestamp": now,
            "severity_text": severity_text,
            "body": log_fields.body_value(event),
            "attributes": log_fields.finished_attributes(attributes, self.emitter.max_length),
        }

    def __deepcopy__(self, memo: dict[int, Any]) -> OwnLine:
        """Return itself, as a function would: bound loggers are copied with the objects that hold them."""
        return self


def _add_time(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> EventDict:
    event_dict["timestamp"] = log_fields.iso_time(time.time_ns())
    return event_dict
