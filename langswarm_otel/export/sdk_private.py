"""Every name of OpenTelemetry that is not public, in one place, each with what happens where it is missing.

Also the two log modules, which are public in all but their underscore: the log signal is complete upstream but not yet declared stable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import opentelemetry.context as otel_context
from opentelemetry import _logs as api_logs
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk._logs import export as sdk_logs_export

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace import Event, ReadableSpan

__all__ = [
    "SUPPRESS_INSTRUMENTATION_KEY",
    "api_logs",
    "attributes_and_events",
    "plain_attributes",
    "sdk_logs",
    "sdk_logs_export",
    "suppress_instrumentation_in_this_thread",
]

SUPPRESS_INSTRUMENTATION_KEY: str | None = getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", None)
"""Context key that tells instrumentors of HTTP clients to make no span (its text is random, so it cannot be written down).

None where an SDK no longer has it; then requests of our own are traced if somebody instruments the HTTP client.
"""


def suppress_instrumentation_in_this_thread() -> None:
    """Make whatever this thread does from now on invisible to instrumentors; for threads that do nothing but export."""
    if SUPPRESS_INSTRUMENTATION_KEY is not None:
        otel_context.attach(otel_context.set_value(SUPPRESS_INSTRUMENTATION_KEY, value=True))


def attributes_and_events(span: ReadableSpan) -> tuple[Mapping[str, Any], Sequence[Event]]:
    """Return attributes and events of an ended span to look at: what is inside, where the public way is too slow for a caller's thread.

    ``ReadableSpan.attributes`` wraps and asks its mapping, which is written in Python; ``events`` builds a tuple under a lock even when
    there is nothing in it.
    """
    inner: Any = span
    try:
        return inner._attributes._dict, inner.events if inner._events._dq else ()  # noqa: SLF001 - this file is for that
    except AttributeError:
        return plain_attributes(span.attributes or {}), span.events


def plain_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes in a form that is quick to walk: the SDK's own mapping locks and copies for each walk, ``copy`` is one C call."""
    copy: Any = getattr(attributes, "copy", None)
    return copy() if copy is not None else attributes
