"""Exporters that keep everything in memory, up to a bound, for the ``testing`` preset and for tests."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from langswarm_otel.export.fork import follow_fork

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

T = TypeVar("T")

MAX_ITEMS: Final = 10_000
"""How many spans, log records or collections of metrics are kept by default."""


class _Kept(Generic[T]):
    """The newest items, up to a bound; readable after a shutdown, and open to more, because the store outlives its targets."""

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._lock = threading.Lock()
        self._items: deque[T] = deque(maxlen=max_items)
        self.forgotten = 0
        """Older items that had to go because the bound was reached."""

    def keep(self, items: Sequence[T]) -> None:
        """Keep items, in place of the oldest where there is no room."""
        with self._lock:
            self.forgotten += max(0, len(self._items) + len(items) - (self._items.maxlen or 0))
            self._items.extend(items)

    def items(self) -> tuple[T, ...]:
        """Return what is kept, oldest first."""
        with self._lock:
            return tuple(self._items)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()
            self.forgotten = 0

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent."""
        self._lock = threading.Lock()
        self.clear()


class MemorySpanExporter(SpanExporter):
    """Keeps spans."""

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        """Make an exporter that keeps up to so many spans."""
        self.kept: Final[_Kept[ReadableSpan]] = _Kept(max_items)
        follow_fork(self.kept)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep spans."""
        self.kept.keep(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing: what is kept stays readable."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Do nothing."""
        return True


class MemoryLogRecordExporter(LogRecordExporter):
    """Keeps log records."""

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        """Make an exporter that keeps up to so many log records."""
        self.kept: Final[_Kept[ReadableLogRecord]] = _Kept(max_items)
        follow_fork(self.kept)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Keep log records."""
        self.kept.keep(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Do nothing: what is kept stays readable."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Do nothing."""
        return True


class MemoryMetricExporter(MetricExporter):
    """Keeps collections of metrics."""

    def __init__(self, max_items: int = MAX_ITEMS // 10) -> None:
        """Make an exporter that keeps up to so many collections."""
        super().__init__()
        self.kept: Final[_Kept[MetricsData]] = _Kept(max_items)
        follow_fork(self.kept)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002 - the SDK's signature
        """Keep a collection."""
        self.kept.keep((metrics_data,))
        return MetricExportResult.SUCCESS

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Do nothing: what is kept stays readable."""

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Do nothing."""
        return True


class MemoryStore:
    """The three exporters of one handle."""

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        """Make exporters that keep up to so many items each."""
        self.spans: Final = MemorySpanExporter(max_items)
        self.logs: Final = MemoryLogRecordExporter(max_items)
        self.metrics: Final = MemoryMetricExporter(max_items)

    def clear(self) -> None:
        """Forget everything."""
        for exporter in (self.spans, self.logs, self.metrics):
            exporter.kept.clear()
