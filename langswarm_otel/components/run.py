"""The shared life of one run of an operation: started once, finished once whatever ends it, and never in the caller's way."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from opentelemetry.context import Context, attach, create_key, get_current
from opentelemetry.trace import NonRecordingSpan, Span, SpanKind, Status, StatusCode, get_current_span

from langswarm_otel import semconv
from langswarm_otel.components import accounting, captured, settling
from langswarm_otel.components.outcome import error_type, outcome_of
from langswarm_otel.components.reporting import Reporting
from langswarm_otel.context import NO_SCOPE, SCOPE_KEY, SPAN_KEY, Scope, current_scope
from langswarm_otel.guard import record_fault
from langswarm_otel.propagation import origin_links
from langswarm_otel.usage import NO_USAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.components.agent import AgentRun
    from langswarm_otel.components.inference import InferenceRun
    from langswarm_otel.signals.subjects import Subject
    from langswarm_otel.signals.telemetry import Telemetry

RUN_KEY: Final = create_key("langswarm_otel.run")
"""Context key of the innermost run of ours."""

_END_OF_TIME: Final = 2**63
"""Nanoseconds since 1970 that no telemetry lives to see; 64 bits hold what is before."""

_ENDED: Final = {outcome: ((semconv.OUTCOME, outcome),) for outcome in (semconv.OK, semconv.ERROR, semconv.CANCELLED, semconv.ABANDONED)}
"""The label of each outcome."""


class Run(Reporting):
    """One run of an operation.

    A kind of operation says what its span is called and carries (``describe``), what scope holds inside (``scope_inside``), and what it
    measures at the end (``measure``). Everything else is here. A fault of the telemetry is counted; the run goes on without it.
    """

    span_kind: ClassVar[SpanKind] = SpanKind.INTERNAL
    """Kind of the span."""

    has_span: bool = True
    """Whether the run has a span of its own; otherwise ``span`` is the one around it, and is neither changed at the end nor ended."""

    is_root: ClassVar[bool] = True
    """Whether the outermost run of this kind carries the totals of everything below it."""

    operation_name: str = semconv.OTHER
    """Value of ``gen_ai.operation.name`` on token and cost metrics."""

    duration: ClassVar[semconv.Metric]
    """Metric of the time that a run takes."""

    previous: Context
    """What was current outside."""

    scope: Scope = NO_SCOPE
    """What the run was started in."""

    parent: Run | None = None
    """Innermost run of ours around this one."""

    totals: accounting.Totals | None = None
    """What everything below used up, on the root."""

    response_model: str | None = None
    """Model that answered, as the provider calls it."""

    # Of the runs around: a run that pointed at itself would be left to the garbage collector.
    _root: Run | None = None
    _agent: AgentRun | None = None
    _call: InferenceRun | None = None

    _begun_ns: int = 0
    _elapses: bool = False

    # How it ended, known while the end is carried out.
    _duration_s: float = 0.0
    _outcome: semconv.Outcome = semconv.OK
    _error_type: str | None = None
    _end_labels: tuple[tuple[str, str], ...] = ()

    def __init__(self, telemetry: Telemetry, described: Any) -> None:
        """Make a run that has not begun.

        Args:
            telemetry: what it emits into.
            described: the operation that it is a run of.
        """
        self.telemetry = telemetry
        self._described = described

    # What a kind decides.

    def fold(self, key: str, name: str) -> str:
        """Return a name for the span's name: itself, or ``_OTHER`` where a client or a model has made up too many."""
        return self.telemetry.instruments.fold(key, name)

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the name of the span and the attributes that it starts with, which samplers see."""
        raise NotImplementedError

    def scope_inside(self) -> Scope | None:
        """Return the scope inside; None if it is the one outside."""
        return None

    def prepare(self, inside: dict[str, object], context: Context) -> None:
        """Change further entries of the context inside.

        Args:
            inside: the entries, so far those of the context outside.
            context: the context outside.
        """

    def identity(self) -> tuple[object, ...]:
        """Return everything that ``labels`` is made of."""
        raise NotImplementedError

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the metrics, but for the outcome."""
        raise NotImplementedError

    def client(self, subject: Subject) -> Subject:  # noqa: ARG002 - for kinds that are one
        """Return whom token and cost metrics are about.

        Args:
            subject: whom the other metrics of this run are about.
        """
        return self.telemetry.subjects.of(self.client_identity(), self.client_labels)

    def measure(self, subject: Subject, attributes: dict[str, Any]) -> None:  # noqa: ARG002 - for kinds that need it
        """Record the metrics of the end, and add to the span's last attributes.

        Args:
            subject: whom they are about.
            attributes: what will be set on the span.
        """
        subject.record(self.duration, self._duration_s, self.context, self._end_labels)

    def called(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take the arguments of a decorated call, for kinds whose content they are."""

    def returned(self, result: Any) -> None:
        """Take the result of a decorated call, for kinds whose content it is."""

    @property
    def root(self) -> Run | None:
        """Outermost run of ours that carries totals, this one included."""
        return self if self._root is None and self.is_root else self._root

    @property
    def agent(self) -> AgentRun | None:
        """Innermost agent at work, this one included."""
        return self._agent

    @property
    def call(self) -> InferenceRun | None:
        """Inference in progress, this one included; what runs inside of a tool or an agent is a call of its own again."""
        return self._call

    @property
    def provider(self) -> str | None:
        """Provider that tokens of this run are paid to."""
        return self.scope.provider

    @property
    def model(self) -> str | None:
        """Model that tokens of this run are priced by."""
        return self.scope.model

    @property
    def agent_name(self) -> str | None:
        """Agent that tokens of this run are booked on."""
        return self.scope.agent_name

    @property
    def usage_provider(self) -> str | None:
        """The provider whose reports of usage this run reads."""
        return self.provider

    # The life.

    def start(self, context: Context, start_ns: int | None = None) -> None:
        """Begin, in a context that is given; nothing is attached, and nothing is raised.

        Args:
            context: what is current outside.
            start_ns: when it began, in nanoseconds since 1970; None means now.
        """
        settling.settle()
        self.previous = context
        try:
            self._begun_ns = time.perf_counter_ns()
            given = None if start_ns is None else _moment(start_ns)
            if given is None:
                clock = self.telemetry.clock
                self._elapses = clock is time.time_ns
                self.start_ns = clock()
            else:
                self.start_ns = given
            self._take_place(context)
            self._open(context)
        except Exception as error:  # noqa: BLE001 - the caller's work must go on without telemetry
            record_fault("start of operation", error)
            self.finished = True
            self.span = NonRecordingSpan(get_current_span(context).get_span_context())
            self.context = Context(context)

    def _take_place(self, context: Context) -> None:
        self.scope = current_scope(context)
        parent = context.get(RUN_KEY)
        if isinstance(parent, Run):
            self.parent = parent
            self._root = parent.root
            self._agent = parent.agent
            self._call = parent.call
        if self._root is None and self.is_root:
            self.totals = accounting.Totals()

    def _open(self, context: Context) -> None:
        inside: dict[str, object] = {**context, RUN_KEY: self}
        scope = self.scope_inside()
        if scope is not None:
            inside[SCOPE_KEY] = scope
        self.prepare(inside, context)
        if self.has_span:
            self.span = inside[SPAN_KEY] = self._start_span(context)
        else:
            self.span = get_current_span(context)
        self.context = Context(inside)

    def _start_span(self, context: Context) -> Span:
        try:
            name, attributes = self.describe()
            scope = self.scope
            if scope.conversation_id is not None:
                attributes[semconv.CONVERSATION_ID] = scope.conversation_id
            if scope.user_hash is not None:
                attributes[semconv.USER_HASH] = scope.user_hash
            if scope.user_id is not None and self.telemetry.policy.capture_user_id:
                attributes[semconv.USER_ID] = scope.user_id
            return self.telemetry.tracer.start_span(name, context, self.span_kind, attributes, origin_links(context), self.start_ns)
        except Exception as error:  # noqa: BLE001 - a tracer or sampler that fails costs the span, not the metrics
            record_fault("start of span", error)
            return NonRecordingSpan(get_current_span(context).get_span_context())

    def now_ns(self) -> int:
        """Return the time of this run's clock, in nanoseconds since 1970; it never goes back while the run lasts."""
        if self._elapses:
            return self.start_ns + time.perf_counter_ns() - self._begun_ns
        try:
            return self.telemetry.clock()
        except Exception as error:  # noqa: BLE001 - a clock of somebody else's
            record_fault("clock", error)
            return time.time_ns()

    def enter(self) -> None:
        """Make the context inside current."""
        self.previous = get_current()
        attach(self.context)

    def leave(self) -> None:
        """Make the context outside current again, if the one inside still is."""
        current = get_current()
        if current is self.context or (self.finished and current.get(RUN_KEY) is self):
            attach(self.previous)

    def finish(self, error: BaseException | None = None, *, end_ns: int | None = None) -> None:
        """End the run; only the first call counts, and nothing is raised.

        Args:
            error: what ended it; None means that it went well, unless an error has been reported.
            end_ns: when it ended, in nanoseconds since 1970; None means now.
        """
        if self.finished:
            return
        self.finished = True
        if end_ns is not None:
            end_ns = _moment(end_ns)
        if type(error) is GeneratorExit:
            close = functools.partial(self._close, error, self.now_ns() if end_ns is None else end_ns)
            if settling.put_aside(close):
                return
            close()
        else:
            self._close(error, end_ns)

    def _close(self, error: BaseException | None, end_ns: int | None) -> None:
        attributes: dict[str, Any] = {}
        try:
            if end_ns is None:
                end_ns = self.now_ns()
            self._duration_s = max(end_ns - self.start_ns, 0) / 1e9
            self._judge(error, attributes)
            self._conclude(attributes)
        except Exception as fault:  # noqa: BLE001 - the span must end whatever else fails
            record_fault("end of operation", fault)
        if self.has_span:
            if self._pieces is not None:
                self.output_whole(self._pieces)
            self._end_span(attributes, end_ns)
        # The context holds this run: without the way back, both are freed at once instead of by the garbage collector.
        self.context = self.previous

    def _judge(self, error: BaseException | None, attributes: dict[str, Any]) -> None:
        if error is not None:
            self._outcome = outcome_of(error)
            self._error_type = None if self._outcome == semconv.ABANDONED else error_type(error)
        elif self._reported_error is not None:
            self._outcome, self._error_type = semconv.ERROR, self._reported_error
        elif self._open_streams > 0:
            self._outcome = semconv.ABANDONED
        attributes[semconv.OUTCOME] = self._outcome
        if self._error_type is None:
            self._end_labels = _ENDED[self._outcome]
            return
        attributes[semconv.ERROR_TYPE] = self._error_type
        self._end_labels = (
            *_ENDED[self._outcome],
            (semconv.ERROR_TYPE, self.telemetry.instruments.fold(semconv.ERROR_TYPE, self._error_type)),
        )
        if error is not None and self._outcome == semconv.ERROR and self.has_span:
            captured.keep_exception(self, error)

    def subject(self) -> Subject:
        """Return whom the metrics of this run are about."""
        return self.telemetry.subjects.of(self.identity(), self.labels)

    def client_identity(self) -> tuple[object, ...]:
        """Return everything that ``client_labels`` is made of."""
        return "client", self.operation_name, self.provider, self.model, self.response_model, self.agent_name

    def client_labels(self) -> dict[str, Any]:
        """Return the attributes that every client metric carries."""
        fold = self.telemetry.instruments.fold
        pairs = (
            (semconv.PROVIDER_NAME, self.provider),
            (semconv.REQUEST_MODEL, self.model),
            (semconv.RESPONSE_MODEL, self.response_model),
            (semconv.AGENT_NAME, self.agent_name),
        )
        labels = {key: fold(key, value) for key, value in pairs if value is not None}
        labels[semconv.OPERATION_NAME] = self.operation_name
        return labels

    def _conclude(self, attributes: dict[str, Any]) -> None:
        if self._attempts:
            attributes[semconv.ATTEMPTS] = self._attempts
        subject = self.subject()
        try:
            self.measure(subject, attributes)
            subject.count_end(self.operation_name, self._outcome == semconv.ERROR, self.context)
        except Exception as fault:  # noqa: BLE001 - the totals are still right
            record_fault("metrics of operation", fault)
        if self._usage is not NO_USAGE or self._attempts or self._actual_cost is not None:
            accounting.account(self, subject, attributes)
        if self.totals is not None:
            self.totals.write(attributes)

    def _end_span(self, attributes: dict[str, Any], end_ns: int | None) -> None:
        span = self.span
        try:
            if not span.is_recording():  # not sampled, or ended by somebody else, such as the process that must go
                return
            span.set_attributes(attributes)
            if attributes.get(semconv.OUTCOME) == semconv.ERROR:
                span.set_status(Status(StatusCode.ERROR, attributes[semconv.ERROR_TYPE]))
        except Exception as fault:  # noqa: BLE001 - the span must end
            record_fault("attributes of span", fault)
        try:
            span.end(end_ns)
        except Exception as fault:  # noqa: BLE001 - a processor that fails must not fail the caller
            record_fault("end of span", fault)


def _moment(given: object) -> int | None:
    """Return a time in nanoseconds since 1970 that OTLP can carry; None, which means now, for anything else."""
    if given is None or (type(given) is int and 0 <= given < _END_OF_TIME):
        return given
    record_fault("time", TypeError("not nanoseconds since 1970"))
    return None
