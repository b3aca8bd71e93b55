"""OpenTelemetry's Prometheus reader, without two of its faults."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import ExponentialHistogram

from langswarm_otel.export.sdk_private import feed_reader
from langswarm_otel.guard import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.metrics.export import Metric, MetricsData
    from prometheus_client import CollectorRegistry


class ScrapeReader(PrometheusMetricReader):
    """Leaves out exponential histograms, on which every scrape would fail, and can be shut down twice.

    Ours never has any, whatever ``histogram_aggregation`` says; a view on a provider of others that was joined may make them. Each metric
    that is left out is named once.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        """Make a reader that shows its metrics in this registry."""
        super().__init__(registry=registry)
        self._named: set[str] = set()
        self._was_shut_down = False
        self.prepare: Callable[[MetricsData], MetricsData] | None = None
        """Takes off what may not leave the process."""

    def read_from(self, source: Callable[[], MetricsData] | None) -> None:
        """Show at each scrape what this returns, totals since the start, and not what a provider has for this reader."""
        feed_reader(self, source)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        resources = metrics_data.resource_metrics if metrics_data is not None else ()
        if not resources:  # the exporter would take it for a resource without attributes, and show that for ever
            return
        if any(_exponential(scope.metrics) for resource in resources for scope in resource.scope_metrics):
            metrics_data = self._without_exponential(metrics_data)
        if self.prepare is not None:
            metrics_data = self.prepare(metrics_data)
        super()._receive_metrics(metrics_data, timeout_millis, **kwargs)

    def _without_exponential(self, data: MetricsData) -> MetricsData:
        kept = []
        for resource in data.resource_metrics:
            scopes = []
            for scope in resource.scope_metrics:
                left_out = _exponential(scope.metrics)
                self._name(left_out)
                scopes.append(dataclasses.replace(scope, metrics=[metric for metric in scope.metrics if metric not in left_out]))
            kept.append(dataclasses.replace(resource, scope_metrics=scopes))
        return dataclasses.replace(data, resource_metrics=kept)

    def _name(self, metrics: Sequence[Metric]) -> None:
        for metric in metrics:
            if metric.name not in self._named:
                self._named.add(metric.name)
                logger.warning(
                    "telemetry: %s is an exponential histogram, by a view of its provider, and Prometheus cannot be shown it; "
                    "give the view to the OTLP reader only, or do without prometheus_port",
                    metric.name,
                )

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Leave the registry, once: a provider shuts down the reader that it forgets, and the second time the exporter raises."""
        if not self._was_shut_down:
            self._was_shut_down = True
            super().shutdown(timeout_millis, **kwargs)


def _exponential(metrics: Sequence[Metric]) -> list[Metric]:
    return [metric for metric in metrics if isinstance(metric.data, ExponentialHistogram)]
