"""From a configuration to the destinations of the export hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

from langswarm_otel.export.console import ConsoleTreeExporter
from langswarm_otel.export.hub import Target
from langswarm_otel.export.otlp import build_otlp

if TYPE_CHECKING:
    from langswarm_otel.config import ObservabilityConfig, SignalName
    from langswarm_otel.export.memory import MemoryStore

SIGNALS: tuple[SignalName, ...] = ("traces", "metrics", "logs")


def build_targets(config: ObservabilityConfig, memory: MemoryStore) -> list[Target]:
    """Build one target for each distinct destination, so that each has its own worker.

    Signals that go to the same endpoint share a target: on one Collector they stall together anyway.

    Raises:
        ConfigurationError: an exporter needs an extra that is not installed.
    """
    targets = _otlp_targets(config)
    chosen = {signal: config.exporters(signal) for signal in SIGNALS}
    if any("console" in names for names in chosen.values()):
        targets.append(
            Target(
                name="console",
                spans=ConsoleTreeExporter() if "console" in chosen["traces"] else None,
                metrics=ConsoleMetricExporter() if "console" in chosen["metrics"] else None,
                logs=ConsoleLogRecordExporter() if "console" in chosen["logs"] else None,
                timeout_s=config.export_timeout_s,
            )
        )
    if any("memory" in names for names in chosen.values()):
        targets.append(
            Target(
                name="memory",
                spans=memory.spans if "memory" in chosen["traces"] else None,
                metrics=memory.metrics if "memory" in chosen["metrics"] else None,
                logs=memory.logs if "memory" in chosen["logs"] else None,
                timeout_s=config.export_timeout_s,
            )
        )
    return targets
