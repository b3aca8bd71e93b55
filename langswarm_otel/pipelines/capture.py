"""A capture: everything that is emitted in a context, kept in memory and apart from every handle.

Handles of ours ask at each call for what overrides their context, so decorators applied long before, module-level twins and foreign
instrumentors on our providers all end up here, and tests that run side by side do not see each other. What a provider of others
emits is not captured.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from opentelemetry import context as context_api
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider, TraceBasedExemplarFilter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from langswarm_otel import semconv
from langswarm_otel.export.sdk_private import never_disable
from langswarm_otel.override import set_everywhere, set_override
from langswarm_otel.pipelines.capture_clock import Timeline
from langswarm_otel.pipelines.capture_sinks import LogSink, SpanSink, Store, retimed_metrics
from langswarm_otel.pipelines.capture_tracing import CaptureTracerProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from opentelemetry._logs import Logger
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter
    from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
    from opentelemetry.trace import Tracer

    from langswarm_otel.override import Override

TelemetryT = TypeVar("TelemetryT")

MAX_RECORDS: Final = 100_000
"""How many spans, and how many log records, a capture keeps."""

_Scope = tuple[str, "str | None", "str | None"]


class Capture(Generic[TelemetryT]):
    """Providers of its own with everything in memory; stands in for every handle while it is entered.

    Entering sets the override of the present context, or of the whole process, and starts with an empty OpenTelemetry context, so that a
    span open outside is no parent inside. Leaving puts back what was there. Each capture leaves about 2 KB behind for ever, because
    the SDK's fork hooks cannot be taken back: they are made for tests.
    """

    def __init__(
        self,
        *,
        build: Callable[[CaptureTracerProvider, MeterProvider, LoggerProvider], TelemetryT],
        clock: Callable[[], int] | None = None,
        everywhere: bool = False,
        resource: Resource | None = None,
        span_processors: Sequence[SpanProcessor] = (),
        log_processors: Sequence[LogRecordProcessor] = (),
        max_records: int = MAX_RECORDS,
    ) -> None:
        """Make a capture; it takes effect when it is entered.

        Args:
            build: makes the telemetry that operations use, when it is first asked for.
            clock: tells the time in ns since 1970 in place of the SDK's; it is read once for each thing that happens.
            everywhere: capture the whole process, for threads and event loops that were started before.
            resource: what the telemetry is about; a fixed one by default.
            span_processors: see spans before they are kept, as in the pipelines.
            log_processors: see log records before they are kept.
            max_records: how many spans, and how many log records, are kept; more are counted and dropped.
        """
        self._build = build
        self._everywhere = everywhere
        self._resource = resource or Resource({semconv.SERVICE_NAME: "capture"})
        self._timeline = None if clock is None else Timeline(clock)
        self._lock = threading.Lock()
        self._spans: Store[ReadableSpan] = Store(max_records)
        self._records: Store[ReadableLogRecord] = Store(max_records)
        # The SDK must not count its own spans and records in the process's metrics.
        self.tracer_provider = CaptureTracerProvider(resource=self._resource, timeline=self._timeline, meter_provider=NoOpMeterProvider())
        """Where the capture's spans are made."""
        self.logger_provider = LoggerProvider(self._resource, shutdown_on_exit=False, meter_provider=NoOpMeterProvider())
        """Where the capture's log records are made."""
        never_disable(self.logger_provider)
        for span_processor in (*span_processors, SpanSink(self._spans, self._timeline)):
            self.tracer_provider.add_span_processor(span_processor)
        for log_processor in (*log_processors, LogSink(self._records, self._timeline)):
            self.logger_provider.add_log_record_processor(log_processor)
        self._metric_reader: InMemoryMetricReader | None = None
        self._meter_provider: MeterProvider | None = None
        self._telemetry: TelemetryT | None = None
        self._tracers: dict[_Scope, Tracer] = {}
        self._before: _Before | None = None

    @property
    def meter_provider(self) -> MeterProvider:
        """Where the capture's metrics are made; it is made when first asked for, since many captures see none."""
        with self._lock:
            if self._meter_provider is None:
                self._metric_reader = InMemoryMetricReader()
                self._meter_provider = MeterProvider(
                    [self._metric_reader], self._resource, TraceBasedExemplarFilter(), shutdown_on_exit=False
                )
                never_disable(self._meter_provider)
            return self._meter_provider

    @property
    def telemetry(self) -> TelemetryT:
        """What operations use in this capture."""
        telemetry = self._telemetry
        if telemetry is None:
            telemetry = self._build(self.tracer_provider, self.meter_provider, self.logger_provider)
            with self._lock:
                telemetry = self._telemetry = self._telemetry or telemetry
        return telemetry

    def tracer(self, name: str, version: str | None, schema_url: str | None) -> Tracer:
        """Return the tracer that stands in for one of our providers'."""
        scope = (name, version, schema_url)
        tracer = self._tracers.get(scope)
        if tracer is None:
            tracer = self._tracers.setdefault(scope, self.tracer_provider.get_tracer(name, version, schema_url))
        return tracer

    def meter(self, name: str, version: str | None, schema_url: str | None) -> Meter:
        """Return the meter that stands in for one of our providers'."""
        return self.meter_provider.get_meter(name, version, schema_url)

    def logger(self, name: str, version: str | None, schema_url: str | None) -> Logger:
        """Return the logger that stands in for one of our providers'."""
        return self.logger_provider.get_logger(name, version, schema_url)

    def spans(self) -> tuple[ReadableSpan, ...]:
        """Return the spans that have ended, in the order in which they did."""
        return self._spans.records()

    def log_records(self) -> tuple[ReadableLogRecord, ...]:
        """Return the log records, in the order in which they came."""
        return self._records.records()

    def metrics(self) -> MetricsData | None:
        """Return what was recorded since the capture was made, or None if there is nothing; may be asked again and again."""
        reader = self._metric_reader
        data = None if reader is None else reader.get_metrics_data()
        return data if data is None or self._timeline is None else retimed_metrics(data, self._timeline)

    @property
    def dropped(self) -> int:
        """How many spans and log records found no room, or came after the end."""
        return self._spans.dropped + self._records.dropped

    def close(self) -> None:
        """Keep nothing any more; what was kept stays readable. A task left behind in the capture's context goes on emitting into it."""
        self._spans.open = self._records.open = False

    def __enter__(self) -> Capture[TelemetryT]:
        _alive.add(self, everywhere=self._everywhere)
        override = None if self._everywhere else set_override(self)
        self._before = _Before(override=override, context=context_api.get_current())
        context_api.attach(context_api.Context())
        return self

    def __exit__(self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        # Set and attached, never reset or detached: an asynchronous fixture is torn down in another context than it was set up in.
        if not self._everywhere:
            set_override(before.override)
        context_api.attach(before.context)
        _alive.remove(self, everywhere=self._everywhere)
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What was current when a capture was entered."""

    override: Override | None
    context: Context


class _Alive:
    """The captures of the process that are entered, of which one for the whole process must be the only one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captures: weakref.WeakSet[Override] = weakref.WeakSet()

    def add(self, capture: Override, *, everywhere: bool) -> None:
        """Note that a capture is entered.

        Raises:
            RuntimeError: it is entered already; or it is for the whole process while another is alive.
        """
        with self._lock:
            if capture in self._captures:
                raise RuntimeError("this capture is entered already; make another one")
            if everywhere:
                other = set_everywhere(capture)
                if other is not None or self._captures:
                    set_everywhere(other)
                    raise RuntimeError("a capture of the whole process needs to be the only one; leave the other one first")
            self._captures.add(capture)

    def remove(self, capture: Override, *, everywhere: bool) -> None:
        """Note that a capture is left."""
        with self._lock:
            self._captures.discard(capture)
            if everywhere:
                set_everywhere(None)


_alive = _Alive()
