"""The optional Prometheus pull endpoint of a handle: opened, moved and closed with the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.metrics.export import MetricsData

    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.export.prometheus import PrometheusEndpoint


class PullEndpoint:
    """Holds the one endpoint that may be open."""

    def __init__(self, prepare: Callable[[MetricsData], MetricsData]) -> None:
        """Begin closed.

        Args:
            prepare: takes off what may not leave the process, as on the way to every exporter.
        """
        self._prepare = prepare
        self._endpoint: PrometheusEndpoint | None = None
        self._address: tuple[str, int] | None = None

    def apply(self, config: ObservabilityConfig, meter_provider: Any) -> None:
        """Open, move or close the endpoint.

        Raises:
            ConfigurationError: the extra is missing, or the port is taken, perhaps by the parent process or another worker.
        """
        address = None if config.prometheus_port is None else (config.prometheus_host, config.prometheus_port)
        if address == self._address and (self._endpoint is None or self._endpoint.is_serving):
            return
        self.close(meter_provider)
        if address is None:
            return
        from langswarm_otel.export.prometheus import PrometheusEndpoint  # noqa: PLC0415 - an extra, imported on use

        self._endpoint = PrometheusEndpoint(*address)
        self._endpoint.reader.prepare = self._prepare
        self._address = address
        meter_provider.add_metric_reader(self._endpoint.reader)

    def close(self, meter_provider: Any) -> None:
        """Close the endpoint, if there is one."""
        endpoint, self._endpoint, self._address = self._endpoint, None, None
        if endpoint is not None:
            meter_provider.remove_metric_reader(endpoint.reader)  # which also shuts the reader down
            endpoint.close()

    def after_fork_in_child(self) -> None:
        """Leave the port to the parent: two processes behind one port would show one of them by chance."""
        if self._endpoint is not None:
            self._endpoint.after_fork_in_child()
