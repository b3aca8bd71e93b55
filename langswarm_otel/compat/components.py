"""LangSwarm's five ``*Observability`` classes, with its signatures, on our operations and metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import current, semconv
from langswarm_otel.compat import recording, vocabulary
from langswarm_otel.compat.blocks import NO_BLOCK
from langswarm_otel.compat.spans import running_here
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.memory import SEARCH, MemoryRun
from langswarm_otel.components.session import SessionRun
from langswarm_otel.components.step import StepRun
from langswarm_otel.components.tool import ToolRun
from langswarm_otel.components.workflow import WorkflowRun
from langswarm_otel.guard import guarded
from langswarm_otel.instrumentation.naming import names_of, provider_name

if TYPE_CHECKING:
    from langswarm_otel.compat.blocks import SpanBlock
    from langswarm_otel.compat.provider import ObservabilityProvider, TracedOperation


class ComponentObservability:
    """Logs, spans and metrics of one component; the base of the five, and for components of a program's own."""

    def __init__(self, component_name: str, provider: ObservabilityProvider | None = None) -> None:
        """Observe a component.

        Args:
            component_name: what its operations and metrics begin with.
            provider: what it reports to; one that follows the current handle by default.
        """
        from langswarm_otel.compat.provider import ObservabilityProvider  # noqa: PLC0415 - which has the five

        self.component_name = component_name
        self.provider = ObservabilityProvider() if provider is None else provider

    @guarded("compat.log_operation", None)
    def log_operation(self, operation: str, level: str = "info", **kwargs: Any) -> None:
        """Log that something happens."""
        fields = {"operation": operation, **kwargs}
        self.provider.log_with_trace_context(level, f"{self.component_name}: {operation}", self.component_name, **fields)

    @guarded("compat.log_error", None)
    def _log_error(self, what: str, told: dict[str, Any]) -> None:
        """Log an error, of which an ``operation`` of the caller's may be told: as an argument of its own it would come twice."""
        self.provider.log_with_trace_context("error", f"{self.component_name}: {what}", self.component_name, **told)

    @guarded("compat.trace_operation", NO_BLOCK)
    def trace_operation(self, operation: str, **tags: Any) -> SpanBlock:
        """Return a block that is an operation of the component."""
        return self.provider.tracer.start_span(f"{self.component_name}.{operation}", **{"component": self.component_name, **tags})

    @guarded("compat.record_metric", None)
    def record_metric(self, metric_name: str, value: float, metric_type: str = "counter", **tags: Any) -> None:
        """Record a metric ``{component}.{name}``: a ``counter``, ``gauge``, ``histogram`` or ``timer`` (in milliseconds)."""
        self.provider.metrics.record(metric_type, f"{self.component_name}.{metric_name}", value, {**tags, "component": self.component_name})


class AgentObservability(ComponentObservability):
    """Agents."""

    def __init__(self, provider: ObservabilityProvider | None = None) -> None:
        super().__init__("agent", provider)

    @guarded("compat.trace_agent_creation", None)
    def trace_agent_creation(self, agent_id: str, provider: str, model: str) -> None:
        """Leave a span ``agent.create``, and a line."""
        with self.trace_operation("create", agent_id=agent_id, provider=provider, model=model):
            self.log_operation(f"Creating agent {agent_id}", "info", agent_id=agent_id, provider=provider, model=model)

    def trace_message_processing(self, agent_id: str, message_length: int) -> TracedOperation:
        """Return a block that is a run of the agent: ``invoke_agent {agent_id}``."""
        return self.provider.trace_and_log(
            "agent.process_message", self.component_name, {"agent_id": agent_id, "message_length": message_length}
        )

    @guarded("compat.record_response_time", None)
    def record_response_time(self, agent_id: str, duration_ms: float, provider: str, model: str) -> None:
        """Record how long a run took, unless one of this agent is going on, which measures itself."""
        labels = {semconv.AGENT_NAME: agent_id, semconv.REQUEST_MODEL: names_of(provider, model)[1]}
        recording.report_duration(recording.inside(AgentRun, agent_id), semconv.AGENT_DURATION, duration_ms, success=True, labels=labels)

    @guarded("compat.record_token_usage", None)
    def record_token_usage(self, agent_id: str, input_tokens: int, output_tokens: int, provider: str) -> None:
        """Record tokens: of the model call or the agent that is going on, else of the agent by itself."""
        recording.record_tokens(agent_id, input_tokens, output_tokens, provider_name(provider))

    @guarded("compat.record_error", None)
    def record_error(self, agent_id: str, error_type: str, provider: str, model: str) -> None:
        """Report an error, and log it."""
        told = {"agent_id": agent_id, "error_type": error_type, "provider": provider, "model": model}
        self._log_error(f"Agent error: {error_type}", told)
        labels = {semconv.OPERATION_NAME: semconv.INVOKE_AGENT, semconv.AGENT_NAME: agent_id, semconv.REQUEST_MODEL: model}
        recording.report_error(recording.inside(AgentRun, agent_id), error_type, labels)


class ToolObservability(ComponentObservability):
    """Tools."""

    def __init__(self, provider: ObservabilityProvider | None = None) -> None:
        super().__init__("tool", provider)

    @guarded("compat.trace_tool_execution", NO_BLOCK)
    def trace_tool_execution(self, tool_name: str, method: str, parameters: dict[str, Any]) -> SpanBlock:
        """Return a block that is a call of the tool: ``execute_tool {tool_name}``."""
        count = len(parameters) if parameters else 0
        return self.trace_operation("execute", tool_name=tool_name, method=method, param_count=count, parameters=parameters)

    @guarded("compat.record_execution_time", None)
    def record_execution_time(self, tool_name: str, method: str, duration_ms: float, success: bool) -> None:  # noqa: ARG002 - no label
        """Record how long a call took, unless one of this tool is going on, which measures itself."""
        around = recording.inside(ToolRun, tool_name)
        recording.report_duration(around, semconv.TOOL_DURATION, duration_ms, success, {semconv.TOOL_NAME: tool_name})

    @guarded("compat.record_tool_error", None)
    def record_tool_error(self, tool_name: str, method: str, error_type: str) -> None:
        """Report an error, and log it."""
        told = {"tool_name": tool_name, "method": method, "error_type": error_type}
        self._log_error(f"Tool execution failed: {tool_name}.{method}", told)
        labels = {semconv.OPERATION_NAME: semconv.EXECUTE_TOOL, semconv.TOOL_NAME: tool_name}
        recording.report_error(recording.inside(ToolRun, tool_name), error_type, labels)

    @guarded("compat.trace_tool_registry_operation", NO_BLOCK)
    def trace_tool_registry_operation(self, operation: str, tool_name: str) -> SpanBlock:
        """Return a block that is a span ``tool.registry.{operation}``."""
        return self.trace_operation(f"registry.{operation}", tool_name=tool_name)


class SessionObservability(ComponentObservability):
    """Sessions."""

    def __init__(self, provider: ObservabilityProvider | None = None) -> None:
        super().__init__("session", provider)

    @guarded("compat.trace_session_creation", None)
    def trace_session_creation(self, session_id: str, user_id: str, provider: str, backend: str) -> None:
        """Leave a span ``session.create`` with conversation and user, and a line."""
        told = {"session_id": session_id, "user_id": user_id, "provider": provider, "backend": backend}
        with self.trace_operation("create", **told):
            self.log_operation("Creating session", "info", **told)

    @guarded("compat.trace_message_handling", NO_BLOCK)
    def trace_message_handling(self, session_id: str, role: str, message_length: int) -> SpanBlock:
        """Count a message and return a block that is a span ``session.handle_message``; all inside carries the conversation."""
        current.sessions.record_message(session_id, role)
        return self.trace_operation("handle_message", session_id=session_id, role=role, message_length=message_length)

    @guarded("compat.record_session_duration", None)
    def record_session_duration(self, session_id: str, duration_minutes: float, provider: str) -> None:  # noqa: ARG002 - no label
        """Record how long a session lasted."""
        recording.record_duration(semconv.SESSION_DURATION, duration_minutes * 60_000, success=True, labels={})

    @guarded("compat.record_message_count", None)
    def record_message_count(self, session_id: str, message_count: int, provider: str) -> None:
        """Set the gauge ``session.message_count``; messages are counted one by one by ``trace_message_handling``."""
        self.record_metric("message_count", message_count, "gauge", session_id=session_id, provider=provider)

    @guarded("compat.record_session_error", None)
    def record_session_error(self, session_id: str, error_type: str, operation: str) -> None:
        """Report an error, and log it."""
        told = {"session_id": session_id, "error_type": error_type, "operation": operation}
        self._log_error(f"Session error in {operation}: {error_type}", told)
        recording.report_error(running_here(), error_type, {semconv.OPERATION_NAME: SessionRun.operation_name})


class MemoryObservability(ComponentObservability):
    """Memory."""

    def __init__(self, provider: ObservabilityProvider | None = None) -> None:
        super().__init__("memory", provider)

    def trace_memory_operation(self, operation: str, backend: str, session_id: str | None = None) -> SpanBlock:
        """Return a block that is an operation on a memory, by its standard name such as ``search_memory``."""
        return self.trace_operation(operation, backend=backend, session_id=session_id)

    @guarded("compat.record_memory_usage", None)
    def record_memory_usage(self, backend: str, sessions: int, messages: int, storage_mb: float) -> None:
        """Set the gauges ``memory.sessions``, ``memory.messages`` and ``memory.storage_mb``."""
        for name, value in (("sessions", sessions), ("messages", messages), ("storage_mb", storage_mb)):
            self.record_metric(name, value, "gauge", backend=backend)

    @guarded("compat.record_operation_time", None)
    def record_operation_time(self, operation: str, backend: str, duration_ms: float, success: bool) -> None:
        """Record how long an operation took, unless it is going on, which measures itself."""
        around, labels = self._around(operation, backend)
        recording.report_duration(around, semconv.CLIENT_OPERATION_DURATION, duration_ms, success, labels)

    @guarded("compat.record_search_performance", None)
    def record_search_performance(self, backend: str, query_time_ms: float, results_count: int) -> None:
        """Record a search: its duration, how many records it found, and whether it found any."""
        around, labels = self._around(SEARCH, backend)
        if around is not None:
            around.records(results_count)
            return
        recording.record_duration(semconv.CLIENT_OPERATION_DURATION, query_time_ms, success=True, labels=labels)
        recording.record(semconv.MEMORY_RECORDS_FOUND, int(results_count), labels)
        result = "hit" if int(results_count) else "miss"
        recording.record(semconv.MEMORY_LOOKUPS, 1, {**labels, semconv.MEMORY_RESULT: result})

    @guarded("compat.record_memory_error", None)
    def record_memory_error(self, operation: str, backend: str, error_type: str) -> None:
        """Report an error, and log it."""
        told = {"operation": operation, "backend": backend, "error_type": error_type}
        self._log_error(f"Memory operation failed: {operation}", told)
        around, labels = self._around(operation, backend)
        recording.report_error(around, error_type, labels)

    @staticmethod
    def _around(operation: str, backend: str) -> tuple[MemoryRun | None, dict[str, Any]]:
        """Return the run of this operation that is going on, and the labels of one that is not."""
        name = current.memory(vocabulary.memory_operation(operation), store=backend).operation
        around = recording.inside(MemoryRun, name)
        return around, {semconv.OPERATION_NAME: name, semconv.MEMORY_STORE_ID: backend}


class WorkflowObservability(ComponentObservability):
    """Workflows and their steps."""

    def __init__(self, provider: ObservabilityProvider | None = None) -> None:
        super().__init__("workflow", provider)

    def trace_workflow_execution(self, workflow_id: str, workflow_type: str, step_count: int) -> SpanBlock:
        """Return a block that is a run of the workflow: ``invoke_workflow {workflow_id}``."""
        return self.trace_operation("execute", workflow_id=workflow_id, workflow_type=workflow_type, step_count=step_count)

    def trace_step_execution(self, workflow_id: str, step_name: str, step_type: str) -> SpanBlock:
        """Return a block that is a step: ``workflow_step {step_name}``."""
        return self.trace_operation("execute_step", workflow_id=workflow_id, step_name=step_name, step_type=step_type)

    @guarded("compat.record_workflow_duration", None)
    def record_workflow_duration(self, workflow_id: str, duration_ms: float, success: bool) -> None:
        """Record how long a run took, unless one of this workflow is going on, which measures itself."""
        around = recording.inside(WorkflowRun, workflow_id)
        recording.report_duration(around, semconv.WORKFLOW_DURATION, duration_ms, success, {semconv.WORKFLOW_NAME: workflow_id})

    @guarded("compat.record_step_performance", None)
    def record_step_performance(self, workflow_id: str, step_name: str, step_type: str, duration_ms: float, success: bool) -> None:  # noqa: ARG002 - no label
        """Record how long a step took, unless it is going on, which measures itself."""
        labels = {semconv.WORKFLOW_NAME: workflow_id, semconv.STEP_NAME: step_name}
        recording.report_duration(recording.inside(StepRun, step_name), semconv.STEP_DURATION, duration_ms, success, labels)

    @guarded("compat.record_workflow_error", None)
    def record_workflow_error(self, workflow_id: str, step_name: str | None, error_type: str) -> None:
        """Report an error of a step, or of the workflow, and log it."""
        where = f"step {step_name}" if step_name else "workflow"
        told = {"workflow_id": workflow_id, "step_name": step_name, "error_type": error_type}
        self._log_error(f"Workflow error in {where}: {error_type}", told)
        labels: dict[str, Any] = {semconv.OPERATION_NAME: semconv.INVOKE_WORKFLOW, semconv.WORKFLOW_NAME: workflow_id}
        if step_name:
            labels |= {semconv.OPERATION_NAME: semconv.WORKFLOW_STEP, semconv.STEP_NAME: step_name}
        around = recording.inside(StepRun, step_name) if step_name else recording.inside(WorkflowRun, workflow_id)
        recording.report_error(around, error_type, labels)


def create_agent_observability(provider: ObservabilityProvider | None = None) -> AgentObservability:
    """Return what observes agents."""
    return AgentObservability(provider)


def create_tool_observability(provider: ObservabilityProvider | None = None) -> ToolObservability:
    """Return what observes tools."""
    return ToolObservability(provider)


def create_session_observability(provider: ObservabilityProvider | None = None) -> SessionObservability:
    """Return what observes sessions."""
    return SessionObservability(provider)


def create_memory_observability(provider: ObservabilityProvider | None = None) -> MemoryObservability:
    """Return what observes memory."""
    return MemoryObservability(provider)


def create_workflow_observability(provider: ObservabilityProvider | None = None) -> WorkflowObservability:
    """Return what observes workflows."""
    return WorkflowObservability(provider)


def create_all_observability_integrations(provider: ObservabilityProvider | None = None) -> dict[str, ComponentObservability]:
    """Return all five by the name of their component."""
    return {
        "agent": create_agent_observability(provider),
        "tool": create_tool_observability(provider),
        "session": create_session_observability(provider),
        "memory": create_memory_observability(provider),
        "workflow": create_workflow_observability(provider),
    }
