"""What a handle made, as a report: spans and log records from its memory exporters, metrics from its statistics, counts from its health."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.cli.report import Counts, LogLine, Report, SeriesRow
from langswarm_otel.tree import TreeNode

if TYPE_CHECKING:
    from langswarm_otel.observability import Observability
    from langswarm_otel.pipelines.health import Health
    from langswarm_otel.pipelines.statistics import SeriesStatistics, Statistics

MEMORY = "memory"
"""Name of the exporter, and of its target, that keeps a copy for the report."""


def report_of(handle: Observability, statistics: Statistics) -> Report:
    """Return what the handle's memory exporters hold, which every other exporter was given too.

    Args:
        handle: after its shutdown, so that nothing is under way.
        statistics: taken before the shutdown.
    """
    kept = handle.in_memory
    lines = sorted((_line(record.log_record) for record in kept.logs.kept.items()), key=lambda line: line.time_ns)
    return Report(
        nodes=tuple(_node(span) for span in kept.spans.kept.items()),
        series=tuple(_series(one) for one in statistics),
        lines=tuple(lines),
    )


def emitted(health: Health) -> Counts:
    """Return how much was made for the destinations on the network."""
    return _counted(health, "made")


def delivered(health: Health) -> Counts:
    """Return how much of it the far side took."""
    return _counted(health, "exported")


def _counted(health: Health, attribute: str) -> Counts:
    by_signal = {"traces": 0, "metrics": 0, "logs": 0}
    for row in health.exporters:
        if row.target != MEMORY:
            by_signal[row.signal] += getattr(row, attribute)
    return Counts(spans=by_signal["traces"], metric_points=by_signal["metrics"], log_records=by_signal["logs"])


def _node(span: Any) -> TreeNode:
    return TreeNode(
        span_id=f"{span.context.span_id:016x}",
        parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
        name=span.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time,
        attributes=span.attributes or {},
        failed=span.status.status_code.name == "ERROR",
        trace_id=f"{span.context.trace_id:032x}",
    )


def _series(one: SeriesStatistics) -> SeriesRow:
    p50, p95, p99 = (None if found is None else found.value for found in (one.median, one.p95, one.p99))
    total = one.last if one.sum is None else one.sum
    return SeriesRow(metric=one.metric, unit=one.unit, attributes=one.attributes, count=one.count, p50=p50, p95=p95, p99=p99, total=total)


def _line(record: Any) -> LogLine:
    return LogLine(
        time_ns=record.timestamp or record.observed_timestamp or 0,
        level=record.severity_text or "",
        text=str(record.body),
        attributes=record.attributes or {},
        trace_id=f"{record.trace_id:032x}" if record.trace_id else None,
        span_id=f"{record.span_id:016x}" if record.span_id else None,
    )
