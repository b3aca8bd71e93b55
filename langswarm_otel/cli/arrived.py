"""What arrived at the embedded receiver, as a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from langswarm_otel.cli.report import Counts, LogLine, Report, SeriesRow
from langswarm_otel.tree import TreeNode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langswarm_otel.pipelines.percentiles import Bucket
    from langswarm_otel.receiver import MetricPoint, OtlpReceiver, ReceivedLog, ReceivedSpan


def report_of(receiver: OtlpReceiver) -> Report:
    """Return what arrived: every span and log record, and the newest state of every metric series."""
    newest = {(point.name, repr(sorted(point.attributes.items()))): point for point in receiver.metric_points}
    return Report(
        nodes=tuple(_node(span) for span in receiver.spans),
        series=tuple(_series(point) for _, point in sorted(newest.items(), key=lambda item: item[0])),
        lines=tuple(sorted(map(_line, receiver.log_records), key=lambda line: line.time_ns)),
    )


def counts_of(receiver: OtlpReceiver) -> Counts:
    """Return how much arrived."""
    return Counts(spans=len(receiver.spans), metric_points=len(receiver.metric_points), log_records=len(receiver.log_records))


def _node(span: ReceivedSpan) -> TreeNode:
    return TreeNode(
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        name=span.name,
        start_ns=span.start_ns,
        end_ns=span.end_ns,
        attributes=span.attributes,
        failed=span.status == "ERROR",
        trace_id=span.trace_id,
    )


def _series(point: MetricPoint) -> SeriesRow:
    """Return a point with the percentiles that its buckets allow."""
    if point.kind != "histogram":
        return SeriesRow(metric=point.name, unit=point.unit, attributes=point.attributes, total=point.value)
    from langswarm_otel.pipelines.percentiles import percentile  # noqa: PLC0415 - it loads the SDK

    buckets = list(_filled_buckets(point))
    p50, p95, p99 = (found.value if (found := percentile(buckets, share)) else None for share in (0.5, 0.95, 0.99))
    return SeriesRow(
        metric=point.name, unit=point.unit, attributes=point.attributes, count=point.count, p50=p50, p95=p95, p99=p99, total=point.sum
    )


def _filled_buckets(point: MetricPoint) -> Iterable[Bucket]:
    """Yield the buckets of an arrived histogram that hold anything, clamped to its extremes."""
    from langswarm_otel.pipelines.percentiles import Bucket  # noqa: PLC0415 - it loads the SDK

    least = -math.inf if point.min is None else point.min
    greatest = math.inf if point.max is None else point.max
    edges = (-math.inf, *point.bounds, math.inf)
    for low, high, count in zip(edges, edges[1:], point.bucket_counts, strict=False):
        if count:
            yield Bucket(low=min(max(low, least), greatest), high=max(min(high, greatest), least), count=count, geometric=False)


def _line(record: ReceivedLog) -> LogLine:
    return LogLine(
        time_ns=record.time_ns or record.observed_ns,
        level=record.severity_text or str(record.severity_number),
        text=str(record.body),
        attributes=record.attributes,
        trace_id=record.trace_id,
        span_id=record.span_id,
    )
