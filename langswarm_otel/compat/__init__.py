"""LangSwarm's own observability API, on OpenTelemetry: the drop-in for ``langswarm.core.observability``.

A program written for that API runs against ours when its imports name this package, or as it is after ``install()``. What LangSwarm's own
code reports (its agents, tools and workflows call the provider that stands in its slots) comes here as well. Everything is thin over the
operations of the current handle: real spans, standard names, one metric for one fact; nothing is kept here. ``vocabulary`` has the table
of names.
"""

from __future__ import annotations

from langswarm_otel.compat.components import (
    AgentObservability,
    ComponentObservability,
    MemoryObservability,
    SessionObservability,
    ToolObservability,
    WorkflowObservability,
    create_agent_observability,
    create_all_observability_integrations,
    create_memory_observability,
    create_session_observability,
    create_tool_observability,
    create_workflow_observability,
)
from langswarm_otel.compat.data import (
    LogLevel,
    MetricPoint,
    MetricType,
    SpanStatus,
)
from langswarm_otel.compat.factories import (
    counter,
    create_development_observability,
    create_logger,
    create_metrics,
    create_observability_provider,
    create_production_observability,
    create_tracer,
    gauge,
    get_global_observability_provider,
    get_logger,
    get_metrics,
    get_observability_provider,
    get_tracer,
    histogram,
    initialize_auto_instrumentation,
    initialize_observability,
    log_debug,
    log_error,
    log_info,
    record_metric,
    set_global_observability_provider,
    set_observability_provider,
    start_auto_instrumentation,
    stop_auto_instrumentation,
    timer,
    trace_operation,
)
from langswarm_otel.compat.options import (
    ObservabilityConfig,
)
from langswarm_otel.compat.provider import (
    ObservabilityProvider,
)
from langswarm_otel.compat.replacing import (
    install,
    uninstall,
)
from langswarm_otel.compat.tracer import (
    trace_async_function,
    trace_function,
)

__all__ = [
    "AgentObservability",
    "ComponentObservability",
    "LogLevel",
    "MemoryObservability",
    "MetricPoint",
    "MetricType",
    "ObservabilityConfig",
    "ObservabilityProvider",
    "SessionObservability",
    "SpanStatus",
    "ToolObservability",
    "WorkflowObservability",
    "counter",
    "create_agent_observability",
    "create_all_observability_integrations",
    "create_development_observability",
    "create_logger",
    "create_memory_observability",
    "create_metrics",
    "create_observability_provider",
    "create_production_observability",
    "create_session_observability",
    "create_tool_observability",
    "create_tracer",
    "create_workflow_observability",
    "gauge",
    "get_global_observability_provider",
    "get_logger",
    "get_metrics",
    "get_observability_provider",
    "get_tracer",
    "histogram",
    "initialize_auto_instrumentation",
    "initialize_observability",
    "install",
    "log_debug",
    "log_error",
    "log_info",
    "record_metric",
    "set_global_observability_provider",
    "set_observability_provider",
    "start_auto_instrumentation",
    "stop_auto_instrumentation",
    "timer",
    "trace_async_function",
    "trace_function",
    "trace_operation",
    "uninstall",
]
