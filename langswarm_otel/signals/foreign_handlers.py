"""OpenTelemetry log handlers of others beside ours: who emits a record, so that it reaches a pipeline exactly once.

Two kinds exist: the SDK's ``LoggingHandler`` (deprecated) and that of ``opentelemetry-instrumentation-logging``. One that feeds the
provider which we feed takes precedence for stdlib records: ours steps back. For structlog events ours has emitted already, in better form,
so theirs gets a filter that leaves out exactly those records; it is taken away again when our logging is undone. One that feeds a provider
of its own is none of our business.
"""

from __future__ import annotations

import logging
import weakref
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import get_logger_provider

from langswarm_otel import override
from langswarm_otel.guard import guarded
from langswarm_otel.signals.log_marks import is_marked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langswarm_otel.signals.otel_logs import LogEmitter

_silenced: weakref.WeakSet[logging.Handler] = weakref.WeakSet()
"""Foreign handlers that carry our filter."""


@lru_cache(maxsize=512)
def _is_otel_handler_type(kind: type) -> bool:
    return any(base.__name__ == "LoggingHandler" and base.__module__.startswith("opentelemetry.") for base in kind.__mro__)


def is_foreign(handler: logging.Handler) -> bool:
    """Whether a handler is one of OpenTelemetry's, or a subclass."""
    kind: Any = type(handler)
    return _is_otel_handler_type(kind)


def handlers_of(name: str | None) -> Iterator[logging.Handler]:
    """Yield the handlers that get the records of a logger, in the stdlib's order."""
    found: Any = logging.root.manager.loggerDict.get(name) if name else None
    logger: logging.Logger | None = found if isinstance(found, logging.Logger) else logging.root
    while logger is not None:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None


def feeds_the_same(handler: object, emitter: LogEmitter) -> bool:
    """Whether the records of a foreign handler, or structlog processor, end where the emitter's do.

    Under an override, only loggers of a provider of ours follow it; those of other providers go on to their own exporters, and ours must
    emit for the capture.
    """
    theirs = getattr(handler, "_logger_provider", None)
    if type(theirs).__module__.startswith("opentelemetry._logs"):
        theirs = get_logger_provider()  # the API's placeholder, taken before anybody had set a provider
    if theirs is None or theirs is not emitter.provider():
        return False
    return override.active() is None or type(theirs).__module__.startswith("langswarm_otel.")


@dataclass(frozen=True, slots=True)
class SkipRepeats:
    """Keeps from a foreign handler what our processor has emitted to the same provider."""

    handler: weakref.ref[logging.Handler]
    """The handler that carries this filter."""

    emitter: LogEmitter
    """What has emitted marked records."""

    @guarded("SkipRepeats", True)  # noqa: FBT003 - a record too many rather than one too few
    def filter(self, record: logging.LogRecord) -> bool:
        """Return False for a repeated record."""
        handler = self.handler()
        return not (is_marked(record) and handler is not None and feeds_the_same(handler, self.emitter))


def silence_repeats(logger: logging.Logger | logging.LoggerAdapter[Any], emitter: LogEmitter) -> None:
    """Make sure that no foreign handler emits the structlog events of this logger a second time."""
    name = getattr(logger, "name", None)
    for handler in handlers_of(name if isinstance(name, str) else None):
        if is_foreign(handler) and handler not in _silenced:
            handler.addFilter(SkipRepeats(weakref.ref(handler), emitter))
            _silenced.add(handler)


def leave_alone() -> None:
    """Take our filter away from every foreign handler."""
    for handler in list(_silenced):
        for found in [each for each in handler.filters if isinstance(each, SkipRepeats)]:
            handler.removeFilter(found)
    _silenced.clear()
