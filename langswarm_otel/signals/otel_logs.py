"""Log records on the OpenTelemetry API: one way in for structlog events and stdlib records.

The logs part of the API is not declared stable: of this package, only this file and ``log_fields.py`` import ``opentelemetry._logs``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry._logs import get_logger_provider

from langswarm_otel import override
from langswarm_otel.guard import record_fault
from langswarm_otel.log_sources import is_excluded
from langswarm_otel.signals.log_fields import severity_number
from langswarm_otel.signals.log_guard import begin_emitting, end_emitting, is_barred, is_emitting, is_suppressed

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from opentelemetry._logs import Logger, LoggerProvider, SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.util.types import AnyValue

    from langswarm_otel.signals.log_fields import LogFields

    ResolveProvider: TypeAlias = Callable[[], LoggerProvider | None]
    """Says at each record which provider takes it; None: nobody."""

MAX_LOGGERS: Final = 1024
"""OpenTelemetry loggers that are remembered, one for each logger name; the SDK remembers them without bound."""

DEFAULT_MAX_LENGTH: Final = 8192
"""Longest attribute value, in characters."""


class PlainLogger(Protocol):
    """A logger that takes plain records by a shorter way than ``Logger.emit``; those of our own provider do."""

    def emit_plain(
        self,
        timestamp: int,
        severity_number: SeverityNumber,
        severity_text: str,
        body: str,
        attributes: dict[str, AnyValue],
        max_length: int | None,
        current: Context,
    ) -> bool:
        """Emit a record if nothing in it has to be changed; False, and nothing has happened, if ``emit`` has to look at it.

        Args:
            timestamp: nanoseconds since 1970; the record was observed when it was made.
            severity_number: OpenTelemetry's severity.
            severity_text: its name.
            body: the text.
            attributes: to be kept; the caller changes them no more.
            max_length: longest attribute value, in characters, beside the provider's own limit.
            current: the present context.
        """
        ...


class LogEmitter:
    """Hands log records to whatever provider is in force when they are made.

    ``override.active()`` comes before the provider, so that captures see the records of their context.
    """

    __slots__ = ("_cache", "_plain", "_resolve", "level", "max_length")

    def __init__(self, resolve: ResolveProvider, *, level: int = 0, max_length: int | None = DEFAULT_MAX_LENGTH) -> None:
        """Make an emitter.

        Args:
            resolve: asked at each record; may return None, which means that telemetry is off.
            level: records below this stdlib level are not emitted.
            max_length: longest attribute value, in characters; None leaves them uncut.
        """
        self._resolve: ResolveProvider = resolve
        self._cache: tuple[LoggerProvider | None, dict[str, Logger]] = (None, {})
        self._plain: tuple[LoggerProvider | None, dict[str, PlainLogger | None]] = (None, {})
        self.level = level
        self.max_length = max_length

    def close(self) -> None:
        """Emit nothing any more, wherever a copy of a processor of ours is still in use."""
        self._resolve = _nobody
        self._cache = (None, {})
        self._plain = (None, {})

    def provider(self) -> LoggerProvider | None:
        """Return the provider that takes records outside any override."""
        return self._resolve()

    def emit(self, name: str, levelno: int, build: Callable[..., LogFields], *args: Any) -> None:
        """Emit one record, unless it is barred, below the level, or nobody wants it; never raises.

        Args:
            name: name of the logger, which becomes the instrumentation scope.
            levelno: stdlib level.
            build: makes the fields from ``args``; called only if the record will be emitted.
            args: see ``build``.
        """
        if levelno < self.level or is_barred(name):
            return
        token = begin_emitting()
        try:
            logger = self._logger(name)
            severity = severity_number(levelno)
            if logger is not None and logger.enabled(severity_number=severity):
                logger.emit(severity_number=severity, **build(*args))
        except Exception as error:  # noqa: BLE001 - the caller only wanted to log
            record_fault("LogEmitter.emit", error)
        finally:
            end_emitting(token)

    def plain_logger(self, name: str, current: Context) -> PlainLogger | None:
        """Return what takes a plain record of this logger here and now, if there is such a way; ``emit`` is right in any case.

        Args:
            name: name of the logger.
            current: the present context.
        """
        if override.active() is not None or is_emitting() or is_suppressed(current):
            return None
        try:
            provider = self._resolve()
        except Exception:  # noqa: BLE001 - `emit` will ask again, and count the fault
            return None
        known_provider, loggers = self._plain
        if known_provider is not provider:
            loggers = {}
            self._plain = (provider, loggers)
        try:
            return loggers[name]
        except KeyError:
            logger: Any = None if is_excluded(name) else self._logger(name)
            if len(loggers) >= MAX_LOGGERS:
                loggers.clear()
            found: PlainLogger | None = logger if hasattr(logger, "emit_plain") else None
            loggers[name] = found
            return found

    def _logger(self, name: str) -> Logger | None:
        overriding = override.active()
        if overriding is not None:
            return overriding.logger(name, None, None)
        provider = self._resolve()
        if provider is None:
            return None
        known_provider, loggers = self._cache
        if known_provider is not provider:
            loggers = {}
            self._cache = (provider, loggers)
        logger = loggers.get(name)
        if logger is None:
            if len(loggers) >= MAX_LOGGERS:
                loggers.clear()
            logger = loggers[name] = provider.get_logger(name)
        return logger

    def __deepcopy__(self, memo: dict[int, Any]) -> LogEmitter:
        """Return itself: a bound logger that is copied with its object keeps emitting to the same place."""
        return self


def global_provider() -> LoggerProvider | None:
    """Return the global logger provider, whoever has set it."""
    return get_logger_provider()


def _nobody() -> None:
    return None
