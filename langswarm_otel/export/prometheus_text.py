"""Metrics as Prometheus text, without a page to scrape; needs the extra ``prometheus``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langswarm_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.metrics.export import MetricsData


def prometheus_text(source: Callable[[], MetricsData]) -> str:
    """Return what a scrape would show, written by ``prometheus_client``.

    Args:
        source: returns totals since the start.

    Raises:
        ConfigurationError: the extra is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - an extra, imported on use

        from langswarm_otel.export.prometheus_reader import ScrapeReader  # noqa: PLC0415
    except ImportError as error:
        mend = "this needs the Prometheus exporter: pip install langswarm-otel[prometheus]"
        raise ConfigurationError("prometheus_text", None, mend) from error
    registry = CollectorRegistry(auto_describe=False)
    reader = ScrapeReader(registry)
    reader.read_from(source)
    try:
        return generate_latest(registry).decode()
    finally:
        reader.shutdown()
