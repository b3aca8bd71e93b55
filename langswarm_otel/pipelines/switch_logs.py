"""A logger provider that lives as long as the process and whose loggers decide at each call where a record goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import Logger, LoggerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.export.sdk_private import never_disable, replace_resource
from langswarm_otel.override import active

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry._logs import Logger as ApiLogger
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor
    from opentelemetry.sdk.resources import Resource
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
        self._handles: dict[InstrumentationScope, SwitchLogger] = {}
        for processor in processors:
            self.add_log_record_processor(processor)

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
            real = super().get_logger(name, version, schema_url, attributes)
            handle = self._handles.setdefault(scope, SwitchLogger(self, real, scope))
        return handle


class SwitchLogger(Logger):
    """A logger of one scope: the capture's in a capture, silent when disabled, else the SDK's."""

    def __init__(self, provider: SwitchLoggerProvider, real: ApiLogger, scope: InstrumentationScope) -> None:
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
        if override is None and not self._provider.enabled:
            return False
        target = self._real if override is None else override.logger(self._scope.name, self._scope.version, self._scope.schema_url)
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
            target = override.logger(self._scope.name, self._scope.version, self._scope.schema_url)
        elif self._provider.enabled:
            target = self._real
        else:
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
