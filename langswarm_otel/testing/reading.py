"""From the SDK's objects to captured records.

The SDK's types are read through their public attributes and never imported: only the floors below know the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.testing.records import CapturedEvent, CapturedLink, CapturedLog, CapturedPoint, CapturedSpan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def read_span(span: Any) -> CapturedSpan:
    """Return a ``ReadableSpan`` as a record."""
    context = span.get_span_context()
    return CapturedSpan(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
        kind=span.kind.name,
        attributes=_plain(span.attributes),
        status=span.status.status_code.name,
        status_description=span.status.description,
        events=tuple(CapturedEvent(name=e.name, attributes=_plain(e.attributes), time_ns=e.timestamp) for e in span.events),
        links=tuple(
            CapturedLink(
                trace_id=f"{link.context.trace_id:032x}", span_id=f"{link.context.span_id:016x}", attributes=_plain(link.attributes)
            )
            for link in span.links
        ),
        start_ns=span.start_time,
        end_ns=span.end_time,
        scope=_scope(span),
        resource=_plain(span.resource.attributes),
        raw=span,
    )


def read_log(readable: Any) -> CapturedLog:
    """Return a ``ReadableLogRecord`` as a record."""
    record = readable.log_record
    return CapturedLog(
        body=record.body,
        attributes=_plain(record.attributes),
        severity_text=record.severity_text,
        severity_number=record.severity_number.value if record.severity_number is not None else 0,
        event_name=record.event_name,
        trace_id=f"{record.trace_id:032x}" if record.trace_id else None,
        span_id=f"{record.span_id:016x}" if record.span_id else None,
        time_ns=record.timestamp or record.observed_timestamp or 0,
        scope=_scope(readable),
        resource=_plain(readable.resource.attributes),
        raw=readable,
    )


def read_points(data: Any) -> Iterator[CapturedPoint]:
    """Yield the points of a ``MetricsData``; None yields nothing."""
    for resource in data.resource_metrics if data is not None else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    yield _read_point(metric, point, scope.scope.name)


def _read_point(metric: Any, point: Any, scope: str) -> CapturedPoint:
    histogram = hasattr(point, "bucket_counts") or hasattr(point, "positive")
    kind = {"Sum": "sum", "Gauge": "gauge", "Histogram": "histogram"}.get(type(metric.data).__name__, "exponential_histogram")
    return CapturedPoint(
        name=metric.name,
        unit=metric.unit or "",
        kind=kind,
        attributes=_plain(point.attributes),
        value=point.sum if histogram else point.value,
        count=point.count if histogram else None,
        minimum=point.min if histogram else None,
        maximum=point.max if histogram else None,
        bounds=tuple(getattr(point, "explicit_bounds", ())),
        bucket_counts=tuple(getattr(point, "bucket_counts", ())),
        scope=scope,
        raw=point,
    )


def _plain(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return dict(attributes or {})


def _scope(record: Any) -> str:
    scope = record.instrumentation_scope
    return "" if scope is None else str(scope.name)
