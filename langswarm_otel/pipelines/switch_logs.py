"""A logger provider that lives as long as the process and whose loggers decide at each call where a record goes.

Where nobody but our own queue takes the records, as is usual, a logger makes the record itself and puts it there: the SDK's way makes three
objects, walks the attributes three times under a lock and copies the record in the end. What the SDK would change about a record (limits,
exceptions, odd attributes), and every record where a processor of somebody else looks on, goes the SDK's way.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Any, cast

from opentelemetry.context import get_current
from opentelemetry.sdk._logs import Logger, LoggerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.export.log_records import fit_limits, new_record, plain_copy, readable
from langswarm_otel.export.processors import QueueLogRecordProcessor
from langswarm_otel.export.sdk_private import counts_its_records, is_switched_on, never_disable, replace_resource
from langswarm_otel.override import active
from langswarm_otel.whereabouts import whereabouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry._logs import Logger as ApiLogger
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AnyValue, Attributes


class SwitchLoggerProvider(LoggerProvider):
    """The SDK's provider, handing out thin loggers; ``enabled`` may change at any time and holds for loggers handed out before."""

    def __init__(
        self,
        *,
        resource: Resource,
        limits: LogRecordLimits,
        processors: Sequence[LogRecordProcessor] = (),
        meter_provider: MeterProvider | None = None,
        enabled: bool = True,
    ) -> None:
        """Make a provider.

        Args:
            resource: what the records are about.
            limits: every record reads this object, so a change of it holds for the next record.
            processors: called in this order.
            meter_provider: where the SDK counts its own records, if it is told to; the global one by default.
            enabled: False drops every record, as without an SDK.
        """
        super().__init__(resource=resource, shutdown_on_exit=False, meter_provider=meter_provider, log_record_limits=limits)
        never_disable(self)
        self.enabled = enabled
        """Whether records are made."""
        self.limits = limits
        """What every record reads."""
        self.queue: QueueLogRecordProcessor | None = None
        """The one processor there is, if it is our queue: then loggers need not go the SDK's way."""
        self._processors: list[LogRecordProcessor] = []
        self._handles: dict[InstrumentationScope, SwitchLogger] = {}
        for processor in processors:
            self.add_log_record_processor(processor)

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """Add a processor, which sees every record from now on."""
        super().add_log_record_processor(log_record_processor)
        self._processors.append(log_record_processor)
        only = self._processors[0] if len(self._processors) == 1 and not counts_its_records(self) else None
        self.queue = only if isinstance(only, QueueLogRecordProcessor) and only.takes_readable_records else None

    def replace_resource(self, resource: Resource) -> None:
        """Speak of another resource from now on, also through what was handed out before."""
        replace_resource(self, resource)

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> ApiLogger:
        """Return the logger of a scope; the same one for the same scope, also with attributes, for which the SDK makes one a call."""
        scope = InstrumentationScope(name, version, schema_url, attributes)
        handle = self._handles.get(scope)
        if handle is None:
            # Never a no-op: `OTEL_SDK_DISABLED` is ours to read.
            real = cast("Logger", super().get_logger(name, version, schema_url, attributes))
            handle = self._handles.setdefault(scope, SwitchLogger(self, real, scope))
        return handle


class SwitchLogger(Logger):
    """A logger of one scope: the capture's in a capture, silent when disabled, else the SDK's."""

    def __init__(self, provider: SwitchLoggerProvider, real: Logger, scope: InstrumentationScope) -> None:
        # Not the SDK's constructor: whatever is not overridden here is looked up on the real logger.
        self._provider = provider
        self._real = real
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        if name == "_real":  # a copy in the making
            raise AttributeError(name)
        return getattr(self._real, name)

    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool:
        """Whether a record of this kind would go anywhere at this moment."""
        override = active()
        if override is not None:
            target: ApiLogger = override.logger(self._scope.name, self._scope.version, self._scope.schema_url)
        elif not self._provider.enabled:
            return False
        elif self._provider.queue is not None:
            return is_switched_on(self._real)
        else:
            target = self._real
        return target.enabled(context=context, severity_number=severity_number, event_name=event_name)

    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue | None = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """Emit a record to where records go at this moment."""
        override = active()
        if override is not None:
            target: ApiLogger = override.logger(self._scope.name, self._scope.version, self._scope.schema_url)
        elif not self._provider.enabled:
            return
        else:
            target, queue = self._real, self._provider.queue
            if queue is not None and record is None and exception is None:
                plain, current = plain_copy(attributes, self._provider.limits), get_current()
                if plain is not None:
                    if is_switched_on(target) and queue.wants(self._scope, current):
                        span = whereabouts(context or current).span
                        self._put(queue, span, timestamp, observed_timestamp, severity_number, severity_text, body, plain, event_name)
                    return
        if record is not None:
            target.emit(record)
            return
        # Written out: forwarding `**kwargs` costs twice as much.
        target.emit(
            timestamp=timestamp,
            observed_timestamp=observed_timestamp,
            context=context,
            severity_number=severity_number,
            severity_text=severity_text,
            body=body,
            attributes=attributes,
            event_name=event_name,
            exception=exception,
        )

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

        The caller has seen to it that nothing overrides the present context and that no record of this logger is barred.
        """
        provider = self._provider
        queue = provider.queue
        if queue is None or not provider.enabled or type(body) is not str or not body.isascii():
            return False
        if not is_switched_on(self._real) or not fit_limits(attributes, max_length, provider.limits):
            return False
        self._put(queue, whereabouts(current).span, timestamp, None, severity_number, severity_text, body, attributes, None)
        return True

    def _put(
        self,
        queue: QueueLogRecordProcessor,
        span: SpanContext,
        timestamp: int | None,
        observed_timestamp: int | None,
        severity_number: SeverityNumber | None,
        severity_text: str | None,
        body: AnyValue | None,
        attributes: dict[str, AnyValue],
        event_name: str | None,
    ) -> None:
        """Make a record and put it into the queue."""
        record = new_record(
            timestamp=timestamp,
            observed_timestamp=time_ns() if observed_timestamp is None else observed_timestamp,
            span=span,
            severity_text=severity_text,
            severity_number=severity_number,
            body=body,
            attributes=attributes,
            event_name=event_name,
        )
        queue.put(readable(record, self._real.resource, self._scope, self._provider.limits))
