"""Where work is, as its OpenTelemetry context tells: the span, and what of it log lines carry.

A log line asks several times, for the line and for the record, and lines of one span ask alike. A context never changes, so the answer is
worked out once and remembered for the context that was asked about last.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN_CONTEXT, get_current_span

from langswarm_otel import semconv
from langswarm_otel.context import current_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import SpanContext

    from langswarm_otel.context import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """What a context tells."""

    span: SpanContext
    """Ids of the span; an invalid one outside of any."""

    trace_keys: Mapping[str, str]
    """Ids and flags as the standard for non-OTLP formats writes them; empty without a valid span. Not to be changed."""

    scope_keys: Mapping[str, str]
    """Conversation and agent, as they stand on log lines; empty where nobody said. Not to be changed."""


def whereabouts(context: Context | None = None) -> Whereabouts:
    """Return what a context tells, by default the current one."""
    if context is None:
        context = get_current()
    # Weakly: a context may hold large things. Read and replaced as one, so that threads do not mix two answers.
    remembered, answer = _last
    return answer if remembered() is context else _look(context)


def _look(context: Context) -> Whereabouts:
    global _last  # noqa: PLW0603 - a memory for one answer
    span = get_current_span(context).get_span_context()
    answer = Whereabouts(span=span, trace_keys=_trace_keys(span), scope_keys=_scope_keys(current_scope(context)))
    _last = weakref.ref(context), answer
    return answer


def _trace_keys(span: SpanContext) -> Mapping[str, str]:
    """A span that is not recording has ids too: lines of unsampled traces keep them."""
    if not span.is_valid:
        return {}
    return {
        semconv.LOG_TRACE_ID: f"{span.trace_id:032x}",
        semconv.LOG_SPAN_ID: f"{span.span_id:016x}",
        semconv.LOG_TRACE_FLAGS: f"{span.trace_flags:02x}",
    }


def _scope_keys(scope: Scope) -> Mapping[str, str]:
    keys = {semconv.CONVERSATION_ID: scope.conversation_id, semconv.AGENT_NAME: scope.agent_name}
    return {key: value for key, value in keys.items() if value is not None}


NOWHERE: Final = Whereabouts(span=INVALID_SPAN_CONTEXT, trace_keys={}, scope_keys={})
"""Outside of everything."""

_nothing: Final = Context()
_last: tuple[weakref.ref[Context], Whereabouts] = (weakref.ref(_nothing), NOWHERE)
"""The context that was asked about last, and the answer."""
