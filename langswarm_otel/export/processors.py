"""The SDK's processor interfaces on a hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import get_current
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import TraceFlags

from langswarm_otel.export.log_records import copy_without_context, readable
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from langswarm_otel.export.hub import ExportHub


class QueueSpanProcessor(SpanProcessor):
    """Offers every sampled span that ends to a hub.

    The hub belongs to whoever made it: shutting down the provider flushes it and makes this processor inert, the other signals go on.
    """

    def __init__(self, hub: ExportHub, *, shutdown_timeout_s: float = 5.0) -> None:
        """Make a processor.

        Args:
            hub: where spans go.
            shutdown_timeout_s: how long the flush may take when the provider is shut down, in seconds.
        """
        self._hub = hub
        self._shutdown_timeout_s = shutdown_timeout_s
        self._active = True

    def on_end(self, span: ReadableSpan) -> None:
        """Offer the span, if it is sampled; never waits and never raises."""
        try:
            context = span.context
            if context is not None and context.trace_flags & TraceFlags.SAMPLED and self._active:
                self._hub.offer_span(span)
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("QueueSpanProcessor.on_end", error)

    def shutdown(self) -> None:
        """Flush the hub and take no more spans."""
        if self._active:
            self._active = False
            self._hub.flush(self._shutdown_timeout_s)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the hub; True only if everything was exported in time."""
        return self._hub.flush(timeout_millis / 1000)


class QueueLogRecordProcessor(LogRecordProcessor):
    """Offers every log record to a hub; otherwise as ``QueueSpanProcessor``."""

    def __init__(self, hub: ExportHub, *, shutdown_timeout_s: float = 5.0) -> None:
        """Make a processor.

        Args:
            hub: where log records go.
            shutdown_timeout_s: how long the flush may take when the provider is shut down, in seconds.
        """
        self._hub = hub
        self._shutdown_timeout_s = shutdown_timeout_s
        self._active = True

    @property
    def takes_readable_records(self) -> bool:
        """Whether ``wants`` and ``put`` do all that ``on_emit`` does; not where a subclass has another ``on_emit``."""
        return type(self).on_emit is QueueLogRecordProcessor.on_emit

    def wants(self, scope: InstrumentationScope | None, current: Context) -> bool:  # noqa: ARG002 - for subclasses
        """Whether a record may enter.

        Args:
            scope: who made the record.
            current: the context in which it is emitted.
        """
        return True

    def put(self, record: ReadableLogRecord) -> None:
        """Offer a record that nobody else will change; never waits and never raises."""
        if self._active:
            self._hub.offer_log(record)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Offer the record, if it is wanted; never waits and never raises."""
        if not self._active:
            return
        try:
            if not self.wants(log_record.instrumentation_scope, get_current()):
                return
            # A copy: later processors may change theirs.
            copied = readable(
                copy_without_context(log_record.log_record),
                log_record.resource or Resource.get_empty(),
                log_record.instrumentation_scope,
                log_record.limits,
            )
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("QueueLogRecordProcessor.on_emit", error)
            return
        self._hub.offer_log(copied)

    def shutdown(self) -> None:
        """Flush the hub and take no more records."""
        if self._active:
            self._active = False
            self._hub.flush(self._shutdown_timeout_s)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush the hub; True only if everything was exported in time."""
        return self._hub.flush(timeout_millis / 1000)
