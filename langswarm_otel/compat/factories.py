"""LangSwarm's factories and shortcuts, on our provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.compat import slots
from langswarm_otel.compat.data import LogLevel
from langswarm_otel.compat.options import ObservabilityConfig
from langswarm_otel.compat.provider import ObservabilityProvider
from langswarm_otel.guard import logger

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from langswarm_otel.compat.logger import Logger
    from langswarm_otel.compat.metrics import Metrics
    from langswarm_otel.compat.tracer import Tracer

_LOG_FILE = "/var/log/langswarm/app.log"
_SAMPLED = 0.1
"""Share of traces in production, as LangSwarm has it."""


def create_observability_provider(config: Any = None) -> ObservabilityProvider:
    """Configure telemetry from LangSwarm's settings, and return the provider; it stands in LangSwarm's slots at once.

    Args:
        config: an ``ObservabilityConfig``, LangSwarm's own, a mapping of its settings, or None for its defaults.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    return _begun(ObservabilityProvider(config))


def create_development_observability() -> ObservabilityProvider:
    """Configure telemetry for a developer's machine, and return the provider: traces as trees, lines for people, everything sampled."""
    config = ObservabilityConfig(log_level=LogLevel.DEBUG, log_format="text")
    return _begun(ObservabilityProvider(config, preset="development"))


def create_production_observability(
    log_file_path: str = _LOG_FILE,
    trace_export_url: str | None = None,
    metrics_export_url: str | None = None,
    opentelemetry_enabled: bool = False,
    otlp_endpoint: str | None = None,
    jaeger_endpoint: str | None = None,
) -> ObservabilityProvider:
    """Configure telemetry for a service, and return the provider: JSON lines, OTLP, 10 % of traces.

    Args:
        log_file_path: file for lines, beside standard output; LangSwarm's default path is not written to.
        trace_export_url: where OTLP of spans is sent, exactly so.
        metrics_export_url: where OTLP of metrics is sent, exactly so.
        opentelemetry_enabled: of no effect, everything is OpenTelemetry.
        otlp_endpoint: base endpoint of OTLP.
        jaeger_endpoint: of no effect, Jaeger takes OTLP.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    config = ObservabilityConfig(
        trace_sampling_rate=_SAMPLED,
        trace_export_url=trace_export_url,
        metrics_export_url=metrics_export_url,
        opentelemetry_enabled=opentelemetry_enabled,
        opentelemetry_otlp_endpoint=otlp_endpoint,
        opentelemetry_jaeger_endpoint=jaeger_endpoint,
    )
    if log_file_path == _LOG_FILE:
        logger.info(
            "telemetry: log_file_path=%r is not written to; lines go to standard output and by OTLP, or name another file", _LOG_FILE
        )
    elif log_file_path is not None:
        config.log_output, config.log_file_path = "both", log_file_path
    return _begun(ObservabilityProvider(config))


def _begun(provider: ObservabilityProvider) -> ObservabilityProvider:
    provider.begin()
    return provider


def get_observability_provider() -> ObservabilityProvider | None:
    """Return the provider that has been set."""
    provider: ObservabilityProvider | None = slots.filled_with()
    return provider


def set_observability_provider(provider: ObservabilityProvider | None) -> None:
    """Set the provider, in both of LangSwarm's slots; None empties them."""
    if provider is not None:
        slots.fill(provider)
    else:
        before = slots.filled_with()
        if before is not None:
            slots.empty(before)


get_global_observability_provider = get_observability_provider
"""The same: what LangSwarm keeps in two slots is one provider here."""

set_global_observability_provider = set_observability_provider
"""The same: it sets both."""


def initialize_observability(config: Any = None) -> None:
    """Configure telemetry and set the provider, unless there is one."""
    if get_observability_provider() is None:
        create_observability_provider(config)


def initialize_auto_instrumentation(config: Any = None) -> ObservabilityProvider:
    """Configure telemetry, set the provider and return it; LangSwarm's agents, tools and workflows report to it.

    Args:
        config: as for ``create_observability_provider``; or a provider, as LangSwarm's own pages have it, which is then the one.
    """
    if isinstance(config, ObservabilityProvider):
        return _begun(config)
    return create_observability_provider(config)


async def start_auto_instrumentation() -> None:
    """Start the provider that has been set."""
    provider = get_observability_provider()
    if provider is not None:
        await provider.start()


async def stop_auto_instrumentation() -> None:
    """Stop the provider that has been set."""
    provider = get_observability_provider()
    if provider is not None:
        await provider.stop()


def _provider() -> ObservabilityProvider:
    """Return the provider that has been set, or one that follows the current handle."""
    return get_observability_provider() or _DEFAULT


_DEFAULT = ObservabilityProvider()


def get_logger(name: str = "default") -> Logger:  # noqa: ARG001 - as LangSwarm has it
    """Return the logger, which is one for all names."""
    return _provider().logger


def create_logger(name: str = "default", config: Any = None) -> Logger:  # noqa: ARG001 - as LangSwarm has it
    """Return the same: there is nothing to be made."""
    return _provider().logger


def get_tracer(name: str = "default") -> Tracer:  # noqa: ARG001 - as LangSwarm has it
    """Return the tracer, which is one for all names."""
    return _provider().tracer


def create_tracer(name: str = "default", config: Any = None) -> Tracer:  # noqa: ARG001 - as LangSwarm has it
    """Return the same: there is nothing to be made."""
    return _provider().tracer


def get_metrics(name: str = "default") -> Metrics:  # noqa: ARG001 - as LangSwarm has it
    """Return the metrics, which are one for all names."""
    return _provider().metrics


def create_metrics(name: str = "default", config: Any = None) -> Metrics:  # noqa: ARG001 - as LangSwarm has it
    """Return the same: there is nothing to be made."""
    return _provider().metrics


def counter(name: str, value: float = 1.0, **tags: Any) -> None:
    """Add to a counter."""
    _provider().metrics.increment_counter(name, value, **tags)


def gauge(name: str, value: float, **tags: Any) -> None:
    """Set a gauge."""
    _provider().metrics.set_gauge(name, value, **tags)


def histogram(name: str, value: float, **tags: Any) -> None:
    """Record into a histogram."""
    _provider().metrics.record_histogram(name, value, **tags)


def timer(name: str, **tags: Any) -> AbstractContextManager[None]:
    """Time a block."""
    return _provider().metrics.start_timer(name, **tags)


def log_info(message: str, **kwargs: Any) -> None:
    """Log a line."""
    _provider().logger.info(message, **kwargs)


def log_error(message: str, **kwargs: Any) -> None:
    """Log an error."""
    _provider().logger.error(message, **kwargs)


def log_debug(message: str, **kwargs: Any) -> None:
    """Log a line for whoever looks for a fault."""
    _provider().logger.debug(message, **kwargs)


def trace_operation(operation_name: str) -> AbstractContextManager[Any]:
    """Return a block that is an operation."""
    return _provider().tracer.start_span(operation_name)


def record_metric(name: str, value: float, metric_type: str = "gauge", **tags: Any) -> None:
    """Record a metric: a ``gauge``, a ``counter`` or a ``histogram``."""
    _provider().metrics.record(metric_type, name, value, tags)
