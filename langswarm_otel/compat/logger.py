"""LangSwarm's logger, over structlog: its lines carry the trace that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.compat import vocabulary
from langswarm_otel.compat.settings import FollowsSettings
from langswarm_otel.compat.spans import current_span
from langswarm_otel.guard import guarded
from langswarm_otel.log_sources import LANGSWARM
from langswarm_otel.signals.log_setup import get_logger as structlog_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.compat.options import ObservabilityConfig

LOGGER_NAME: Final = "langswarm_observability"
"""Name of the logger of the program's own lines. Those of LangSwarm's own code quote what it works on, and are LangSwarm's."""

_LEVELS: Final = frozenset({"debug", "info", "warning", "error", "critical"})

_RESERVED: Final = frozenset({"event", "level", "logger", "timestamp", "positional_args", "exception", "stack", "span_id", "trace_flags"})
"""Keys that mean something to structlog, or say which span a line belongs to."""


class Logger(FollowsSettings):
    """What ``provider.logger`` is."""

    def debug(self, message: str, component: str | None = None, **kwargs: Any) -> None:
        """Log a line for whoever looks for a fault."""
        self.write("debug", message, component, kwargs)

    def info(self, message: str, component: str | None = None, **kwargs: Any) -> None:
        """Log a line."""
        self.write("info", message, component, kwargs)

    def warning(self, message: str, component: str | None = None, **kwargs: Any) -> None:
        """Log a warning."""
        self.write("warning", message, component, kwargs)

    def error(self, message: str, component: str | None = None, **kwargs: Any) -> None:
        """Log an error."""
        self.write("error", message, component, kwargs)

    def critical(self, message: str, component: str | None = None, **kwargs: Any) -> None:
        """Log a line that nobody must miss."""
        self.write("critical", message, component, kwargs)

    def log(self, level: Any, message: str, component: str | None = None, **kwargs: Any) -> None:
        """Log a line of a level that is given: a member of ``LogLevel``, or its name."""
        self.write(level, message, component, kwargs)

    def set_trace_context(self, trace_id: str | None, span_id: str | None) -> None:
        """Do nothing: each line carries the span that is current when it is written."""

    def close(self) -> None:
        """Do nothing: the handle closes what is open."""

    @guarded("compat.log", None)
    def write(self, level: Any, message: object, component: object, fields: Mapping[str, Any]) -> None:
        """Log a line; a level that there is not counts as ``info``, and nothing raises.

        Args:
            level: member of ``LogLevel``, or its name.
            message: what happened.
            component: part of LangSwarm that says so.
            fields: what else is known; what is None is left out.
        """
        config = self._settings()
        if not config.enabled or not _is_wanted(component, config):
            return
        name = str(getattr(level, "value", level)).lower()
        given: dict[str, object] = {} if component is None else {"component": component}
        logger_name = LOGGER_NAME
        if fields.get("auto_instrumented"):
            # On the line too: the loggers of an application's own structlog need not know names, and this one decides what is withheld.
            logger_name = given["logger"] = LANGSWARM
        getattr(structlog_logger(logger_name), name if name in _LEVELS else "info")(str(message), **given, **_keys_of(fields))


def fields_of_span(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a line with the operation that it is written in, and for how long that has been going on."""
    span = current_span()
    if span is None:
        return dict(fields)
    return {"operation": span.operation_name or None, "span_duration_ms": span.elapsed_ms, **fields}


def _is_wanted(component: object, config: ObservabilityConfig) -> bool:
    if not component:
        return True
    if config.disabled_components and component in config.disabled_components:
        return False
    return not config.enabled_components or component in config.enabled_components


def _keys_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line's keys: standard names where there are, the caller's otherwise, content only through the gate."""
    policy = current.telemetry().policy
    keys: dict[str, Any] = {}
    for field, value in fields.items():
        if value is None or field in ("auto_instrumented", "component"):
            continue
        for name, known in vocabulary.attributes_of(field, value, policy):
            plain = name.removeprefix(semconv.TAG_PREFIX)
            keys[name if plain in _RESERVED else plain] = known
    return keys
