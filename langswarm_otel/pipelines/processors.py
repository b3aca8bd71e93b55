"""Span processors of ours on every provider that we own or join: scope on every span, and an eye on the open ones."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Final

from opentelemetry.context import get_current
from opentelemetry.sdk.trace import SpanProcessor

from langswarm_otel import semconv
from langswarm_otel.context import NO_SCOPE, current_scope
from langswarm_otel.export.processors import QueueLogRecordProcessor
from langswarm_otel.export.sdk_private import SUPPRESS_INSTRUMENTATION_KEY
from langswarm_otel.guard import record_fault
from langswarm_otel.log_sources import is_excluded
from langswarm_otel.propagation import origin_links

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from langswarm_otel.context import Scope
    from langswarm_otel.export.processors import QueueSpanProcessor


_SPANS_BEFORE_A_LOOK: Final = 1000


class ScopeSpanProcessor(SpanProcessor):
    """Stamps conversation and user on every span started below a session, those of foreign instrumentors too.

    A foreign root inside ``detached()`` also gets the link to where that was entered, as our own operations have it from the start.

    Backends filter by span, so ids that stand on the root alone are missed (behaviour 6). The values come from our own context key and
    never from W3C baggage, which would carry them to strangers in HTTP headers.
    """

    def __init__(self) -> None:
        self.active = True
        """False makes the processor inert, for a provider of others that cannot forget a processor."""
        self.capture_user_id = False
        """Whether the raw user id may be stamped; the session may belong to a handle that may, while this one may not."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Stamp the span; any fault of ours stays here."""
        if not self.active:
            return
        try:
            context = get_current() if parent_context is None else parent_context
            for link in origin_links(context) or ():
                if not span.links:
                    span.add_link(link.context)
            scope = current_scope(context)
            if scope is not NO_SCOPE:
                _stamp(span, self._stamps(scope))
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("ScopeSpanProcessor.on_start", error)

    def _stamps(self, scope: Scope) -> dict[str, str]:
        stamps = {}
        if scope.conversation_id is not None:
            stamps[semconv.CONVERSATION_ID] = scope.conversation_id
        if scope.user_hash is not None:
            stamps[semconv.USER_HASH] = scope.user_hash
        if scope.user_id is not None and self.capture_user_id:
            stamps[semconv.USER_ID] = scope.user_id
        return stamps


def _stamp(span: Span, stamps: dict[str, str]) -> None:
    if not stamps:
        return
    attributes = span.attributes
    missing = {key: value for key, value in stamps.items() if key not in attributes} if attributes else stamps
    if missing:
        span.set_attributes(missing)


class FilteringLogProcessor(QueueLogRecordProcessor):
    """Keeps out of the queue what telemetry says about itself, whichever handler brought it.

    Our own handlers do not hand such records over; those of others do, and each export would then make the next (behaviour 23). Log
    handlers get their OpenTelemetry logger without a version, instrumentations with one: the GenAI events of an ``opentelemetry.*``
    instrumentation are telemetry of the application and stay.
    """

    def wants(self, scope: InstrumentationScope | None, current: Context) -> bool:
        """Whether a record is neither about telemetry nor made while telemetry is being sent."""
        if scope is not None and not scope.version and isinstance(scope.name, str) and is_excluded(scope.name):
            return False
        return SUPPRESS_INSTRUMENTATION_KEY is None or not current.get(SUPPRESS_INSTRUMENTATION_KEY)


class OpenSpans(SpanProcessor):
    """Knows which recording spans have not ended, so that the last ones are not lost when the process must go.

    The references are weak: a span that its maker forgot without ending it is forgotten here too.
    """

    def __init__(self) -> None:
        self.active = True
        """False makes the processor inert."""
        self.forget()

    def forget(self) -> None:
        """Forget all of them: in a child after fork they belong to the parent."""
        self._lock = threading.Lock()
        self._spans: dict[int, weakref.ref[Span]] = {}
        self._most = _SPANS_BEFORE_A_LOOK

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's signature
        """Remember an open span; any fault of ours stays here."""
        try:
            context = span.get_span_context()
            if self.active and context is not None:
                spans = self._spans
                spans[context.span_id] = weakref.ref(span)
                if len(spans) > self._most:
                    self._drop_dead()
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("OpenSpans.on_start", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Forget an ended span; any fault of ours stays here."""
        try:
            context = span.get_span_context()
            if context is not None:
                self._spans.pop(context.span_id, None)
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("OpenSpans.on_end", error)

    def _drop_dead(self) -> None:
        """Drop the references to forgotten spans; now and then, since a weak dictionary costs each span four times as much."""
        spans = self._spans
        for span_id, reference in spans.copy().items():
            if reference() is None:
                spans.pop(span_id, None)
        self._most = _SPANS_BEFORE_A_LOOK + 2 * len(spans)

    def mark(self) -> None:
        """Mark every open span as interrupted, and leave it open: the process has been told to end, but may finish what it does."""
        for span in self._open():
            with contextlib.suppress(Exception):
                span.set_attributes({semconv.INTERRUPTED: True})

    def _open(self) -> list[Span]:
        # A copy first; walking the dictionary would fail when another thread starts a span meanwhile.
        return [span for span in (reference() for reference in self._spans.copy().values()) if span is not None]

    def interrupt(self) -> int:
        """End every open span, marked as interrupted, and return how many there were."""
        with self._lock:
            spans = self._open()
            for span in sorted(spans, key=lambda span: span.start_time or 0, reverse=True):
                try:
                    span.set_attributes({semconv.INTERRUPTED: True})
                    span.end()
                except Exception as error:  # noqa: BLE001, PERF203 - one span must not keep the others open
                    record_fault("OpenSpans.interrupt", error)
            return len(spans)


class OwnSpans(SpanProcessor):
    """Stamps, open spans and queue in one step, for a provider of our own; on one of others each is a processor of its own."""

    def __init__(self, scope: ScopeSpanProcessor, open_spans: OpenSpans, queue: QueueSpanProcessor | None) -> None:
        """Combine processors.

        Args:
            scope: stamps what starts.
            open_spans: knows what has not ended.
            queue: takes what has ended; None where others export.
        """
        self._scope = scope
        self._open_spans = open_spans
        self._queue = queue

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Stamp the span and remember it."""
        self._scope.on_start(span, parent_context)
        self._open_spans.on_start(span)

    def on_end(self, span: ReadableSpan) -> None:
        """Forget the span and queue what is left of it."""
        self._open_spans.on_end(span)
        if self._queue is not None:
            self._queue.on_end(span)

    def shutdown(self) -> None:
        """Shut the queue's processor down."""
        if self._queue is not None:
            self._queue.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the queue; True only if everything was exported in time."""
        return self._queue is None or self._queue.force_flush(timeout_millis)
