"""LangSwarm's settings, and ours that they become."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.compat.data import LogLevel
from langswarm_otel.endpoints import DEFAULT_PORTS, mask, parse_base
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.guard import logger
from langswarm_otel.settings.rules import near
from langswarm_otel.settings.signal import SignalConfig

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class ObservabilityConfig:
    """What LangSwarm's provider is set to, field by field as LangSwarm has it."""

    enabled: bool = True
    """Whether anything is recorded."""
    log_level: Any = LogLevel.INFO
    """Least level of log lines: a member of ``LogLevel``, or its name."""
    log_format: str = "structured"
    """``structured`` for JSON, or ``text``."""
    log_output: str = "console"
    """``console``, ``file`` or ``both``."""
    log_file_path: str | None = None
    """File that log lines are written to."""
    tracing_enabled: bool = True
    """Whether there are spans."""
    trace_sampling_rate: float = 1.0
    """Share of traces that are sampled; whole traces, where LangSwarm means single spans."""
    trace_export_url: str | None = None
    """Where OTLP of spans is sent, exactly so."""
    metrics_enabled: bool = True
    """Whether there are metrics."""
    metrics_export_interval: float = 60
    """Seconds between two exports of metrics."""
    metrics_export_url: str | None = None
    """Where OTLP of metrics is sent, exactly so."""
    opentelemetry_enabled: bool = False
    """Of no effect: everything is OpenTelemetry."""
    opentelemetry_service_name: str = "langswarm"
    """``service.name``; the default leaves it to ``OTEL_SERVICE_NAME``."""
    opentelemetry_service_version: str = "2.0.0"
    """``service.version``; the default sets none."""
    opentelemetry_otlp_endpoint: str | None = None
    """Base endpoint of OTLP; at port 4317 it is spoken over gRPC, as LangSwarm would."""
    opentelemetry_otlp_headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of OTLP requests."""
    opentelemetry_jaeger_endpoint: str | None = None
    """Of no effect: Jaeger takes OTLP."""
    opentelemetry_prometheus_enabled: bool = False
    """Whether there is a page for Prometheus."""
    opentelemetry_prometheus_port: int = 8000
    """Its port."""
    enabled_components: list[str] | None = None
    """Components whose log lines are written; None for all."""
    disabled_components: list[str] | None = None
    """Components whose log lines are not written."""
    async_processing: bool = True
    """Of no effect: nothing is sent in the caller's thread."""
    buffer_size: int = 1000
    """Of no effect: queues are bounded in bytes."""
    flush_interval: float = 5
    """Of no effect: ``schedule_delay_s`` says how long a batch may fill."""


_DEFAULTS: Final = ObservabilityConfig()
_NAMES: Final = tuple(one.name for one in fields(ObservabilityConfig))

_OURS: Final = {
    "sample_ratio": "trace_sampling_rate",
    "traces.endpoint": "trace_export_url",
    "endpoint": "opentelemetry_otlp_endpoint",
    "export_interval_s": "metrics_export_interval",
    "metrics.endpoint": "metrics_export_url",
    "headers": "opentelemetry_otlp_headers",
    "service_name": "opentelemetry_service_name",
    "service_version": "opentelemetry_service_version",
    "prometheus_port": "opentelemetry_prometheus_port",
    "log_file": "log_file_path",
}
"""LangSwarm's names for settings of ours, for messages."""

_WITHOUT_EFFECT: Final = {
    "opentelemetry_jaeger_endpoint": "Jaeger takes OTLP: give http://<its host>:4318 as the OTLP endpoint",
    "async_processing": "nothing is ever sent in the caller's thread",
    "buffer_size": "queues are bounded in bytes: configure_observability(queue_max_bytes=...)",
    "flush_interval": "how long a batch may fill is configure_observability(schedule_delay_s=...)",
}
"""Settings that mean nothing here, and what to do instead."""

_FOREIGN_DOORS: Final = {
    "trace_export_url": (":14268", "Jaeger's own port takes no OTLP: give http://<its host>:4318/v1/traces"),
    "metrics_export_url": ("/api/v1/write", "remote write is no OTLP: give http://<its host>:9090/api/v1/otlp/v1/metrics"),
}
"""By setting: what tells an address that speaks another protocol, and what to write instead."""


def config_of(given: Any) -> ObservabilityConfig:
    """Return a configuration from a mapping, from LangSwarm's own object or from ours.

    Raises:
        ConfigurationError: there is no such setting.
    """
    if isinstance(given, ObservabilityConfig):
        return given
    if given is None:
        return ObservabilityConfig()
    if isinstance(given, dict):
        for name in given:
            if name not in _NAMES:
                raise ConfigurationError(str(name), "***", f"LangSwarm's ObservabilityConfig has no such setting{near(str(name), _NAMES)}")
        return ObservabilityConfig(**given)
    own = getattr(given, "config", given)  # a provider, which LangSwarm's pages hand over where a configuration is meant
    if not hasattr(own, "tracing_enabled"):
        raise ConfigurationError("config", type(given).__name__, "give an ObservabilityConfig, a dict of its settings, or None")
    return ObservabilityConfig(**{name: getattr(own, name) for name in _NAMES if hasattr(own, name)})


def settings_of(config: ObservabilityConfig) -> dict[str, Any]:
    """Return our settings for LangSwarm's; what has no meaning here is one line each.

    Raises:
        ConfigurationError: a value is none of those that LangSwarm knows.
    """
    for name, instead in _WITHOUT_EFFECT.items():
        value = getattr(config, name)
        if value != getattr(_DEFAULTS, name):
            logger.warning("telemetry: %s=%r has no effect here; %s", name, _shown(value), instead)
    ours = _log_settings(config)
    if not config.enabled:
        ours["disabled"] = True
    if config.trace_sampling_rate != _DEFAULTS.trace_sampling_rate:
        ours["sample_ratio"] = config.trace_sampling_rate
    if config.metrics_export_interval != _DEFAULTS.metrics_export_interval:
        ours["export_interval_s"] = config.metrics_export_interval
    if config.opentelemetry_prometheus_enabled:
        ours["prometheus_port"] = config.opentelemetry_prometheus_port
    for name, setting in (("opentelemetry_service_name", "service_name"), ("opentelemetry_service_version", "service_version")):
        if getattr(config, name) != getattr(_DEFAULTS, name):
            ours[setting] = getattr(config, name)
    return {**ours, **_addresses(config)}


def _log_settings(config: ObservabilityConfig) -> dict[str, Any]:
    ours: dict[str, Any] = {
        "log_level": _word("log_level", getattr(config.log_level, "value", config.log_level), _LOG_LEVELS).upper(),
        "log_format": _FORMATS[_word("log_format", config.log_format, tuple(_FORMATS))],
        "log_output": _word("log_output", config.log_output, ("console", "file", "both")),
    }
    if ours["log_output"] != "console":
        if config.log_file_path is None:
            raise ConfigurationError("log_file_path", None, f"log_output={config.log_output!r} needs a file: write its path")
        ours["log_file"] = config.log_file_path
    return ours


def in_langswarms_words(error: ConfigurationError) -> ConfigurationError:
    """Return an error about a setting of ours as one about LangSwarm's."""
    name = _OURS.get(error.field)
    return error if name is None else ConfigurationError(name, error.value, error.mend)


_LOG_LEVELS: Final = tuple(level.value for level in LogLevel)
_FORMATS: Final = {"structured": "json", "json": "json", "text": "console"}


def _word(name: str, value: object, words: tuple[str, ...]) -> str:
    word = value.lower() if isinstance(value, str) else value
    if word not in words:
        raise ConfigurationError(name, value, f"write one of {', '.join(words)}")
    return str(word)


def _addresses(config: ObservabilityConfig) -> dict[str, Any]:
    ours: dict[str, Any] = {}
    endpoint = config.opentelemetry_otlp_endpoint
    if endpoint is not None:
        ours["endpoint"] = endpoint
        if parse_base("opentelemetry_otlp_endpoint", endpoint).port == DEFAULT_PORTS["grpc"]:
            ours["protocol"] = "grpc"
    if config.opentelemetry_otlp_headers:
        ours["headers"] = dict(config.opentelemetry_otlp_headers)
    for signal, name, is_on in (
        ("traces", "trace_export_url", config.tracing_enabled),
        ("metrics", "metrics_export_url", config.metrics_enabled),
    ):
        url = _url(name, getattr(config, name))
        if not is_on:
            ours[signal] = SignalConfig(exporters=())
        elif url is not None:
            ours[signal] = _signal(name, url)
    return ours


def _signal(name: str, url: str) -> SignalConfig:
    try:
        return SignalConfig(endpoint=url)
    except ConfigurationError as error:
        raise ConfigurationError(name, error.value, error.mend) from error


def _url(name: str, url: str | None) -> str | None:
    mark, instead = _FOREIGN_DOORS[name]
    if url is not None and isinstance(url, str) and mark in url:
        logger.warning("telemetry: %s=%r is not used; %s", name, mask(url), instead)
        return None
    return url


def _shown(value: object) -> object:
    return mask(value) if isinstance(value, str) else value
