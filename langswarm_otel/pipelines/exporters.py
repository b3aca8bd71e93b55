"""From a configuration to the destinations of the export hub."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from langswarm_otel.endpoints import SIGNALS
from langswarm_otel.environment import names_credential_provider, trusted_bundle
from langswarm_otel.export.breaker import Breaker
from langswarm_otel.export.otlp import build_otlp
from langswarm_otel.export.target import Target
from langswarm_otel.pipelines.installed import build_installed

if TYPE_CHECKING:
    from langswarm_otel.config import ObservabilityConfig, OtlpTarget
    from langswarm_otel.endpoints import SignalName
    from langswarm_otel.export.memory import MemoryStore
    from langswarm_otel.export.otlp import Official
    from langswarm_otel.export.spool_settings import SpoolSettings

OWN_NAMES = frozenset({"otlp", "console", "memory", "none", "prometheus"})
"""Exporter names that mean something to us; any other is one that an installed package offers."""

FIELDS = {"traces": "spans", "metrics": "metrics", "logs": "logs"}
"""The field of a target that takes the exporter of a signal."""


def build_targets(config: ObservabilityConfig, memory: MemoryStore) -> list[Target]:
    """Build one target for each distinct destination, so that each has workers of its own.

    Signals that go to the same server share a target: on one Collector they stall together anyway.

    Raises:
        ConfigurationError: an exporter needs an extra that is not installed, or cannot be built.
    """
    chosen = {signal: config.exporters(signal) for signal in SIGNALS}
    settings = {signal: _settings(config, signal) for signal in SIGNALS if "otlp" in chosen[signal]}
    targets = _otlp_targets(settings, wants_official=config.otlp_exporter == "official", spool=_spool(config))
    for name in sorted({name for names in chosen.values() for name in names if name not in {"otlp", "none", "prometheus"}}):
        exporters = {FIELDS[signal]: _exporter(name, signal, memory) for signal in SIGNALS if name in chosen[signal]}
        targets.append(Target(name=name, timeout_s=config.export_timeout_s, **exporters))
    return targets


def _settings(config: ObservabilityConfig, signal: SignalName) -> OtlpTarget:
    """Return where one signal goes; an export of metrics is bounded by ``export_timeout_s`` too, which the official exporter ignores."""
    one = config.otlp(signal)
    if one.protocol != "grpc" and one.certificate_file is None:
        one = replace(one, certificate_file=trusted_bundle())
    return replace(one, timeout_s=min(one.timeout_s, config.export_timeout_s)) if signal == "metrics" else one


def _spool(config: ObservabilityConfig) -> SpoolSettings | None:
    """Return where to keep what no endpoint takes, if that is wanted.

    Raises:
        ConfigurationError: the directory cannot be used.
    """
    if config.spool_directory is None:
        return None
    from langswarm_otel.export.spool_settings import SpoolSettings  # noqa: PLC0415 - few want it

    patience_s = config.schedule_delay_s / 2  # so that nothing is in memory alone for longer than a schedule delay
    spool = SpoolSettings(directory=config.spool_directory, max_bytes=config.spool_max_bytes, patience_s=patience_s)
    spool.check()
    return spool


def _otlp_targets(settings: dict[SignalName, OtlpTarget], *, wants_official: bool, spool: SpoolSettings | None) -> list[Target]:
    servers: dict[str, dict[SignalName, OtlpTarget]] = {}
    for signal, one in settings.items():
        parts = urlsplit(one.url)
        servers.setdefault(f"{parts.scheme}://{parts.netloc}", {})[signal] = one
    return [_otlp_target(name, signals, wants_official=wants_official, spool=spool) for name, signals in servers.items()]


def _otlp_target(name: str, signals: dict[SignalName, OtlpTarget], *, wants_official: bool, spool: SpoolSettings | None) -> Target:
    # What is kept can wait from the first failure on, and need not be tried again and again to find out.
    breaker = Breaker() if spool is None else Breaker(failures=1)
    exporters: dict[str, Any] = {
        FIELDS[signal]: build_otlp(
            signal, settings, official=_official(signal, wants_official=wants_official), breaker=breaker, spool=spool
        )
        for signal, settings in signals.items()
    }
    timeout_s = max(settings.timeout_s for settings in signals.values())

    def renew() -> Target:
        return _otlp_target(name, signals, wants_official=wants_official, spool=None if spool is None else spool.renewed())

    return Target(name=name, timeout_s=timeout_s, renew=renew, **exporters)


def _official(signal: SignalName, *, wants_official: bool) -> Official | None:
    """Return whether the official exporter is to be used: credential providers work with nothing else."""
    if names_credential_provider(signal):
        return "alone"
    return "watched" if wants_official else None


def _exporter(name: str, signal: SignalName, memory: MemoryStore) -> Any:
    if name == "memory":
        return getattr(memory, FIELDS[signal])
    if name == "console":
        return _console_exporter(signal)
    return build_installed(object, f"{signal}.exporters", name, group=f"opentelemetry_{signal}_exporter", built_in=OWN_NAMES)


def _console_exporter(signal: SignalName) -> Any:
    if signal == "traces":
        from langswarm_otel.export.console import ConsoleTreeExporter  # noqa: PLC0415 - for people only

        return ConsoleTreeExporter()
    if signal == "metrics":
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415 - rarely wanted

        return ConsoleMetricExporter()
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter  # noqa: PLC0415 - rarely wanted

    return ConsoleLogRecordExporter()
