"""Metrics by what identifies them, and back again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opentelemetry.sdk.metrics.export import DataPointT, DataT
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """What makes points belong to the same metric.

    Two instruments that differ in none of this are a conflict that the SDK warns of; here they are one.
    """

    scope: InstrumentationScope
    """Who made it."""
    name: str
    """Its name."""
    unit: str
    """Its unit."""
    description: str
    """Its description."""
    kind: type
    """Class of its data in the SDK: ``Sum``, ``Gauge``, ``Histogram`` or ``ExponentialHistogram``."""
    monotonic: bool
    """Whether it only grows; of a sum."""
    is_delta: bool
    """Whether the SDK hands over what was added since it was last asked, and not a total."""
    bounds: tuple[float, ...]
    """Bucket boundaries; of an explicit histogram."""


def streams_of(data: MetricsData) -> Iterator[tuple[Stream, Sequence[DataPointT]]]:
    """Yield the points of each metric."""
    for resource_metrics in data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                if metric.data.data_points:
                    yield _stream_of(scope_metrics.scope, metric), metric.data.data_points


def _stream_of(scope: InstrumentationScope, metric: Metric) -> Stream:
    data, first = metric.data, metric.data.data_points[0]
    return Stream(
        scope=scope,
        name=metric.name,
        unit=metric.unit or "",
        description=metric.description or "",
        kind=type(data),
        monotonic=isinstance(data, Sum) and data.is_monotonic,
        is_delta=not isinstance(data, Gauge) and data.aggregation_temporality == AggregationTemporality.DELTA,
        bounds=tuple(first.explicit_bounds) if isinstance(first, HistogramDataPoint) else (),
    )


def assemble(resource: Resource, entries: Iterable[tuple[Stream, Sequence[DataPointT], AggregationTemporality]]) -> MetricsData:
    """Return metrics as the SDK hands them over: by scope, in the order in which they come."""
    scopes: dict[InstrumentationScope, list[Metric]] = {}
    for stream, points, temporality in entries:
        metric = Metric(name=stream.name, description=stream.description, unit=stream.unit, data=_data_of(stream, points, temporality))
        scopes.setdefault(stream.scope, []).append(metric)
    scope_metrics = [ScopeMetrics(scope=scope, metrics=metrics, schema_url=scope.schema_url or "") for scope, metrics in scopes.items()]
    return MetricsData(resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=scope_metrics, schema_url=resource.schema_url)])


def _data_of(stream: Stream, points: Sequence[DataPointT], temporality: AggregationTemporality) -> DataT:
    # The class of the data says of which class the points are.
    if stream.kind is Sum:
        return Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=stream.monotonic)  # type: ignore[arg-type]
    if stream.kind is Histogram:
        return Histogram(data_points=points, aggregation_temporality=temporality)  # type: ignore[arg-type]
    if stream.kind is ExponentialHistogram:
        return ExponentialHistogram(data_points=points, aggregation_temporality=temporality)  # type: ignore[arg-type]
    return Gauge(data_points=points)  # type: ignore[arg-type]
