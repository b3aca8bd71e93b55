"""Dividing batches, to find the one record that cannot be encoded."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry.sdk.metrics.export import Metric, MetricsData, ResourceMetrics, ScopeMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


def halve_list(batch: Sequence[T]) -> tuple[Sequence[T], Sequence[T]] | None:
    """Return both halves of a list, or None if it has but one element."""
    middle = len(batch) // 2
    return (batch[:middle], batch[middle:]) if middle else None


def halve_metrics(data: MetricsData) -> tuple[MetricsData, MetricsData] | None:
    """Return metrics in two parts, those of a single metric by its data points; None for a single point."""
    found = [
        (resource_metrics, scope_metrics, metric)
        for resource_metrics in data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    ]
    if len(found) == 1:
        resource_metrics, scope_metrics, metric = found[0]
        points = halve_list(metric.data.data_points)
        if points is None:
            return None
        found = [(resource_metrics, scope_metrics, _with_points(metric, part)) for part in points]
    parts = halve_list(found)
    return None if parts is None else (_assemble(parts[0]), _assemble(parts[1]))


def _with_points(metric: Metric, points: Sequence[Any]) -> Metric:
    data: Any = metric.data
    return dataclasses.replace(metric, data=dataclasses.replace(data, data_points=points))


def _assemble(parts: Sequence[tuple[ResourceMetrics, ScopeMetrics, Metric]]) -> MetricsData:
    """Put metrics together again, those of one scope under one entry: of several for one scope the official encoder keeps the last."""
    resources: dict[int, tuple[ResourceMetrics, dict[int, tuple[ScopeMetrics, list[Metric]]]]] = {}
    for resource_metrics, scope_metrics, metric in parts:
        scopes = resources.setdefault(id(resource_metrics), (resource_metrics, {}))[1]
        scopes.setdefault(id(scope_metrics), (scope_metrics, []))[1].append(metric)
    return MetricsData(
        resource_metrics=[
            dataclasses.replace(
                resource_metrics,
                scope_metrics=[dataclasses.replace(scope_metrics, metrics=metrics) for scope_metrics, metrics in scopes.values()],
            )
            for resource_metrics, scopes in resources.values()
        ]
    )
