"""Spans and metric points of LangSwarm's own kind, made by others, as telemetry of ours."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING, Any

from langswarm_otel.compat.blocks import SpanBlock
from langswarm_otel.compat.spans import Span
from langswarm_otel.guard import guarded, record_fault

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from langswarm_otel.compat.metrics import Metrics


@guarded("compat.export_spans", None)
def export_spans(spans: Iterable[Any]) -> None:
    """Make a span of ours for each that has ended, with its times; those that are ours are left alone."""
    for span in spans:
        if isinstance(span, Span):
            continue
        try:
            block = SpanBlock(span.operation_name, {"component": span.component, **span.tags})
            status = getattr(span.status, "value", span.status)
            block.record(start_ns=_nanoseconds(span.start_time), end_ns=_nanoseconds(span.end_time), status=status)
        except Exception as error:  # noqa: BLE001 - the next one may be a span
            record_fault("compat.export_spans", error)


@guarded("compat.export_metrics", None)
def export_points(metrics: Metrics, points: Iterable[Any]) -> None:
    """Record each point in the metric of its name."""
    for point in points:
        metrics.record(point.metric_type.value, point.name, point.value, point.tags)


def _nanoseconds(moment: datetime | None) -> int | None:
    """Return a time of LangSwarm's, which is UTC without saying so, in nanoseconds since 1970."""
    if moment is None:
        return None
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone.utc)).timestamp() * 1e9)
