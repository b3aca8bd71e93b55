"""What keeps a log record out of the pipeline: its logger, suppression, and a record that is being emitted already.

Three loops are broken here. Records of the exporter's own loggers never enter; nothing enters while OpenTelemetry's suppression key is set,
as it is in every export worker; and whatever logs while a record is being emitted is printed but not emitted again
(open-telemetry/opentelemetry-python#3858, #4261, #4585).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from opentelemetry.context import get_current

from langswarm_otel.export.sdk_private import SUPPRESS_INSTRUMENTATION_KEY
from langswarm_otel.log_sources import is_excluded

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context

_emitting: ContextVar[bool] = ContextVar("langswarm_otel_emitting_log", default=False)


def is_barred(logger_name: str) -> bool:
    """Whether a record of this logger may not be emitted here and now."""
    return _emitting.get() or is_excluded(logger_name) or is_suppressed(get_current())


def is_emitting() -> bool:
    """Whether a record is being emitted in this context."""
    return _emitting.get()


def is_suppressed(context: Context) -> bool:
    """Whether instrumentation is suppressed in a context."""
    return SUPPRESS_INSTRUMENTATION_KEY is not None and bool(context.get(SUPPRESS_INSTRUMENTATION_KEY))


def begin_emitting() -> Token[bool]:
    """Bar every record of this context until ``end_emitting``."""
    return _emitting.set(True)


def end_emitting(token: Token[bool]) -> None:
    """Take back what ``begin_emitting`` did."""
    _emitting.reset(token)
