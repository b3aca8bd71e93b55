"""The operations as users call them: on a handle, or as twins on the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from langswarm_otel import semconv
from langswarm_otel.components import settling
from langswarm_otel.late import late_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.components.agent import AgentOperation
    from langswarm_otel.components.inference import InferenceOperation
    from langswarm_otel.components.memory import MemoryOperation
    from langswarm_otel.components.recording import AgentRecorder, MemoryRecorder, SessionRecorder, ToolRecorder, WorkflowRecorder
    from langswarm_otel.components.session import SessionOperation
    from langswarm_otel.components.step import StepOperation
    from langswarm_otel.components.timer import TimerOperation
    from langswarm_otel.components.tool import ToolOperation
    from langswarm_otel.components.traced import TracedOperation
    from langswarm_otel.components.workflow import WorkflowOperation
    from langswarm_otel.signals.telemetry import Telemetry

F = TypeVar("F", bound="Callable[..., Any]")


class Operations:
    """Makes operations that emit into whatever telemetry is in force when they run.

    What each method returns is used as a block (``with`` or ``async with``, which yields the run), as a decorator of any kind of function,
    or around a stream (``.stream(iterable)``); as often and as parallel as needed.
    """

    def __init__(self, resolve: Callable[[], Telemetry]) -> None:
        """Bind the operations to a source of telemetry.

        Args:
            resolve: returns the telemetry to use; asked at the beginning of every run.
        """
        self._resolve_telemetry = resolve
        settling.watch_collector()

    @property
    def agents(self) -> AgentRecorder:
        """Records executions of agents afterwards."""
        recorder: AgentRecorder = _kind("recording", "AgentRecorder")(self._resolve_telemetry)
        return recorder

    @property
    def tools(self) -> ToolRecorder:
        """Records calls of tools afterwards."""
        recorder: ToolRecorder = _kind("recording", "ToolRecorder")(self._resolve_telemetry)
        return recorder

    @property
    def sessions(self) -> SessionRecorder:
        """Records sessions and messages afterwards."""
        recorder: SessionRecorder = _kind("recording", "SessionRecorder")(self._resolve_telemetry)
        return recorder

    @property
    def memories(self) -> MemoryRecorder:
        """Records operations on memories afterwards."""
        recorder: MemoryRecorder = _kind("recording", "MemoryRecorder")(self._resolve_telemetry)
        return recorder

    @property
    def workflows(self) -> WorkflowRecorder:
        """Records workflows and steps afterwards."""
        recorder: WorkflowRecorder = _kind("recording", "WorkflowRecorder")(self._resolve_telemetry)
        return recorder

    def agent(self, name: str, *, provider: str | None = None, model: str | None = None, agent_id: str | None = None) -> AgentOperation:
        """Runs of an agent: span ``invoke_agent {name}``, their duration, and the model and tool calls that they make themselves.

        Args:
            name: name of the agent, of which there are few.
            provider: provider of the inferences inside that name none.
            model: model of the inferences inside that name none.
            agent_id: identity of this very agent; on the span only.
        """
        _refuse_bare("agent", name)
        made: AgentOperation = _kind("agent", "AgentOperation")(
            self._resolve_telemetry, name, provider=provider, model=model, agent_id=agent_id
        )
        return made

    def inference(
        self,
        *,
        provider: str | None = None,
        model: str | None = None,
        operation: str = semconv.CHAT,
        server_address: str | None = None,
        server_port: int | None = None,
        data_source_id: str | None = None,
    ) -> InferenceOperation:
        """Calls of a model: span ``{operation} {model}``, duration, tokens, cost, time to first chunk.

        Args:
            provider: value of ``gen_ai.provider.name``; None means the agent's.
            model: model that is asked; None means the agent's.
            operation: ``chat``, ``generate_content``, ``text_completion``, ``embeddings`` or ``retrieval``.
            server_address: host that is asked.
            server_port: its port.
            data_source_id: what a retrieval searches.
        """
        made: InferenceOperation = _kind("inference", "InferenceOperation")(
            self._resolve_telemetry,
            provider=provider,
            model=model,
            operation=operation,
            server_address=server_address,
            server_port=server_port,
            data_source_id=data_source_id,
        )
        return made

    def tool(self, name: str, *, call_id: str | None = None, tool_type: str | None = None) -> ToolOperation:
        """Calls of a tool: span ``execute_tool {name}`` and their duration.

        Args:
            name: name of the tool.
            call_id: identity of this very call, as the model gave it; on the span only.
            tool_type: ``function``, ``extension`` or ``datastore``.
        """
        _refuse_bare("tool", name)
        made: ToolOperation = _kind("tool", "ToolOperation")(self._resolve_telemetry, name, call_id=call_id, tool_type=tool_type)
        return made

    def session(self, session_id: str, *, user_id: str | None = None) -> SessionOperation:
        """A session: no span, but conversation and user on every span and log line inside, and the session metrics.

        Args:
            session_id: ``gen_ai.conversation.id``; never on a metric.
            user_id: who takes part; leaves as a salted hash, and as it is only where the configuration allows it.
        """
        _refuse_bare("session", session_id)
        made: SessionOperation = _kind("session", "SessionOperation")(self._resolve_telemetry, session_id, user_id=user_id)
        return made

    def memory(self, operation: str, *, store: str) -> MemoryOperation:
        """Operations on a memory: span ``{operation}``, duration, look-ups by result, numbers of records.

        Args:
            operation: one of the standard seven (``search_memory``, ``create_memory``, ``update_memory``, ``upsert_memory``,
                ``delete_memory``, ``create_memory_store``, ``delete_memory_store``).
            store: name of the store, of which there are few.
        """
        made: MemoryOperation = _kind("memory", "MemoryOperation")(self._resolve_telemetry, operation, store=store)
        return made

    def workflow(self, name: str) -> WorkflowOperation:
        """Runs of a workflow: span ``invoke_workflow {name}`` and their duration.

        Args:
            name: name of the workflow, of which there are few.
        """
        _refuse_bare("workflow", name)
        made: WorkflowOperation = _kind("workflow", "WorkflowOperation")(self._resolve_telemetry, name)
        return made

    def step(self, name: str, *, index: int | None = None, step_type: str | None = None) -> StepOperation:
        """Steps of a workflow: span ``workflow_step {name}`` and their duration.

        Args:
            name: name of the step, of which there are few.
            index: place in the workflow, counting from 0.
            step_type: kind of step, such as ``agent`` or ``tool``.
        """
        _refuse_bare("step", name)
        made: StepOperation = _kind("step", "StepOperation")(self._resolve_telemetry, name, index=index, step_type=step_type)
        return made

    @overload
    def traced(self, name: F, /) -> F: ...
    @overload
    def traced(self, name: str | None = None, /, **attributes: Any) -> TracedOperation: ...
    def traced(self, name: Any = None, /, **attributes: Any) -> Any:
        """Calls of any function: a span and their duration.

        Args:
            name: name of the span, by default the function's; or the function itself, for use as a bare decorator.
            **attributes: further attributes of the span.
        """
        if callable(name):
            return _kind("traced", "TracedOperation")(self._resolve_telemetry, None, {})(name)
        return _kind("traced", "TracedOperation")(self._resolve_telemetry, name, attributes)

    def timer(self, name: str, /, **attributes: Any) -> TimerOperation:
        """A duration in the metric ``langswarm.timer.duration``, without a span.

        Args:
            name: what is timed, of which there are few things.
            **attributes: labels, as far as the catalogue allows them on the metric.
        """
        _refuse_bare("timer", name)
        made: TimerOperation = _kind("timer", "TimerOperation")(self._resolve_telemetry, name, attributes)
        return made


def _kind(module: str, name: str) -> Any:
    """Return a kind of operation, imported when it is first used."""
    return late_name(f"langswarm_otel.components.{module}", name)


def _refuse_bare(operation: str, name: object) -> None:
    """Say where it stands that a decorator lacks its name; otherwise every call of what it decorates would fail."""
    if type(name) is not str and callable(name):
        raise TypeError(f'@{operation} needs a name: write @{operation}("{getattr(name, "__name__", "name")}")')
