"""LangSwarm's tracer, over the operations of the current handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN_ID, get_current_span

from langswarm_otel import current, override
from langswarm_otel.compat import vocabulary
from langswarm_otel.compat.blocks import SpanBlock
from langswarm_otel.compat.notes import say_once
from langswarm_otel.compat.settings import FollowsSettings
from langswarm_otel.compat.spans import Span, current_span
from langswarm_otel.components.run import RUN_KEY, Run
from langswarm_otel.components.settling import settle
from langswarm_otel.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable


F = TypeVar("F", bound="Callable[..., Any]")


class Tracer(FollowsSettings):
    """What ``provider.tracer`` is: real spans, in the context of the task or thread that makes them."""

    def start_span(self, operation_name: str, parent_span_id: str | None = None, **tags: Any) -> SpanBlock:
        """Return a block that is one operation; it yields the span, also where nothing is recorded.

        Args:
            operation_name: as LangSwarm calls it; ``vocabulary`` says what it becomes.
            parent_span_id: the open span that is to be the parent, if it is not the current one.
            **tags: what is known already.
        """
        config = self._settings()
        return SpanBlock(operation_name, tags, parent_span_id=parent_span_id, enabled=config.enabled and config.tracing_enabled)

    def trace_function(self, operation_name: Any = None, /, **tags: Any) -> Any:
        """Return a decorator that makes every call of a function, coroutine or generator a span.

        Args:
            operation_name: name of the span, by default the function's; or the function, for use as a bare decorator.
            **tags: what the spans carry.
        """
        return trace_function(operation_name, **tags)

    def get_current_span(self) -> Span | None:
        """Return the current span; None outside of every span."""
        return current_span()

    def get_trace_id(self) -> str | None:
        """Return the id of the current trace, 32 hexadecimal digits; None outside of every span."""
        span = current_span()
        return None if span is None else span.trace_id

    def add_span_tag(self, key: str, value: Any) -> None:
        """Put a tag on the current span."""
        span = current_span()
        if span is not None:
            span.add_tag(key, value)

    def add_span_log(self, message: str, **kwargs: Any) -> None:
        """Leave a log entry on the current span."""
        span = current_span()
        if span is not None:
            span.add_log(message, **kwargs)

    def get_finished_spans(self) -> list[Span]:
        """Return the spans that have ended, in the order in which they did; in tests only, nothing is kept otherwise.

        Raises:
            RuntimeError: there is no ``langswarm_otel.testing.capture()`` here.
        """
        capture: Any = override.active()
        if capture is None:
            raise RuntimeError(
                "finished spans are exported and not kept; look at them inside langswarm_otel.testing.capture(), "
                "or with the pytest fixture `telemetry`"
            )
        settle()
        return [Span(span) for span in capture.spans()]

    @guarded("compat.get_span_by_id", cast("Span | None", None))
    def get_span_by_id(self, span_id: str) -> Span | None:
        """Return a span that is open around the call or, in a capture, has ended; None if there is none with this id."""
        context = get_current()
        around, otel = context.get(RUN_KEY), get_current_span(context)
        spans = [Span(otel)] if otel.get_span_context().span_id != INVALID_SPAN_ID else []
        while isinstance(around, Run):
            spans.append(Span(around.span, around))
            around = around.parent
        if override.active() is not None:
            spans += self.get_finished_spans()
        return next((span for span in spans if span.span_id == span_id), None)

    def get_spans_by_trace_id(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace that have ended in a capture; none otherwise."""
        return [] if override.active() is None else [span for span in self.get_finished_spans() if span.trace_id == trace_id]

    def clear_completed_spans(self) -> None:
        """Do nothing: no span is kept that could be cleared."""


def trace_function(operation_name: Any = None, /, **span_tags: Any) -> Any:
    """Return a decorator that makes every call of a function, coroutine or generator a span.

    Args:
        operation_name: name of the span, by default the function's; or the function, for use as a bare decorator.
        **span_tags: what the spans carry.
    """
    if callable(operation_name):
        return current.traced(operation_name)
    try:
        policy = current.telemetry().policy
        pairs = (pair for tag, value in span_tags.items() if value is not None for pair in vocabulary.attributes_of(tag, value, policy))
        return current.traced(operation_name, **dict(pairs))
    except Exception as error:  # noqa: BLE001 - a tag's own code ran; the function must still be there
        say_once(f"trace_function left out its tags ({type(error).__name__})")
        return current.traced(operation_name)


trace_async_function = trace_function
"""The same: it knows coroutine functions by itself."""
