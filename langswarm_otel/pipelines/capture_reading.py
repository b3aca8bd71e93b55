"""What a capture knows of its metrics, in the forms in which a handle tells of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricsData

from langswarm_otel.pipelines.statistics import Statistics

if TYPE_CHECKING:
    from langswarm_otel.pipelines.capture import Capture


def captured_statistics(capture: Capture[Any]) -> Statistics:
    """Return the statistics of everything recorded so far."""
    data = capture.metrics()
    return Statistics(series=()) if data is None else Statistics.of(data)


def captured_text(capture: Capture[Any]) -> str:
    """Return everything recorded so far as Prometheus text.

    Raises:
        ConfigurationError: the extra ``prometheus`` is not installed.
    """
    from langswarm_otel.export.prometheus_text import prometheus_text  # noqa: PLC0415 - few ask for it

    return prometheus_text(lambda: capture.metrics() or MetricsData(resource_metrics=[]))
