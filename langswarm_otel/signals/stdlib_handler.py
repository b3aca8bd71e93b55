"""The handler on the stdlib's root logger that emits records of stdlib loggers as OpenTelemetry log records."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.guard import guarded
from langswarm_otel.log_sources import LANGSWARM, is_langswarm_file
from langswarm_otel.signals import log_fields
from langswarm_otel.signals.foreign_handlers import feeds_the_same, handlers_of, is_foreign
from langswarm_otel.signals.log_marks import is_marked

if TYPE_CHECKING:
    from langswarm_otel.signals.log_fields import LogFields
    from langswarm_otel.signals.otel_logs import LogEmitter

_NO_EXTRAS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
"""What every record has, and formatters add; anything else came through ``extra``."""


class LocklessHandler(logging.Handler):
    """A handler without a lock: what it does is safe without, and a lock held while something hangs would hold up every thread.

    It also cannot be left locked in a child after fork.
    """

    def createLock(self) -> None:  # noqa: N802 - the stdlib's name
        """Make no lock; the stdlib copes with none but in ``handle``."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Emit the record if the filters let it pass."""
        verdict: Any = self.filter(record)
        if verdict:
            self.emit(verdict if isinstance(verdict, logging.LogRecord) else record)
        return bool(verdict)


class OTelHandler(LocklessHandler):
    """Emits stdlib records: the message becomes the body, ``extra`` attributes, ``exc_info`` ``exception.*``.

    It leaves out what structlog has emitted already, and steps back where an OpenTelemetry handler of somebody else gets the same record
    for the same provider.
    """

    def __init__(self, emitter: LogEmitter, *, last_resort: bool = True) -> None:
        """Make a handler.

        Args:
            emitter: where records go, and from which level.
            last_resort: print records that no other handler gets, as the stdlib does with a root logger that has no handler; ours would
                otherwise make warnings of an application without any logging set-up disappear.
        """
        super().__init__(emitter.level)
        self.emitter = emitter
        self.last_resort = last_resort

    @guarded("OTelHandler", None)
    def emit(self, record: logging.LogRecord) -> None:
        """Emit a record unless somebody else does; never raises."""
        seen_by_others = is_emitted = False
        for handler in handlers_of(record.name):
            if isinstance(handler, OTelHandler):
                continue
            if not is_foreign(handler):
                seen_by_others = True
            elif record.levelno >= handler.level and feeds_the_same(handler, self.emitter):
                is_emitted = True
        if not seen_by_others and self.last_resort:
            self._print(record)
        if not is_emitted and not is_marked(record):
            name = LANGSWARM if is_langswarm_file(record.pathname) else record.name
            self.emitter.emit(name, record.levelno, self._fields, record)

    def _print(self, record: logging.LogRecord) -> None:
        last = logging.lastResort
        if last is not None and record.levelno >= last.level:
            last.handle(record)

    def _fields(self, record: logging.LogRecord) -> LogFields:
        present = vars(record)
        # Most records have no extras, which one set operation tells.
        attributes = {key: value for key, value in present.items() if key not in _NO_EXTRAS} if present.keys() - _NO_EXTRAS else {}
        error = log_fields.exception_of(record.exc_info)
        if error is not None:
            for key, value in log_fields.exception_attributes(error).items():
                attributes.setdefault(key, value)
        if record.stack_info:
            attributes.setdefault(semconv.CODE_STACKTRACE, record.stack_info)
        return {
            "timestamp": int(record.created * 1e9),
            "severity_text": log_fields.severity_text(record.levelno, record.levelname),
            "body": log_fields.body_value(_message(record)),
            "event_name": log_fields.take_event_name(attributes),
            "attributes": log_fields.finished_attributes(attributes, self.emitter.max_length),
        }


def _message(record: logging.LogRecord) -> object:
    """Return the message with its arguments put in; a mapping stays one, and a message that its arguments do not fit stays as it is."""
    if isinstance(record.msg, dict) and not record.args:
        return record.msg
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - the message's own code ran, and the stdlib reports it where the line is printed
        return record.msg
