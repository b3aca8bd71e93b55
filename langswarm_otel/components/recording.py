"""For callers that only report afterwards: the same telemetry as the live operations make, with the times that are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langswarm_otel import semconv
from langswarm_otel.components.agent import AgentOperation
from langswarm_otel.components.inference import InferenceOperation
from langswarm_otel.components.memory import MemoryOperation
from langswarm_otel.components.session import SessionOperation, count_message
from langswarm_otel.components.step import StepOperation
from langswarm_otel.components.tool import ToolOperation
from langswarm_otel.components.workflow import WorkflowOperation
from langswarm_otel.context import with_scope
from langswarm_otel.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langswarm_otel.components.run import Run
    from langswarm_otel.signals.telemetry import Telemetry


class _Recorder:
    def __init__(self, resolve: Callable[[], Telemetry]) -> None:
        self._resolve = resolve

    def _times(self, duration_s: float, end_time_s: float | None) -> tuple[int, int]:
        """Return beginning and end, in nanoseconds since 1970."""
        end_ns = self._resolve().clock() if end_time_s is None else int(end_time_s * 1e9)
        return end_ns - int(max(duration_s, 0.0) * 1e9), end_ns


def _finish(run: Run, end_ns: int, success: bool, error_type: str | None) -> None:
    if not success:
        run.record_error(error_type=error_type or semconv.OTHER)
    run.finish(end_ns=end_ns)


class AgentRecorder(_Recorder):
    """Executions of agents, reported afterwards."""

    @guarded("record agent execution", None)
    def record_execution(
        self,
        agent_id: str,
        provider: str | None,
        model: str | None,
        input_tokens: int | None,
        output_tokens: int | None,
        response_time_ms: float,
        success: bool,
        *,
        agent_name: str | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        cost_usd: float | None = None,
        error_type: str | None = None,
        end_time_s: float | None = None,
    ) -> None:
        """Record one execution: an agent span with one model call in it, their metrics, tokens and cost.

        Args:
            agent_id: identity of the agent.
            provider: value of ``gen_ai.provider.name``.
            model: model that was asked.
            input_tokens: all input tokens, cache included; None if not known, as for the other tokens.
            output_tokens: all output tokens, reasoning included.
            response_time_ms: how long it took, in milliseconds.
            success: whether it went well.
            agent_name: name of the agent, of which there are few; ``agent_id`` by default.
            cache_read_tokens: part of the input that was read from a prompt cache.
            cache_write_tokens: part of the input that was written to a prompt cache.
            reasoning_tokens: part of the output that was reasoning.
            cost_usd: what it cost in US dollars, if the provider said so; otherwise the price table says it.
            error_type: type of the error, if it failed.
            end_time_s: when it ended, in seconds since 1970; now by default.
        """
        start_ns, end_ns = self._times(response_time_ms / 1000, end_time_s)
        name = agent_name or agent_id
        agent = AgentOperation(self._resolve, name, provider=provider, model=model, agent_id=agent_id).begin(start_ns=start_ns)
        call = InferenceOperation(self._resolve, provider=provider, model=model).begin(agent.context, start_ns=start_ns)
        call.usage(input_tokens=input_tokens, output_tokens=output_tokens, reasoning_tokens=reasoning_tokens)
        call.usage(cache_read_tokens=cache_read_tokens, cache_write_tokens=cache_write_tokens)
        if cost_usd is not None:
            call.cost(cost_usd)
        for run in (call, agent):
            _finish(run, end_ns, success, error_type)


class ToolRecorder(_Recorder):
    """Calls of tools, reported afterwards."""

    @guarded("record tool execution", None)
    def record_execution(
        self,
        tool_name: str,
        duration_s: float,
        success: bool = True,
        *,
        call_id: str | None = None,
        tool_type: str | None = None,
        error_type: str | None = None,
        end_time_s: float | None = None,
    ) -> None:
        """Record one call.

        Args:
            tool_name: name of the tool.
            duration_s: how long it took, in seconds.
            success: whether it went well.
            call_id: identity of the call, as the model gave it.
            tool_type: ``function``, ``extension`` or ``datastore``.
            error_type: type of the error, if it failed.
            end_time_s: when it ended, in seconds since 1970; now by default.
        """
        start_ns, end_ns = self._times(duration_s, end_time_s)
        run = ToolOperation(self._resolve, tool_name, call_id=call_id, tool_type=tool_type).begin(start_ns=start_ns)
        _finish(run, end_ns, success, error_type)


class SessionRecorder(_Recorder):
    """Sessions and their messages, reported afterwards; their ids go on no metric."""

    @guarded("record session", None)
    def record_session(
        self,
        session_id: str,
        duration_s: float,
        success: bool = True,
        *,
        messages: Mapping[str, int] | None = None,
        error_type: str | None = None,
        end_time_s: float | None = None,
    ) -> None:
        """Record one session that is over.

        Args:
            session_id: identity of the session.
            duration_s: how long it lasted, in seconds.
            success: whether it went well.
            messages: number of its messages by role, of those that were not recorded by themselves.
            error_type: type of the error, if it failed.
            end_time_s: when it ended, in seconds since 1970; now by default.
        """
        start_ns, end_ns = self._times(duration_s, end_time_s)
        run = SessionOperation(self._resolve, session_id).begin(start_ns=start_ns)
        for role, number in (messages or {}).items():
            count_message(run.telemetry, role, run.context, number=number)
        _finish(run, end_ns, success, error_type)

    @guarded("record message", None)
    def record_message(self, session_id: str, role: str = "user", *, number: int = 1) -> None:  # noqa: ARG002 - ids go on no metric
        """Record messages of a session.

        Args:
            session_id: identity of the session.
            role: ``user``, ``assistant``, ``system`` or ``tool``.
            number: how many messages.
        """
        count_message(self._resolve(), role, number=number)


class MemoryRecorder(_Recorder):
    """Operations on memories, reported afterwards."""

    @guarded("record memory operation", None)
    def record_operation(
        self,
        operation: str,
        store: str,
        duration_s: float,
        success: bool = True,
        *,
        hit: bool | None = None,
        records: int | None = None,
        error_type: str | None = None,
        end_time_s: float | None = None,
    ) -> None:
        """Record one operation.

        Args:
            operation: one of the standard seven, such as ``search_memory``.
            store: name of the store.
            duration_s: how long it took, in seconds.
            success: whether it went well.
            hit: whether a look-up found something; None if it was none, or is not known.
            records: how many records were found, written or deleted.
            error_type: type of the error, if it failed.
            end_time_s: when it ended, in seconds since 1970; now by default.
        """
        start_ns, end_ns = self._times(duration_s, end_time_s)
        run = MemoryOperation(self._resolve, operation, store=store).begin(start_ns=start_ns)
        if hit is not None:
            (run.hit if hit else run.miss)()
        run.records(records)
        _finish(run, end_ns, success, error_type)


class WorkflowRecorder(_Recorder):
    """Workflows and their steps, reported afterwards."""

    @guarded("record workflow execution", None)
    def record_execution(
        self, workflow_name: str, duration_s: float, success: bool = True, *, error_type: str | None = None, end_time_s: float | None = None
    ) -> None:
        """Record one run.

        Args:
            workflow_name: name of the workflow.
            duration_s: how long it took, in seconds.
            success: whether it went well.
            error_type: type of the error, if it failed.
            end_time_s: when it ended, in seconds since 1970; now by default.
        """
        start_ns, end_ns = self._times(duration_s, end_time_s)
        _finish(WorkflowOperation(self._resolve, workflow_name).begin(start_ns=start_ns), end_ns, success, error_type)

    @guarded("record workflow step", None)
    def record_step(
        self,
        workflow_name: str,
        step_name: str,
        duration_s: float,
        success: bool = True,
        *,
        index: int | None = None,
        step_type: str | None = None,
        error_type: str | None = None,
        end_time_s: float | None = None,
    ) -> None:
        """Record one step.

        Args:
            workflow_name: name of the workflow.
            step_name: name of the step.
            duration_s: how long it took, in seconds.
            success: whether it went well.
            index: place in the workflow, counting from 0.
            step_type: kind of step.
            error_type: type of the error, if it failed.
            end_time_s: when it ended, in seconds since 1970; now by default.
        """
        start_ns, end_ns = self._times(duration_s, end_time_s)
        described = StepOperation(self._resolve, step_name, index=index, step_type=step_type)
        _finish(described.begin(with_scope(workflow_name=workflow_name), start_ns=start_ns), end_ns, success, error_type)
