"""OpenTelemetry distribution for LangSwarm and for Python programs made of agents, tools, sessions, memory and workflows.

``configure_observability()`` builds traces, metrics and logs from a preset; the operations below, or the methods of the same name on the
handle it returns, observe what a program does. Importing this package loads neither the OpenTelemetry SDK nor structlog.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langswarm_otel import presets
    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.current import (
        agent,
        agents,
        inference,
        memories,
        memory,
        session,
        sessions,
        step,
        timer,
        tool,
        tools,
        traced,
        workflow,
        workflows,
    )
    from langswarm_otel.errors import ConfigurationError
    from langswarm_otel.observability import Observability
    from langswarm_otel.pipelines.health import Health
    from langswarm_otel.pipelines.statistics import Statistics
    from langswarm_otel.propagation import ContextExecutor, context_from, detached, inject_context, propagating
    from langswarm_otel.runtime import configure_observability
    from langswarm_otel.signals.log_processors import OTelLogProcessor, add_scope, add_trace_context
    from langswarm_otel.version import __version__

_HOMES = {
    "langswarm_otel.config": ("ObservabilityConfig",),
    "langswarm_otel.current": (
        *("agent", "inference", "memory", "session", "step", "timer", "tool", "traced", "workflow"),
        *("agents", "memories", "sessions", "tools", "workflows"),
    ),
    "langswarm_otel.errors": ("ConfigurationError",),
    "langswarm_otel.observability": ("Observability",),
    "langswarm_otel.pipelines.health": ("Health",),
    "langswarm_otel.pipelines.statistics": ("Statistics",),
    "langswarm_otel.propagation": ("ContextExecutor", "context_from", "detached", "inject_context", "propagating"),
    "langswarm_otel.runtime": ("configure_observability",),
    "langswarm_otel.signals.log_processors": ("OTelLogProcessor", "add_scope", "add_trace_context"),
    "langswarm_otel.version": ("__version__",),
}
_ON_USE = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "ConfigurationError",
    "ContextExecutor",
    "Health",
    "OTelLogProcessor",
    "Observability",
    "ObservabilityConfig",
    "Statistics",
    "__version__",
    "add_scope",
    "add_trace_context",
    "agent",
    "agents",
    "configure_observability",
    "context_from",
    "detached",
    "inference",
    "inject_context",
    "memories",
    "memory",
    "presets",
    "propagating",
    "session",
    "sessions",
    "step",
    "timer",
    "tool",
    "tools",
    "traced",
    "workflow",
    "workflows",
]


def __getattr__(name: str) -> Any:
    """Import on first use (PEP 562): who only decorates functions needs the OpenTelemetry API, and not the SDK."""
    if name == "presets":
        return importlib.import_module("langswarm_otel.presets")
    if name not in _ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_ON_USE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
