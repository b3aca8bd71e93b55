"""Calls of a tool: ``execute_tool``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import semconv
from langswarm_otel.components import captured, genai_interop
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.signals.telemetry import Telemetry


class ToolOperation(Operation["ToolRun"]):
    """Describes calls of one tool."""

    def __init__(self, resolve: Callable[[], Telemetry], name: str, *, call_id: str | None = None, tool_type: str | None = None) -> None:
        """Describe the tool.

        Args:
            resolve: returns the telemetry to use, at the beginning of each call.
            name: name of the tool; beyond 500 names the metrics say ``_OTHER``, since models invent some.
            call_id: identity of this very call, as the model gave it; on the span only.
            tool_type: ``function``, ``extension`` or ``datastore``.
        """
        super().__init__(resolve)
        self.name = named(name)
        self.call_id = named_or_none(call_id)
        self.tool_type = named_or_none(tool_type)

    def make(self, telemetry: Telemetry) -> ToolRun:
        """Return a call that has not begun."""
        return ToolRun(telemetry, self)


class ToolRun(Run):
    """One call of a tool."""

    operation_name = semconv.EXECUTE_TOOL
    duration = semconv.TOOL_DURATION
    input_key = semconv.TOOL_CALL_ARGUMENTS
    output_key = semconv.TOOL_CALL_RESULT

    _described: ToolOperation

    @property
    def call(self) -> None:
        """None: inferences inside are calls of their own."""
        return

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described = self._described
        attributes: dict[str, Any] = {semconv.OPERATION_NAME: semconv.EXECUTE_TOOL, semconv.TOOL_NAME: described.name}
        if described.tool_type is not None:
            attributes[semconv.TOOL_TYPE] = described.tool_type
        if described.call_id is not None:
            attributes[semconv.TOOL_CALL_ID] = described.call_id
        if self.scope.agent_name is not None:
            attributes[semconv.AGENT_NAME] = self.scope.agent_name
        return f"execute_tool {self.fold(semconv.TOOL_NAME, described.name)}", attributes

    def prepare(self, inside: dict[str, object], context: Context) -> None:  # noqa: ARG002 - as the base class has it
        """Count as a call of the agent, and clear the marks of an inference that this runs in."""
        if self.agent is not None:
            self.agent.count_tool()
        genai_interop.clear_marks(inside)

    def called(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep the arguments of a decorated tool, if the gate is open."""
        captured.keep_call(self, function, args, kwargs)

    def returned(self, result: Any) -> None:
        """Keep the result of a decorated tool, if the gate is open."""
        self.output(result)

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.EXECUTE_TOOL, self._described.name, self._described.tool_type, self.scope.agent_name

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the tool's metrics."""
        fold = self.telemetry.instruments.fold
        labels = {semconv.TOOL_NAME: fold(semconv.TOOL_NAME, self._described.name)}
        if self._described.tool_type is not None:
            labels[semconv.TOOL_TYPE] = fold(semconv.TOOL_TYPE, self._described.tool_type)
        if self.scope.agent_name is not None:
            labels[semconv.AGENT_NAME] = fold(semconv.AGENT_NAME, self.scope.agent_name)
        return labels
