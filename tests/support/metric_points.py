"""Metrics of the SDK in a form that tests can compare."""

from __future__ import annotations

import dataclasses
from typing import Any

from opentelemetry.sdk.metrics.export import DataPointT, Metric, MetricsData


def all_metrics(data: MetricsData | None) -> list[Metric]:
    """Every metric, in order."""
    resources = [] if data is None else data.resource_metrics
    return [metric for one in resources for scope in one.scope_metrics for metric in scope.metrics]


def metric_named(data: MetricsData | None, name: str) -> Metric:
    """The one metric of this name."""
    (found,) = [metric for metric in all_metrics(data) if metric.name == name]
    return found


def points_of(data: MetricsData | None, name: str) -> list[DataPointT]:
    """The points of the metrics of this name; none if there is no such metric."""
    return [point for metric in all_metrics(data) if metric.name == name for point in metric.data.data_points]


def values_of(data: MetricsData | None, name: str) -> dict[tuple[Any, ...], float]:
    """Value by attribute values, of sums and gauges."""
    return {tuple((point.attributes or {}).values()): point.value for point in points_of(data, name)}


def comparable(data: MetricsData | None) -> dict[Any, Any]:
    """Everything that an export says but times and exemplars, of which only the number counts; floats to 12 digits."""
    found: dict[Any, Any] = {}
    for metric in all_metrics(data):
        for point in metric.data.data_points:
            series = (metric.name, tuple(sorted((key, repr(value)) for key, value in (point.attributes or {}).items())))
            assert series not in found, f"twice in one export: {series}"
            found[series] = (
                type(metric.data).__name__,
                metric.unit,
                metric.description,
                getattr(metric.data, "aggregation_temporality", None),
                getattr(metric.data, "is_monotonic", None),
                _content(point),
            )
    return found


def _content(point: DataPointT) -> tuple[Any, ...]:
    parts = []
    for field in dataclasses.fields(point):
        value = getattr(point, field.name)
        if field.name in ("attributes", "start_time_unix_nano", "time_unix_nano"):
            continue
        if field.name == "exemplars":
            value = len(value)
        elif field.name in ("positive", "negative"):
            value = {value.offset + index: count for index, count in enumerate(value.bucket_counts) if count}
        elif isinstance(value, float):
            value = float(f"{value:.12g}")
        parts.append((field.name, value))
    return tuple(parts)
