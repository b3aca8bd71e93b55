"""Calls of a model: chat and text completion, embeddings, retrieval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind, get_current_span

from langswarm_otel import semconv
from langswarm_otel.components import accounting, captured, genai_interop
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import RUN_KEY, Run
from langswarm_otel.context import with_values
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.context import Context

    from langswarm_otel.signals.subjects import Subject
    from langswarm_otel.signals.telemetry import Telemetry


class InferenceOperation(Operation["InferenceRun"]):
    """Describes calls of one model."""

    def __init__(
        self,
        resolve: Callable[[], Telemetry],
        *,
        provider: str | None = None,
        model: str | None = None,
        operation: str = semconv.CHAT,
        server_address: str | None = None,
        server_port: int | None = None,
        data_source_id: str | None = None,
    ) -> None:
        """Describe the calls.

        Args:
            resolve: returns the telemetry to use, at the beginning of each call.
            provider: value of ``gen_ai.provider.name``; None means the one that the agent around was declared with.
            model: model that is asked; None means the one that the agent around was declared with.
            operation: ``chat``, ``generate_content``, ``text_completion``, ``embeddings`` or ``retrieval``.
            server_address: host that is asked.
            server_port: its port.
            data_source_id: what a retrieval searches.
        """
        super().__init__(resolve)
        self.provider = named_or_none(provider)
        self.model = named_or_none(model)
        self.operation = named(operation)
        self.group = genai_interop.group_of(self.operation)
        self.server_address = named_or_none(server_address)
        self.server_port = server_port if isinstance(server_port, int) else None
        self.data_source_id = named_or_none(data_source_id)

    def make(self, telemetry: Telemetry) -> InferenceRun:
        """Return a call that has not begun."""
        return InferenceRun(telemetry, self)


class InferenceRun(Run):
    """One call of a model."""

    span_kind = SpanKind.CLIENT
    duration = semconv.CLIENT_OPERATION_DURATION

    _described: InferenceOperation
    _response_id: str | None = None
    _finish_reasons: list[str] | None = None
    _outer: InferenceRun | None = None
    _foreign: Any = None
    _below: Any = None

    def __init__(self, telemetry: Telemetry, described: InferenceOperation) -> None:
        super().__init__(telemetry, described)
        self.operation_name = described.operation
        self.group = described.group
        """Which calls this one can be the same as."""
        if self.group == semconv.RETRIEVAL:
            self.input_key, self.output_key = semconv.RETRIEVAL_QUERY_TEXT, semconv.RETRIEVAL_DOCUMENTS

    @property
    def call(self) -> InferenceRun | None:
        """This call, or the one that it is another description of."""
        return self if self._outer is None else self._outer

    @property
    def provider(self) -> str | None:
        """Provider of the call, by default the agent's."""
        return self._described.provider or self.scope.provider

    @property
    def model(self) -> str | None:
        """Model that is asked, by default the agent's; a retrieval has only one that it names."""
        return self._described.model or (None if self.group == semconv.RETRIEVAL else self.scope.model)

    def response(self, *, model: str | None = None, id: str | None = None, finish_reasons: Iterable[str] | None = None) -> None:  # noqa: A002 - the provider's word
        """Report what the provider says about its answer.

        Args:
            model: model that answered.
            id: identity of the answer.
            finish_reasons: why it ended, for each choice.
        """
        self.response_model = named_or_none(model) or self.response_model
        self._response_id = named_or_none(id) or self._response_id
        try:
            if finish_reasons is not None:
                reasons = [finish_reasons] if isinstance(finish_reasons, str) else finish_reasons
                self._finish_reasons = [named(reason) for reason in reasons]
        except Exception as error:  # noqa: BLE001 - what the caller hands us must not fail the call
            record_fault("response", error)

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described, provider, model, agent_name = self._described, self.provider, self.model, self.scope.agent_name
        attributes: dict[str, Any] = {semconv.OPERATION_NAME: described.operation}
        if provider is not None:
            attributes[semconv.PROVIDER_NAME] = provider
        if model is not None:
            attributes[semconv.REQUEST_MODEL] = model
        if agent_name is not None:
            attributes[semconv.AGENT_NAME] = agent_name
        if described.server_address is not None:
            attributes[semconv.SERVER_ADDRESS] = described.server_address
        if described.server_port is not None:
            attributes[semconv.SERVER_PORT] = described.server_port
        if described.data_source_id is not None:
            attributes[semconv.DATA_SOURCE_ID] = described.data_source_id
        key, subject = (
            (semconv.DATA_SOURCE_ID, described.data_source_id) if self.group == semconv.RETRIEVAL else (semconv.REQUEST_MODEL, model)
        )
        subject = subject and self.fold(key, subject)
        return (f"{described.operation} {subject}" if subject else described.operation), attributes

    def _open(self, context: Context) -> None:
        """Begin a span of its own, unless the call is one that is under way already."""
        outer = self._call
        if outer is not None and outer.group == self.group and not outer.finished:
            self._outer = outer
        else:
            self._foreign = genai_interop.foreign_call(context, self.group)
        if self._outer is None:
            self.telemetry.policy.prices.expect(self.provider, self.model)
        if self._outer is None and self._foreign is None:
            super()._open(context)
        else:
            self.has_span = False
            self.span = get_current_span(context)
            self.context = with_values(context, {RUN_KEY: self})
        if self._outer is None and self._agent is not None and self.group == semconv.CHAT:
            self._agent.count_inference()

    def prepare(self, inside: dict[str, object], context: Context) -> None:  # noqa: ARG002 - as the base class has it
        """Mark the call, so that it is not seen a second time further down."""
        self._below = genai_interop.mark(inside, self.group, capture_content=self.telemetry.policy.capture_content)

    def between_chunks(self, seconds: float) -> None:
        """Record the time between two chunks."""
        subject = self.subject()
        subject.record(semconv.CLIENT_TIME_PER_OUTPUT_CHUNK, seconds, self.context)
        subject.record(semconv.INFERENCE_TIME_PER_OUTPUT_CHUNK, seconds, self.context)

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        described = self._described
        return (*self.client_identity(), described.server_address, described.server_port)

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the client metrics."""
        described = self._described
        labels = self.client_labels()
        if described.server_address is not None:
            labels[semconv.SERVER_ADDRESS] = described.server_address
        if described.server_port is not None:
            labels[semconv.SERVER_PORT] = described.server_port
        return labels

    def client(self, subject: Subject) -> Subject:
        """Return whom token and cost metrics are about: the same."""
        return subject

    def _conclude(self, attributes: dict[str, Any]) -> None:
        if self._outer is not None:
            self._outer.absorb(self)
        elif self._foreign is not None:
            self._leave_with_owner()
        else:
            self._read_below()
            super()._conclude(attributes)

    def absorb(self, inner: InferenceRun) -> None:
        """Take what another description of this same call has found out; called by it."""
        self._usage = self._usage + inner.total_usage
        self.response(model=inner.response_model, id=inner._response_id, finish_reasons=inner._finish_reasons)
        if inner.actual_cost is not None:
            self.cost((self.actual_cost or 0.0) + inner.actual_cost)
        if self._first_chunk_ns is None:
            self._first_chunk_ns = inner._first_chunk_ns

    def _leave_with_owner(self) -> None:
        """Give the call's data to the instrumentor that made the span; only money, which it does not know, is ours to record."""
        genai_interop.publish(
            self._foreign,
            usage=self.total_usage,
            response_model=self.response_model,
            response_id=self._response_id,
            response_finish_reasons=self._finish_reasons,
        )
        accounting.charge(self, self.total_usage.whole, self.subject())

    def _read_below(self) -> None:
        """Take what an instrumentor further down has left; what was reported to us wins."""
        data = self._below
        if data is None:
            return
        self._usage = genai_interop.usage_in(data).updated(self._usage)
        self.response_model = self.response_model or named_or_none(getattr(data, "response_model", None))
        self._response_id = self._response_id or named_or_none(getattr(data, "response_id", None))
        if self._finish_reasons is None:
            self.response(finish_reasons=getattr(data, "response_finish_reasons", None))
        seconds = getattr(data, "response_time_to_first_chunk", None)
        if self._first_chunk_ns is None and isinstance(seconds, float):
            self._first_chunk_ns = self.start_ns + int(seconds * 1e9)
        for key, name, role in ((self.input_key, "input_messages", "user"), (self.output_key, "output_messages", "assistant")):
            captured.keep(self, key, getattr(data, name, None) or None, role)

    def measure(self, subject: Subject, attributes: dict[str, Any]) -> None:
        """Record duration and time to first chunk, and describe the answer."""
        profile, is_inference = self.telemetry.instruments.profile, self.group == semconv.CHAT
        if not (is_inference and profile == "g2"):
            super().measure(subject, attributes)
        if is_inference and profile != "g1":
            subject.record(semconv.INFERENCE_DURATION, self._duration_s, self.context, self._end_labels)
            self._count_failed(subject)
        if self.has_streamed:
            self._describe_stream(subject, attributes)
        if self.response_model is not None:
            attributes[semconv.RESPONSE_MODEL] = self.response_model
        if self._response_id is not None:
            attributes[semconv.RESPONSE_ID] = self._response_id
        if self._finish_reasons:
            attributes[semconv.RESPONSE_FINISH_REASONS] = self._finish_reasons

    def _count_failed(self, subject: Subject) -> None:
        """Count no tokens for a failed call, so that its series are there, as the present conventions ask."""
        if self._outcome != semconv.ERROR or not self.total_usage.is_empty:
            return
        for metric in (semconv.INFERENCE_INPUT_TOKENS, semconv.INFERENCE_OUTPUT_TOKENS):
            subject.record(metric, 0, self.context, accounting.ALL_MODALITIES)

    def _describe_stream(self, subject: Subject, attributes: dict[str, Any]) -> None:
        whole = self._outcome == semconv.OK and not self.total_usage.is_empty
        seconds = self.describe_stream(attributes, whole=whole)
        if attributes.get(semconv.USAGE_PARTIAL) and self.root is not None and self.root.totals is not None:
            self.root.totals.partial = True
        if seconds is not None:
            for metric in (semconv.CLIENT_TIME_TO_FIRST_CHUNK, semconv.INFERENCE_TIME_TO_FIRST_CHUNK):
                subject.record(metric, seconds, self.context)
