"""Steps of a workflow: ``workflow_step``, for which there is no standard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import semconv
from langswarm_otel.components import genai_interop
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.signals.telemetry import Telemetry


class StepOperation(Operation["StepRun"]):
    """Describes runs of one step."""

    def __init__(self, resolve: Callable[[], Telemetry], name: str, *, index: int | None = None, step_type: str | None = None) -> None:
        """Describe the step.

        Args:
            resolve: returns the telemetry to use, at the beginning of each run.
            name: name of the step, of which there are few.
            index: place in the workflow, counting from 0.
            step_type: kind of step, such as ``agent``, ``tool`` or ``transform``.
        """
        super().__init__(resolve)
        self.name = named(name)
        self.index = index if isinstance(index, int) else None
        self.step_type = named_or_none(step_type)

    def make(self, telemetry: Telemetry) -> StepRun:
        """Return a run that has not begun."""
        return StepRun(telemetry, self)


class StepRun(Run):
    """One run of a step."""

    operation_name = semconv.WORKFLOW_STEP
    duration = semconv.STEP_DURATION

    _described: StepOperation

    @property
    def call(self) -> None:
        """None: inferences inside are calls of their own."""
        return

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described = self._described
        pairs: tuple[tuple[str, Any], ...] = (
            (semconv.STEP_NAME, described.name),
            (semconv.WORKFLOW_NAME, self.scope.workflow_name),
            (semconv.STEP_INDEX, described.index),
            (semconv.STEP_TYPE, described.step_type),
        )
        return f"workflow_step {self.fold(semconv.STEP_NAME, described.name)}", {key: value for key, value in pairs if value is not None}

    def prepare(self, inside: dict[str, object], context: Context) -> None:  # noqa: ARG002 - as the base class has it
        """Clear the marks of a call that this runs in."""
        genai_interop.clear_marks(inside)

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.WORKFLOW_STEP, self._described.name, self.scope.workflow_name

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the duration."""
        fold = self.telemetry.instruments.fold
        labels = {semconv.STEP_NAME: fold(semconv.STEP_NAME, self._described.name)}
        if self.scope.workflow_name is not None:
            labels[semconv.WORKFLOW_NAME] = fold(semconv.WORKFLOW_NAME, self.scope.workflow_name)
        return labels
