"""Runs of an agent in this process: ``invoke_agent``."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from langswarm_otel import semconv
from langswarm_otel.components import genai_interop
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run
from langswarm_otel.context import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.signals.subjects import Subject
    from langswarm_otel.signals.telemetry import Telemetry


class AgentOperation(Operation["AgentRun"]):
    """Describes runs of one agent."""

    def __init__(
        self,
        resolve: Callable[[], Telemetry],
        name: str,
        *,
        provider: str | None = None,
        model: str | None = None,
        agent_id: str | None = None,
    ) -> None:
        """Describe the agent.

        Args:
            resolve: returns the telemetry to use, at the beginning of each run.
            name: name of the agent, of which there are few.
            provider: provider of the inferences inside that name none.
            model: model of the inferences inside that name none.
            agent_id: identity of this very agent; on the span only.
        """
        super().__init__(resolve)
        self.name = named(name)
        self.provider = named_or_none(provider)
        self.model = named_or_none(model)
        self.agent_id = named_or_none(agent_id)

    def make(self, telemetry: Telemetry) -> AgentRun:
        """Return a run that has not begun."""
        return AgentRun(telemetry, self)


class AgentRun(Run):
    """One run of an agent."""

    operation_name = semconv.INVOKE_AGENT
    duration = semconv.AGENT_DURATION

    has_asked: bool = False
    """Whether it has made an inference itself, whose tokens are therefore reported there."""

    _described: AgentOperation

    def __init__(self, telemetry: Telemetry, described: AgentOperation) -> None:
        super().__init__(telemetry, described)
        # `next` on a counter is atomic, where `+= 1` from several tasks and threads would lose calls.
        self._inferences = itertools.count()
        self._tools = itertools.count()

    @property
    def agent(self) -> AgentRun:
        """This agent."""
        return self

    @property
    def call(self) -> None:
        """None: inferences inside are calls of their own."""
        return

    @property
    def provider(self) -> str | None:
        """Provider that tokens reported on the agent itself are paid to."""
        return self._described.provider

    @property
    def model(self) -> str | None:
        """Model that tokens reported on the agent itself are priced by."""
        return self._described.model

    @property
    def agent_name(self) -> str:
        """The agent itself."""
        return self._described.name

    def count_inference(self) -> None:
        """Count an inference that this agent makes itself."""
        self.has_asked = True
        next(self._inferences)

    def count_tool(self) -> None:
        """Count a tool call that this agent makes itself."""
        next(self._tools)

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described = self._described
        attributes: dict[str, Any] = {semconv.OPERATION_NAME: semconv.INVOKE_AGENT, semconv.AGENT_NAME: described.name}
        if described.model is not None:
            attributes[semconv.REQUEST_MODEL] = described.model
        if described.agent_id is not None:
            attributes[semconv.AGENT_ID] = described.agent_id
        return f"invoke_agent {self.fold(semconv.AGENT_NAME, described.name)}", attributes

    def scope_inside(self) -> Scope:
        """Return the scope inside: this agent and its defaults."""
        described = self._described
        conversation_id, user_hash, user_id, _, workflow_name, _, _ = self.scope
        return Scope(conversation_id, user_hash, user_id, described.name, workflow_name, described.provider, described.model)

    def prepare(self, inside: dict[str, object], context: Context) -> None:  # noqa: ARG002 - as the base class has it
        """Clear the marks of a call that this runs in."""
        genai_interop.clear_marks(inside)

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.INVOKE_AGENT, self._described.name, self._described.model

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the agent's metrics."""
        fold = self.telemetry.instruments.fold
        labels = {semconv.AGENT_NAME: fold(semconv.AGENT_NAME, self._described.name)}
        if self._described.model is not None:
            labels[semconv.REQUEST_MODEL] = fold(semconv.REQUEST_MODEL, self._described.model)
        return labels

    def measure(self, subject: Subject, attributes: dict[str, Any]) -> None:
        """Record duration and the calls that the agent made itself."""
        super().measure(subject, attributes)
        if self.has_streamed:
            self.describe_stream(attributes, whole=self._outcome == semconv.OK)
        subject.record(semconv.AGENT_INFERENCE_CALLS, next(self._inferences), self.context)
        subject.record(semconv.AGENT_TOOL_CALLS, next(self._tools), self.context)
