"""What the demo shows, as data: spans, metric series and log lines, wherever they were read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from langswarm_otel.tree import TreeNode


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesRow:
    """One metric series."""

    metric: str
    """Name of the metric."""

    unit: str
    """UCUM unit."""

    attributes: Mapping[str, object]
    """The series' attributes."""

    count: int | None = None
    """Measurements; None for a sum or gauge, which does not tell."""

    p50: float | None = None
    """Median."""

    p95: float | None = None
    """95th percentile."""

    p99: float | None = None
    """99th percentile."""

    total: float | None = None
    """Sum of the measurements, or the value of a sum or gauge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One log record."""

    time_ns: int
    """When it happened."""

    level: str
    """Its severity."""

    text: str
    """Its body."""

    attributes: Mapping[str, object] = field(default_factory=dict)
    """Its attributes."""

    trace_id: str | None = None
    """The trace that it belongs to."""

    span_id: str | None = None
    """The span that it was written in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many items of each signal."""

    spans: int = 0
    """Spans."""

    metric_points: int = 0
    """Metric data points."""

    log_records: int = 0
    """Log records."""

    @property
    def total(self) -> int:
        """All of them."""
        return self.spans + self.metric_points + self.log_records

    def __str__(self) -> str:
        return f"{self.spans} spans, {self.metric_points} metric points, {self.log_records} log records"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run of the demo shows."""

    nodes: Sequence[TreeNode]
    """Spans."""

    series: Sequence[SeriesRow]
    """Metric series."""

    lines: Sequence[LogLine]
    """Log records."""

    def lines_in_traces(self) -> list[LogLine]:
        """Return the log records that belong to a trace; those of a program's start and end belong to none."""
        return [line for line in self.lines if line.trace_id]
