"""Spans as LangSwarm's API shows them, over OpenTelemetry's; what is asked of them is read off the span itself."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN, format_span_id, format_trace_id, get_current_span

from langswarm_otel import current, semconv
from langswarm_otel.compat import vocabulary
from langswarm_otel.compat.data import SpanStatus, moment
from langswarm_otel.compat.notes import say_once
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.inference import InferenceRun
from langswarm_otel.components.run import RUN_KEY, Run
from langswarm_otel.components.tool import ToolRun
from langswarm_otel.components.traced import TracedRun
from langswarm_otel.content.safe import safe_attributes, safe_value
from langswarm_otel.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_FAILURES: Final = {
    "error": semconv.OTHER,
    "failed": semconv.OTHER,
    "failure": semconv.OTHER,
    "timeout": "timeout",
    "cancelled": "cancelled",
}
"""Words of a status that mean a failure, and the type of error that they tell."""

_TAG_OF: Final = {attribute: tag for tag, attribute in reversed(vocabulary.STANDARD.items())}


class Tags(MutableMapping[str, Any]):
    """The tags of a span, which are its attributes; writing one is ``add_tag``."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __getitem__(self, key: str) -> Any:
        for name, value in self._present():
            if name == key:
                return value
        raise KeyError(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._span.add_tag(key, value)

    def __delitem__(self, key: str) -> None:
        say_once("a tag that was written to a span cannot be taken away again")

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._present()])

    def __len__(self) -> int:
        return len(self._present())

    def __repr__(self) -> str:
        return repr(dict(self._present()))

    def _present(self) -> list[tuple[str, Any]]:
        attributes: Mapping[str, Any] = getattr(self._span.otel, "attributes", None) or {}
        return [(_TAG_OF.get(key) or key.removeprefix(semconv.TAG_PREFIX), value) for key, value in dict(attributes).items()]


class Span:
    """One span, with the methods and fields that LangSwarm's has; ids are W3C's, in hexadecimal digits."""

    __slots__ = ("_error_type", "_quiet", "_run", "component", "operation_name", "otel")

    def __init__(
        self, otel: Any, run: Run | None = None, *, operation_name: str | None = None, component: str | None = None, quiet: bool = False
    ) -> None:
        """Show a span of OpenTelemetry's.

        Args:
            otel: the span.
            run: our operation that it is the span of, if it is one's.
            operation_name: what LangSwarm calls it; the span's name by default.
            component: part of LangSwarm that it is about.
            quiet: whether tags with a meaning are left out, since somebody else reports what they say.
        """
        self.otel = otel
        """The span itself, for whatever OpenTelemetry can do."""
        self._run = run
        self._quiet = quiet
        self._error_type: str | None = None
        self.operation_name: str = operation_name or str(getattr(otel, "name", ""))
        """What LangSwarm calls the operation."""
        self.component = component
        """Part of LangSwarm that it is about."""

    @guarded("compat.add_tag", None)
    def add_tag(self, key: str, value: Any) -> None:
        """Put a tag on the span; None is left out, and what a tag reports (tokens, a failure) is reported to the operation."""
        if value is None or (self._run is not None and self._run.finished):
            return
        tag = key if type(key) is str else str(key)
        if not self._report(tag, value):
            policy = current.telemetry().policy if self._run is None else self._run.telemetry.policy
            self._write(vocabulary.attributes_of(tag, value, policy))

    def _write(self, attributes: tuple[tuple[str, Any], ...]) -> None:
        for name, value in attributes:
            safe = safe_value(value)
            if name and safe is not None and self.otel.is_recording():
                self.otel.set_attribute(name, safe)

    def _report(self, tag: str, value: Any) -> bool:
        """Take a tag that means something to the operation; False if it is one to be written."""
        run = self._run
        if self._quiet:
            return tag in vocabulary.STANDARD or tag in vocabulary.SUPERFLUOUS or tag in vocabulary.TOKENS or "error" in tag
        if run is None:
            return False
        if self._report_outcome(run, tag, value):
            return True
        return tag == "auto_instrumented" if isinstance(run, TracedRun) else self._report_work(run, tag, value)

    def _report_outcome(self, run: Run, tag: str, value: Any) -> bool:
        if tag in vocabulary.ERROR_TYPES:
            self._error_type = str(value)
            run.record_error(error_type=self._error_type)
            return True
        if tag not in vocabulary.SUCCESSES and tag != "error":
            return False
        if value is (tag == "error"):
            self.set_status("error")
        return isinstance(value, bool)

    def _report_work(self, run: Run, tag: str, value: Any) -> bool:
        if tag in vocabulary.INPUTS:
            run.input(value)
        elif tag in vocabulary.OUTPUTS:
            run.output(value)
        elif tag in vocabulary.TOKENS and isinstance(run, InferenceRun):
            run.usage(**{tag: value})
        elif tag == vocabulary.OF_METHOD and isinstance(run, ToolRun):
            run.set_attribute(semconv.TOOL_METHOD, value or None)
        else:  # the tokens of an agent are those of its calls
            return tag in vocabulary.SUPERFLUOUS or (tag in vocabulary.TOKENS and isinstance(run, AgentRun))
        return True

    set_attribute = add_tag
    """OpenTelemetry's name for the same."""

    @guarded("compat.set_status", None)
    def set_status(self, status: Any, description: object = None) -> None:  # noqa: ARG002 - a description may quote content
        """Say how it went: ``"error"`` and its like make the operation a failure, anything else changes nothing."""
        error_type = _FAILURES.get(str(getattr(status, "value", status)).lower())
        if error_type is None or self._quiet or self._run is None or self._run.finished:
            return
        self._error_type = self._error_type or error_type
        self._run.record_error(error_type=self._error_type)

    @guarded("compat.add_log", None)
    def add_log(self, message: str, **fields: Any) -> None:
        """Leave a log entry on the span, as an event of its own."""
        if not self.otel.is_recording():
            return
        policy = current.telemetry().policy
        attributes = {semconv.LOG_MESSAGE: str(message)}
        for key, value in fields.items():
            if value is not None:
                attributes.update(vocabulary.attributes_of(key, value, policy))
        self.otel.add_event(semconv.EVENT_LOG, safe_attributes(attributes))

    @property
    def tags(self) -> Tags:
        """Its tags, to read and to write."""
        return Tags(self)

    @property
    def trace_id(self) -> str:
        """Id of its trace, 32 hexadecimal digits."""
        return format_trace_id(self.otel.get_span_context().trace_id)

    @property
    def span_id(self) -> str:
        """Its id, 16 hexadecimal digits."""
        return format_span_id(self.otel.get_span_context().span_id)

    @property
    def parent_span_id(self) -> str | None:
        """Id of its parent, 16 hexadecimal digits; None for a root, and for a span that is not sampled."""
        parent = getattr(self.otel, "parent", None)
        return None if parent is None else format_span_id(parent.span_id)

    @property
    def start_time(self) -> datetime | None:
        """When it began, in UTC."""
        return moment(self._start_ns)

    @property
    def end_time(self) -> datetime | None:
        """When it ended, in UTC; None while it goes on."""
        return moment(getattr(self.otel, "end_time", None))

    @property
    def duration_ms(self) -> float | None:
        """How long it took, in milliseconds; None while it goes on."""
        start_ns, end_ns = self._start_ns, getattr(self.otel, "end_time", None)
        return None if start_ns is None or end_ns is None else (end_ns - start_ns) / 1e6

    @property
    def elapsed_ms(self) -> float | None:
        """How long it has been going on, or took, in milliseconds."""
        if self._run is None or self._run.finished:
            return self.duration_ms
        return (self._run.now_ns() - self._run.start_ns) / 1e6

    @property
    def _start_ns(self) -> int | None:
        start_ns: int | None = getattr(self.otel, "start_time", None)
        return start_ns if start_ns is not None or self._run is None else self._run.start_ns

    @property
    def status(self) -> SpanStatus:
        """Whether it failed, so far."""
        code = getattr(getattr(self.otel, "status", None), "status_code", None)
        return SpanStatus.ERROR if self._error_type is not None or getattr(code, "name", None) == "ERROR" else SpanStatus.OK

    @status.setter
    def status(self, status: Any) -> None:
        self.set_status(status)

    @property
    def logs(self) -> list[dict[str, Any]]:
        """Its log entries, so far."""
        entries = []
        for event in getattr(self.otel, "events", ()):
            if event.name == semconv.EVENT_LOG:
                fields = {key.removeprefix(semconv.TAG_PREFIX): value for key, value in dict(event.attributes or {}).items()}
                at = moment(event.timestamp)
                entries.append({"timestamp": at and at.isoformat(), "message": fields.pop(semconv.LOG_MESSAGE, ""), **fields})
        return entries

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Span) and self.otel.get_span_context() == other.otel.get_span_context()

    def __hash__(self) -> int:
        return hash(self.otel.get_span_context())

    def __repr__(self) -> str:
        return f"<Span {self.operation_name} {self.span_id} of trace {self.trace_id}>"


def no_span(operation_name: str = "", component: str | None = None) -> Span:
    """Return a span on which nothing is recorded."""
    return Span(INVALID_SPAN, operation_name=operation_name, component=component)


def running_here() -> Run | None:
    """Return the innermost operation of ours that is going on, if it is one whose span is the current one."""
    context = get_current()
    run, otel = context.get(RUN_KEY), get_current_span(context)
    while isinstance(run, Run):
        if run.has_span:
            return run if run.span is otel and not run.finished else None
        run = run.parent
    return None


def current_span() -> Span | None:
    """Return the current span; None outside of every span."""
    otel = get_current_span()
    return Span(otel, running_here()) if otel.get_span_context().is_valid else None
