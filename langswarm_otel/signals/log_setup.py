"""Logging as the preset says: structlog and the stdlib's root logger, configured together and restored together."""

from __future__ import annotations

import threading
import warnings
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import structlog

from langswarm_otel.signals.log_output import LineLogger, LineOutput, open_log_file
from langswarm_otel.signals.log_rendering import PrettyRenderer, render_line
from langswarm_otel.signals.log_settings import LoggingSettings, LogSettings, level_number
from langswarm_otel.signals.otel_logs import LogEmitter
from langswarm_otel.signals.root_logger import RootLogger
from langswarm_otel.signals.structlog_chain import Insertion, TakeOver, emits, our_chain

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import Processor

    from langswarm_otel.signals.log_output import StreamName
    from langswarm_otel.signals.otel_logs import ResolveProvider

__all__ = ["LogSettings", "LoggingSettings", "LoggingSetup", "configure_logging", "get_logger"]

Reach = Literal["process", "insert", "handle"]
"""How far a set-up reaches: all of the process; only by insertion into whatever structlog chain there is; or its own loggers alone."""

_STREAMS: Final[dict[str, StreamName]] = {"console": "stderr", "json": "stdout"}
"""JSON is the event stream of a twelve-factor application, which belongs on standard output (some platforms take every line on standard
error for an error). Pretty lines are for a person at a terminal, where standard output belongs to the program's own results."""

_DROPPED_ATTRIBUTES: Final = "Log record attributes were dropped"
"""Beginning of the warning that the SDK gives for each record with too many attributes."""

_lock = threading.RLock()
_setups: list[LoggingSetup] = []
"""Set-ups of the process, in the order in which they were made; the last one is in force."""


class LoggingSetup:
    """One way of logging, in force until it is undone or another is made; then the one before is in force again."""

    def __init__(self, settings: LogSettings, resolve: ResolveProvider, reach: Reach = "process") -> None:
        """Describe logging; nothing is changed before ``apply``.

        Args:
            settings: level, form and destination.
            resolve: says at each record which logger provider takes it; None: none, telemetry is off.
            reach: how far the set-up reaches.
        """
        self._settings = settings
        self._resolve = resolve
        self._reach = reach
        self._level = level_number(settings.log_level)
        self._steps = ExitStack()
        self._own_chain: list[Processor] | None = None
        self._output = LineOutput(None)
        self._root: RootLogger | None = None
        self._emitter: LogEmitter | None = None

    def apply(self) -> None:
        """Put the set-up in force.

        Raises:
            ConfigurationError: the log file cannot be written to; nothing has been changed.
        """
        settings = self._settings
        file = open_log_file(settings.log_file) if settings.log_output in ("file", "both") else None
        stream = _STREAMS[settings.log_format] if settings.log_output in ("console", "both") else None
        self._output = output = LineOutput(stream, file)
        emitter = LogEmitter(self._resolve, level=self._level, max_length=settings.max_log_record_attribute_length)
        rendering = _rendering(settings, output)
        chain = our_chain(emitter, rendering, output)
        with ExitStack() as steps:
            steps.callback(output.close)
            steps.callback(emitter.close)
            self._own_chain = chain if self._reach == "handle" or not settings.configure_structlog else None
            if self._reach != "handle":
                steps.callback(_once_per_process())
                takes_over = self._own_chain is None and self._reach == "process" and not structlog.is_configured()
                if takes_over:
                    steps.callback(TakeOver(chain, output, self._level).undo)
                elif self._own_chain is None:
                    steps.callback(Insertion(emitter).undo)
                self._emitter = emitter if self._own_chain is None else None
                self._change_root(steps, emitter, rendering if takes_over else None)
            self._steps = steps.pop_all()

    def _change_root(self, steps: ExitStack, emitter: LogEmitter, rendering: tuple[Processor, ...] | None) -> None:
        """Put our handlers on the root logger; one that prints only where structlog prints by ``rendering`` of ours too."""
        root = self._root = RootLogger(withholds_content=not self._settings.capture_content)
        steps.callback(root.undo)
        if self._settings.configure_structlog:
            root.lower_level(self._level)
        silent = rendering is not None and self._settings.log_output == "none"
        if rendering is not None and not silent:
            root.print_lines(self._output, rendering, self._level)
        root.emit_records(emitter, last_resort=not silent)

    def missing(self) -> list[str]:
        """Return what the application has taken away again since this set-up, each with the mend; empty if all is in place."""
        notes = []
        if self._root is not None and not self._root.is_whole:
            notes.append(
                "stdlib log lines are no telemetry any more: logging was configured anew (dictConfig, basicConfig(force=True)); "
                "do that before configure_observability(), or call it again afterwards"
            )
        if self._emitter is not None and not emits(structlog.get_config()["processors"], self._emitter):
            notes.append(
                "structlog's lines are no telemetry any more: structlog.configure() was called after configure_observability(); "
                "call it before, or put OTelLogProcessor() before the renderer"
            )
        return notes

    def suspend(self) -> None:
        """Restore what was before ``apply``, as far as the application has not changed it meanwhile."""
        self._steps.close()

    def undo(self) -> None:
        """End this set-up; idempotent. If it is in force, the one before it is in force again."""
        with _lock:
            if self not in _setups:
                self.suspend()
                return
            in_force = _setups[-1] is self
            _setups.remove(self)
            if in_force:
                self.suspend()
                if _setups:
                    _setups[-1].apply()

    def get_logger(self, name: str | None = None, **initial_values: Any) -> Any:
        """Return a structlog logger; one of our own where the process's structlog is not ours to touch.

        Args:
            name: name of the logger, which becomes the instrumentation scope of its records.
            **initial_values: keys that each event carries.
        """
        if self._own_chain is None:
            return structlog.get_logger(*(() if name is None else (name,)), **initial_values)
        return structlog.wrap_logger(
            LineLogger(self._output, name),
            processors=self._own_chain,
            wrapper_class=structlog.make_filtering_bound_logger(self._level),
            context_class=dict,
            cache_logger_on_first_use=True,
            **initial_values,
        )


def configure_logging(settings: LogSettings, resolve: ResolveProvider, reach: Reach = "process") -> LoggingSetup:
    """Configure logging, and return what undoes it.

    ``reach="process"`` configures structlog if nobody has, and inserts our processors if somebody has; ``"insert"`` only inserts, also into
    structlog's default chain, and leaves the lines as they look; ``"handle"`` changes nothing outside of the set-up's own ``get_logger``.

    Args:
        settings: level, form and destination; an ``ObservabilityConfig`` or ``LoggingSettings``.
        resolve: says at each record which logger provider takes it; None: none. ``override.active()`` comes before it.
        reach: see above.

    Raises:
        ConfigurationError: a setting is wrong, or the log file cannot be written to; logging is then as it was.
    """
    setup = LoggingSetup(settings, resolve, reach)
    if reach == "handle":
        setup.apply()
        return setup
    with _lock:
        before = _setups[-1] if _setups else None
        if before is not None:
            before.suspend()
        try:
            setup.apply()
        except BaseException:
            if before is not None:
                before.apply()
            raise
        _setups.append(setup)
    return setup


def get_logger(name: str | None = None, **initial_values: Any) -> Any:
    """Return a structlog logger of the set-up in force; structlog's own without one.

    Args:
        name: name of the logger, which becomes the instrumentation scope of its records.
        **initial_values: keys that each event carries.
    """
    with _lock:
        setup = _setups[-1] if _setups else None
    if setup is not None:
        return setup.get_logger(name, **initial_values)
    return structlog.get_logger(*(() if name is None else (name,)), **initial_values)


def _rendering(settings: LogSettings, output: LineOutput) -> tuple[Processor, ...]:
    if settings.log_format == "console":
        return (PrettyRenderer(colours=output.colours()),)
    return (render_line,)


def _once_per_process() -> Callable[[], None]:
    """Let the SDK warn once about too many attributes, instead of with each record; return what takes that back.

    An application that makes warnings errors would otherwise lose those records.
    """
    warnings.filterwarnings("once", message=_DROPPED_ATTRIBUTES, category=UserWarning)
    ours = warnings.filters[0]

    def undo() -> None:
        with suppress(ValueError):
            cast("list[Any]", warnings.filters).remove(ours)

    return undo
