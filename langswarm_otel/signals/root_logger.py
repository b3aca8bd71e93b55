"""The stdlib's root logger with our handlers on it, and as it was."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from structlog import stdlib

from langswarm_otel.log_sources import is_langswarm_file
from langswarm_otel.signals.foreign_handlers import is_foreign, leave_alone
from langswarm_otel.signals.log_output import LineHandler
from langswarm_otel.signals.log_processors import add_scope, add_trace_context
from langswarm_otel.signals.stdlib_handler import OTelHandler

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from langswarm_otel.signals.log_output import LineOutput
    from langswarm_otel.signals.otel_logs import LogEmitter


class RootLogger:
    """What we have changed on the root logger.

    A later ``logging.basicConfig()`` does nothing, because the root logger has a handler, and ``logging.config.dictConfig`` removes ours:
    set the stdlib's logging up first.
    """

    def __init__(self, *, withholds_content: bool = False) -> None:
        """Change nothing yet.

        Args:
            withholds_content: whether our handlers leave out the lines that LangSwarm writes below WARNING, which quote tool arguments.
                Nobody would see those lines, did we not lower the level of the root logger.
        """
        self._withholds_content = withholds_content
        self._handlers: list[logging.Handler] = []
        self._level_before: int | None = None
        self._level_set: int | None = None

    def lower_level(self, level: int) -> None:
        """Let records from ``level`` on through, unless the application has set logging up: a level or a handler of its own."""
        root = logging.getLogger()
        if root.level == logging.WARNING and not _handlers_of_others():
            self._level_before, self._level_set = root.level, level
            root.setLevel(level)

    def print_lines(self, output: LineOutput, rendering: tuple[Processor, ...], level: int) -> None:
        """Print records of stdlib loggers like structlog's, unless the application prints them."""
        if _handlers_of_others():
            return
        handler = LineHandler(output, level)
        handler.setFormatter(_formatter(rendering))
        self._add(handler)

    def emit_records(self, emitter: LogEmitter, *, last_resort: bool) -> None:
        """Emit records of stdlib loggers; for ``last_resort`` see ``OTelHandler``."""
        self._add(OTelHandler(emitter, last_resort=last_resort))

    def _add(self, handler: logging.Handler) -> None:
        if self._withholds_content:
            handler.addFilter(_is_fit_to_be_seen)
        logging.getLogger().addHandler(handler)
        self._handlers.append(handler)

    @property
    def is_whole(self) -> bool:
        """Whether our handlers are still there: ``dictConfig`` and ``basicConfig(force=True)`` take them away."""
        return all(handler in logging.getLogger().handlers for handler in self._handlers)

    def undo(self) -> None:
        """Restore the root logger; a level that somebody has set meanwhile stays."""
        root = logging.getLogger()
        for handler in self._handlers:
            root.removeHandler(handler)
            handler.close()
        self._handlers.clear()
        if self._level_before is not None and root.level == self._level_set:
            root.setLevel(self._level_before)
        self._level_before = None
        leave_alone()


def _is_fit_to_be_seen(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or not is_langswarm_file(record.pathname)


def _handlers_of_others() -> list[logging.Handler]:
    return [each for each in logging.getLogger().handlers if not isinstance(each, (OTelHandler, LineHandler)) and not is_foreign(each)]


def _formatter(rendering: tuple[Processor, ...]) -> stdlib.ProcessorFormatter:
    before: list[Processor] = [stdlib.add_log_level, stdlib.add_logger_name, _add_time, stdlib.ExtraAdder(), add_trace_context, add_scope]
    return stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[stdlib.ProcessorFormatter.remove_processors_meta, *rendering])


def _add_time(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> EventDict:
    """Add the time that the record carries, which is also the time of its OTLP twin."""
    made = datetime.fromtimestamp(event_dict["_record"].created, tz=timezone.utc)
    event_dict["timestamp"] = made.isoformat().replace("+00:00", "Z")
    return event_dict
