"""LangSwarm's provider: its logger, tracer and metrics in one object, all of them over the current handle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from langswarm_otel import current, presets
from langswarm_otel.compat import slots
from langswarm_otel.compat.components import (
    AgentObservability,
    MemoryObservability,
    SessionObservability,
    ToolObservability,
    WorkflowObservability,
)
from langswarm_otel.compat.exporting import export_points, export_spans
from langswarm_otel.compat.logger import Logger, fields_of_span
from langswarm_otel.compat.metrics import Metrics
from langswarm_otel.compat.options import config_of, in_langswarms_words, settings_of
from langswarm_otel.compat.readings import series_bytes, statistics
from langswarm_otel.compat.spans import current_span
from langswarm_otel.compat.tracer import Tracer
from langswarm_otel.components.naming import named
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.guard import guarded, logger
from langswarm_otel.instrumentation.naming import names_of
from langswarm_otel.propagation import inject_context
from langswarm_otel.runtime import configure_observability

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping
    from types import TracebackType

    from langswarm_otel.compat.blocks import SpanBlock
    from langswarm_otel.compat.options import ObservabilityConfig
    from langswarm_otel.compat.spans import Span
    from langswarm_otel.observability import Observability


class ObservabilityProvider:
    """What a program written for LangSwarm's observability holds, and what LangSwarm's own code reports to.

    It keeps nothing: spans, metrics and lines go to the handle that ``configure_observability`` has made, which ``start()`` calls if
    nobody has; in a test, to the capture. It can be used before ``start()``, and then follows whatever handle there is.
    """

    def __init__(self, config: Any = None, *, preset: str = "production") -> None:
        """Make a provider; nothing is configured before ``start()``.

        Args:
            config: LangSwarm's settings: an ``ObservabilityConfig``, LangSwarm's own, or a mapping.
            preset: ours that they are laid upon.

        Raises:
            ConfigurationError: there is no such setting.
        """
        self.config: ObservabilityConfig = config_of(config)
        """What the provider is set to."""
        self._preset = preset
        self._handle: Observability | None = None
        self._started = False
        self.logger = Logger(lambda: self.config)
        """Writes structured lines."""
        self.tracer = Tracer(lambda: self.config)
        """Makes spans."""
        self.metrics = Metrics(lambda: self.config)
        """Records metrics."""
        self.agent_obs = AgentObservability(self)
        """Observes agents."""
        self.tool_obs = ToolObservability(self)
        """Observes tools."""
        self.session_obs = SessionObservability(self)
        """Observes sessions."""
        self.memory_obs = MemoryObservability(self)
        """Observes memory."""
        self.workflow_obs = WorkflowObservability(self)
        """Observes workflows."""

    def begin(self) -> None:
        """Configure telemetry unless that has been done, and fill LangSwarm's two slots; what ``start()`` does, without awaiting.

        Raises:
            ConfigurationError: a setting is wrong; the message names it as LangSwarm does.
        """
        handle = cast("Observability | None", current.current_handle())
        if handle is None or not handle.running:
            self._handle = self._configure(self.config)
        elif handle is not self._handle:
            logger.info("telemetry: LangSwarm's provider uses the handle that is configured already, %r, and not its own settings", handle)
        slots.fill(self)
        self._started = True

    def _configure(self, config: ObservabilityConfig) -> Observability:
        try:
            return configure_observability(presets.by_name(self._preset, **settings_of(config)))
        except ConfigurationError as error:
            raise in_langswarms_words(error) from error

    async def start(self) -> None:
        """Configure telemetry unless that has been done, and fill LangSwarm's two slots.

        Raises:
            ConfigurationError: a setting is wrong; the message names it as LangSwarm does.
        """
        self.begin()
        self.logger.info("Observability provider started", component="observability", operation="start")

    async def stop(self) -> None:
        """Empty LangSwarm's slots, if they still hold this provider, and send what there is; the handle goes on."""
        self.logger.info("Observability provider stopping", component="observability", operation="stop")
        slots.empty(self)
        self._started = False
        await self.flush()

    async def flush(self) -> None:
        """Send what there is, without blocking the event loop."""
        handle = _handle()
        if handle is not None:
            await handle.aflush()

    def configure(self, config: Any) -> None:
        """Set the provider to something else, while it runs.

        Raises:
            ConfigurationError: a setting is wrong, or cannot change any more; everything then stays as it was.
        """
        wanted = config_of(config)
        if self._handle is not None and current.current_handle() is self._handle:
            self._handle = self._configure(wanted)
        else:
            logger.info("telemetry: the handle is not that of LangSwarm's provider; configure_observability() changes it")
        self.config = wanted
        self.logger.info("Observability provider reconfigured", component="observability", operation="configure")

    def log_with_trace_context(self, level: str, message: str, *args: Any, **kwargs: Any) -> None:
        """Log a line with the operation that it is written in, and for how long that has been going on.

        Args:
            level: ``debug``, ``info``, ``warning``, ``error`` or ``critical``.
            message: what happened.
            *args: the component, which may be a keyword too, or both, as LangSwarm's own code has it.
            **kwargs: what else is known.
        """
        component = kwargs.pop("component", None)
        self.logger.write(level, message, args[0] if args else component, fields_of_span(kwargs))

    def trace_and_log_operation(self, operation_name: str, component: str | None = None) -> TracedOperation:
        """Return a block that is an operation, and a line at its start and at its end."""
        return self.trace_and_log(operation_name, component, {})

    def trace_and_log(self, operation_name: str, component: str | None, tags: dict[str, Any]) -> TracedOperation:
        """Do the same for an operation of which more is known."""
        return TracedOperation(self, operation_name, component, tags)

    @guarded("compat.record_agent_execution", None)
    def record_agent_execution(
        self,
        agent_id: str,
        provider: str,
        model: str,
        input_tokens: int,
        output_tokens: int,
        response_time_ms: float,
        success: bool,
    ) -> None:
        """Record a run of an agent that is over: the spans of the run and of its one model call, durations, tokens and cost."""
        name, asked = names_of(provider, model)
        current.agents.record_execution(agent_id, name, asked, input_tokens, output_tokens, response_time_ms, success)

    def propagate_trace_context(self, headers: MutableMapping[str, str] | None = None) -> MutableMapping[str, str]:
        """Write the trace context into headers (W3C ``traceparent``), and return them."""
        return inject_context({} if headers is None else headers)

    def export_to_opentelemetry(self, spans: Iterable[Any] | None = None, metrics: Iterable[Any] | None = None) -> None:
        """Export spans and metric points of LangSwarm's own; those of this provider have been exported already."""
        export_spans(spans or ())
        export_points(self.metrics, metrics or ())

    @property
    def opentelemetry_enabled(self) -> bool:
        """Whether telemetry is configured and has not been shut down."""
        handle = _handle()
        return handle is not None and handle.running

    def get_health_status(self) -> dict[str, Any]:
        """Return the state of telemetry: LangSwarm's fields, and mode, exporters and faults of ``health()``; nothing raises."""
        health = self._health()
        return {"status": "error"} if health is None else health

    @guarded("compat.health", cast("dict[str, Any] | None", None))
    def _health(self) -> dict[str, Any] | None:
        span, handle, series = current_span(), _handle(), self.metrics.get_all_metrics()
        level = self.config.log_level
        found: dict[str, Any] = {
            "status": "healthy" if self._started else "stopped",
            "config": {
                "enabled": self.config.enabled,
                "log_level": str(getattr(level, "value", level)).lower(),
                "tracing_enabled": self.config.tracing_enabled,
                "metrics_enabled": self.config.metrics_enabled,
            },
            "current_trace": {"trace_id": None if span is None else span.trace_id, "span_active": span is not None},
            "metrics_summary": {
                "counters_count": len(series["counters"]),
                "gauges_count": len(series["gauges"]),
                "histograms_count": len(series["histogram_stats"]),
                "timers_count": len(series["timer_stats"]),
            },
        }
        if handle is not None:
            health = handle.health()
            if self._started and not health.ok:
                found["status"] = "degraded"
            found |= {"mode": health.mode, "report": str(health), "internal_errors": health.internal_errors}
        return found

    def get_memory_usage(self) -> dict[str, int]:
        """Return the bytes that telemetry holds: what waits in queues, and the series of metrics (an estimate); nothing raises."""
        return self._memory_usage() or {"queued_bytes": 0, "series": 0, "series_bytes": 0, "total_bytes": 0}

    @guarded("compat.memory_usage", cast("dict[str, int] | None", None))
    def _memory_usage(self) -> dict[str, int] | None:
        handle, found = _handle(), statistics()
        queued = 0 if handle is None else sum(row.queued_bytes for row in handle.health().exporters)
        series = series_bytes(found)
        return {"queued_bytes": queued, "series": len(found), "series_bytes": series, "total_bytes": queued + series}


class TracedOperation:
    """An operation with a line at its start and at its end."""

    def __init__(self, provider: ObservabilityProvider, operation_name: str, component: str | None, tags: dict[str, Any]) -> None:
        """Describe the operation.

        Args:
            provider: what it is reported to.
            operation_name: as LangSwarm calls it.
            component: part of LangSwarm that does it.
            tags: what is known when it starts.
        """
        self.provider = provider
        self.operation_name = named(operation_name)
        self.component = component or "unknown"
        self.span: Span | None = None
        self._block: SpanBlock = provider.tracer.start_span(self.operation_name, **{"component": self.component, **tags})

    def __enter__(self) -> Span:
        self.span = self._block.__enter__()
        self._log("info", f"Started operation: {self.operation_name}", operation="start")
        return self.span

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if kind is None:
            self._log("info", f"Completed operation: {self.operation_name}", operation="complete")
        else:
            told = {"operation": "error", "error_type": kind.__name__}
            self._log("error", f"Failed operation: {self.operation_name}", **told)
        self._block.__exit__(kind, error, traceback)

    def _log(self, level: str, message: str, **fields: Any) -> None:
        self.provider.log_with_trace_context(level, message, self.component, **fields)


def _handle() -> Observability | None:
    return cast("Observability | None", current.current_handle())
