"""Metric data points of OTLP as records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from langswarm_otel.receiver.records import ExponentialBuckets, MetricPoint, ReceivedExemplar
from langswarm_otel.receiver.values import attributes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langswarm_otel.receiver.records import Attributes, Scope

_TEMPORALITY: Final[tuple[Literal["", "cumulative", "delta"], ...]] = ("", "delta", "cumulative")


def metric_points(metric: Any, resource: Attributes, scope: Scope) -> Iterator[MetricPoint]:
    """Yield the data points of one ``Metric`` message; a metric without data yields none."""
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    number = getattr(data, "aggregation_temporality", 0)
    for point in data.data_points:
        yield MetricPoint(
            name=metric.name,
            unit=metric.unit,
            description=metric.description,
            kind=kind,
            temporality=_TEMPORALITY[number] if number < len(_TEMPORALITY) else "",
            monotonic=getattr(data, "is_monotonic", False),
            attributes=attributes_of(point.attributes),
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            value=_number_of(point) if kind in ("sum", "gauge") else None,
            count=getattr(point, "count", 0),
            sum=_optional(point, "sum"),
            min=_optional(point, "min"),
            max=_optional(point, "max"),
            bounds=_bounds(kind, point),
            bucket_counts=tuple(getattr(point, "bucket_counts", ())),
            quantile_values=tuple(one.value for one in getattr(point, "quantile_values", ())),
            scale=getattr(point, "scale", 0),
            zero_count=getattr(point, "zero_count", 0),
            positive=_half(kind, point, "positive"),
            negative=_half(kind, point, "negative"),
            exemplars=tuple(_exemplar(one) for one in getattr(point, "exemplars", ())),
            resource=resource,
            scope=scope,
        )


def _number_of(point: Any) -> float | None:
    """Return the value of a number point or an exemplar, an integer where it was sent as one; None where none was sent."""
    field = point.WhichOneof("value")
    value: float | None = None if field is None else getattr(point, field)
    return value


def _optional(point: Any, field: str) -> float | None:
    """Return a field that the sender may leave out; summaries have a sum always and no extremes."""
    if field not in point.DESCRIPTOR.fields_by_name:
        return None
    described = point.DESCRIPTOR.fields_by_name[field]
    value: float | None = getattr(point, field) if not described.has_presence or point.HasField(field) else None
    return value


def _bounds(kind: str, point: Any) -> tuple[float, ...]:
    """Return bucket boundaries, or the quantiles of a summary."""
    if kind == "summary":
        return tuple(one.quantile for one in point.quantile_values)
    return tuple(getattr(point, "explicit_bounds", ()))


def _half(kind: str, point: Any, side: str) -> ExponentialBuckets | None:
    """Return one half of an exponential histogram."""
    if kind != "exponential_histogram":
        return None
    buckets = getattr(point, side)
    return ExponentialBuckets(offset=buckets.offset, counts=tuple(buckets.bucket_counts))


def _exemplar(exemplar: Any) -> ReceivedExemplar:
    """Return one exemplar."""
    return ReceivedExemplar(
        value=_number_of(exemplar) or 0,
        time_ns=exemplar.time_unix_nano,
        trace_id=exemplar.trace_id.hex() or None,
        span_id=exemplar.span_id.hex() or None,
    )
