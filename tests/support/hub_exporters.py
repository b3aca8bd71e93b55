"""Exporters of tests, on the SDK's public interfaces: they record what they get, and can be slow, hang, fail or raise."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExporter, MetricExportResult, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from langswarm_otel.export.hub import ExportHub, Target
from langswarm_otel.export.otlp import build_otlp
from langswarm_otel.export.processors import QueueLogRecordProcessor, QueueSpanProcessor

RESOURCE = Resource({"service.name": "test"})


@dataclass(frozen=True, kw_only=True)
class OtlpSettings:
    """What ``config.OtlpTarget`` looks like."""

    url: str
    protocol: str = "http/protobuf"
    headers: dict[str, str] = field(default_factory=dict)
    timeout_s: float = 5.0
    compression: str = "gzip"
    certificate_file: str | None = None
    client_certificate_file: str | None = None
    client_key_file: str | None = None
    insecure: bool | None = None


official: Any = None
"""Which exporters ``build`` builds, as in ``build_otlp``; the fixture ``each_exporter`` changes it."""


def build(signal: Any, settings: OtlpSettings) -> Any:
    """Build an OTLP exporter of the kind that the test is about."""
    return build_otlp(signal, settings, official=official)


class Conduct:
    """What an exporter does with a batch; each part may change while it is in use."""

    def __init__(
        self, *, delay_s: float = 0.0, fails: bool = False, hangs: bool = False, raises: Callable[[Any], Any] | None = None
    ) -> None:
        self.delay_s = delay_s
        self.fails = fails
        self.raises = raises
        self.free = threading.Event()
        if not hangs:
            self.free.set()
        self.batches: list[list[Any]] = []
        self.tried = 0
        self.entered = threading.Event()
        self.threads: set[int] = set()
        self.shutdowns = 0
        self.calls_after_shutdown = 0

    def take(self, items: Sequence[Any], batch: Any) -> bool:
        self.threads.add(threading.get_ident())
        self.calls_after_shutdown += self.shutdowns > 0
        self.tried += 1
        self.entered.set()
        if self.delay_s:
            time.sleep(self.delay_s)
        self.free.wait(60)
        if self.raises is not None:
            self.raises(batch)
        if self.fails:
            return False
        self.batches.append(list(items))
        return True

    @property
    def items(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]

    def stop(self) -> None:
        self.threads.add(threading.get_ident())
        self.shutdowns += 1


class Spans(SpanExporter):
    def __init__(self, **conduct: Any) -> None:
        self.conduct = Conduct(**conduct)

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        return SpanExportResult.SUCCESS if self.conduct.take(spans, spans) else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.conduct.stop()

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.conduct.items]


class Logs(LogRecordExporter):
    def __init__(self, **conduct: Any) -> None:
        self.conduct = Conduct(**conduct)

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        return LogRecordExportResult.SUCCESS if self.conduct.take(batch, batch) else LogRecordExportResult.FAILURE

    def shutdown(self) -> None:
        self.conduct.stop()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True

    @property
    def bodies(self) -> list[Any]:
        return [record.log_record.body for record in self.conduct.items]


class Metrics(MetricExporter):
    def __init__(self, **conduct: Any) -> None:
        super().__init__()
        self.conduct = Conduct(**conduct)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
        return MetricExportResult.SUCCESS if self.conduct.take(points_of(metrics_data), metrics_data) else MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        self.conduct.stop()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True


def points_of(data: MetricsData) -> list[Any]:
    return [
        (metric.name, point)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


class Source:
    """The SDK's own providers on a hub."""

    def __init__(self, hub: ExportHub) -> None:
        self.hub = hub
        self.tracer_provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(QueueSpanProcessor(hub))
        self.tracer = self.tracer_provider.get_tracer("test")
        self.logger_provider = LoggerProvider(resource=RESOURCE, shutdown_on_exit=False)
        self.logger_provider.add_log_record_processor(QueueLogRecordProcessor(hub))
        self.logger = self.logger_provider.get_logger("test")
        self.reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider(resource=RESOURCE, metric_readers=[self.reader], shutdown_on_exit=False)
        self.meter = self.meter_provider.get_meter("test")

    def spans(self, *names: str, **attributes: Any) -> None:
        for name in names:
            self.tracer.start_span(name, attributes=attributes).end()

    def logs(self, *bodies: Any) -> None:
        for body in bodies:
            self.logger.emit(body=body)

    def collect(self) -> None:
        data = self.reader.get_metrics_data()
        if data is not None:
            self.hub.offer_metrics(data)


def switch(hub: ExportHub, *targets: Target, **changes: Any) -> bool:
    """Switch with settings that suit tests."""
    settings = {"max_bytes": 64 * 1024 * 1024, "schedule_delay_s": 0.05, "max_batch": 512, "timeout_s": 5.0, **changes}
    return hub.switch(targets, **settings)


@contextlib.contextmanager
def running(*targets: Target, **changes: Any) -> Iterator[tuple[ExportHub, Source]]:
    """Yield a hub with targets and a source on it; whatever hangs is let go at the end."""
    hub = ExportHub()
    switch(hub, *targets, **changes)
    source = Source(hub)
    try:
        yield hub, source
    finally:
        for target in targets:
            for exporter in (target.spans, target.logs, target.metrics):
                if isinstance(exporter, (Spans, Logs, Metrics)):
                    exporter.conduct.free.set()
        hub.shutdown(5.0)
        source.meter_provider.shutdown()


def row(hub: ExportHub, signal: str = "traces", target: str | None = None) -> Any:
    """The one account of a signal (and target)."""
    (found,) = [one for one in hub.counts() if one.signal == signal and target in (None, one.target)]
    return found


def threads() -> set[threading.Thread]:
    """The threads of all hubs."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("langswarm-otel")}


def wait_until(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Poll until a condition holds; False if it does not within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
