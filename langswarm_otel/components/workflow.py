"""Runs of a workflow: ``invoke_workflow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import semconv
from langswarm_otel.components import genai_interop
from langswarm_otel.components.naming import named
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.context import Scope
    from langswarm_otel.signals.telemetry import Telemetry


class WorkflowOperation(Operation["WorkflowRun"]):
    """Describes runs of one workflow."""

    def __init__(self, resolve: Callable[[], Telemetry], name: str) -> None:
        """Describe the workflow.

        Args:
            resolve: returns the telemetry to use, at the beginning of each run.
            name: name of the workflow, of which there are few.
        """
        super().__init__(resolve)
        self.name = named(name)

    def make(self, telemetry: Telemetry) -> WorkflowRun:
        """Return a run that has not begun."""
        return WorkflowRun(telemetry, self)


class WorkflowRun(Run):
    """One run of a workflow."""

    operation_name = semconv.INVOKE_WORKFLOW
    duration = semconv.WORKFLOW_DURATION

    _described: WorkflowOperation

    @property
    def call(self) -> None:
        """None: inferences inside are calls of their own."""
        return

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        name = self._described.name
        shown = self.fold(semconv.WORKFLOW_NAME, name)
        return f"invoke_workflow {shown}", {semconv.OPERATION_NAME: semconv.INVOKE_WORKFLOW, semconv.WORKFLOW_NAME: name}

    def scope_inside(self) -> Scope:
        """Return the scope inside: this workflow."""
        return self.scope._replace(workflow_name=self._described.name)

    def prepare(self, inside: dict[str, object], context: Context) -> None:  # noqa: ARG002 - as the base class has it
        """Clear the marks of a call that this runs in."""
        genai_interop.clear_marks(inside)

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.INVOKE_WORKFLOW, self._described.name

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the duration."""
        return {semconv.WORKFLOW_NAME: self.telemetry.instruments.fold(semconv.WORKFLOW_NAME, self._described.name)}
