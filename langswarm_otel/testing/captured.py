"""What ``capture()`` yields: everything emitted so far, and look-ups that say what there was when they find nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from langswarm_otel.components.settling import settle
from langswarm_otel.testing.reading import read_log, read_points, read_span
from langswarm_otel.tree import TreeNode, render_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from langswarm_otel.testing.handle import CaptureHandle
    from langswarm_otel.testing.records import CapturedLog, CapturedPoint, CapturedSpan

R = TypeVar("R")


class Sinks(Protocol):
    """Where a capture keeps the SDK's objects."""

    def spans(self) -> Sequence[Any]:
        """Return every span that has ended."""
        ...

    def metrics(self) -> Any:
        """Return what the instruments hold, or None if there was none."""
        ...

    def log_records(self) -> Sequence[Any]:
        """Return every log record."""
        ...


class Preparing(Protocol):
    """What happens to records on their way to an exporter: content gate and safe values."""

    def span(self, span: Any, /) -> Any:
        """Return the span as it would be sent."""
        ...

    def log_record(self, readable: Any, /) -> Any:
        """Return the record as it would be sent."""
        ...

    def metrics(self, data: Any, /) -> Any:
        """Return the points as they would be sent."""
        ...


class NotCapturedError(LookupError):
    """What was asked for was not captured, or more than once; the message lists what was."""


class Captured:
    """Spans, metrics and logs of one capture; may be read while it runs and after it has ended."""

    def __init__(self, observability: CaptureHandle, sinks: Sinks, preparing: Preparing) -> None:
        self.observability = observability
        """A private handle whose operations are captured here, wherever they run."""
        self._sinks = sinks
        self._preparing = preparing

    @property
    def spans(self) -> tuple[CapturedSpan, ...]:
        """Every span that has ended, by start time."""
        settle()
        spans = [read_span(self._preparing.span(span)) for span in self._sinks.spans()]
        return tuple(sorted(spans, key=lambda span: (span.start_ns, span.span_id)))

    @property
    def logs(self) -> tuple[CapturedLog, ...]:
        """Every log record, in order."""
        return tuple(read_log(self._preparing.log_record(record)) for record in self._sinks.log_records())

    @property
    def metrics(self) -> tuple[CapturedPoint, ...]:
        """Every metric series, with all that was recorded into it."""
        settle()
        data = self._sinks.metrics()
        return tuple(read_points(self._preparing.metrics(data) if data is not None else None))

    def tree(self) -> str:
        """Return the names of the spans as an indented tree, children by start time."""
        nodes = [
            TreeNode(span_id=s.span_id, parent_id=s.parent_id, name=s.name, start_ns=s.start_ns, end_ns=s.end_ns, trace_id=s.trace_id)
            for s in self.spans
        ]
        return render_tree(nodes, details=False)

    def span(self, name: str) -> CapturedSpan:
        """Return the one span of this name.

        Raises:
            NotCapturedError: there is none, or several.
        """
        spans = self.spans
        return _only(f"span {name!r}", [span for span in spans if span.name == name], (span.name for span in spans), _span_text)

    def log(self, body: object) -> CapturedLog:
        """Return the one log record with this body.

        Raises:
            NotCapturedError: there is none, or several.
        """
        logs = self.logs
        return _only(f"log record {body!r}", [log for log in logs if log.body == body], (repr(log.body) for log in logs), _log_text)

    def metric(self, name: str, attributes: Mapping[str, Any] | None = None, /, **more: Any) -> CapturedPoint:
        """Return the one series of a metric that has these attributes, and perhaps others.

        Args:
            name: name of the metric.
            attributes: attributes that the series must have.
            **more: further ones, for names that are identifiers.

        Raises:
            NotCapturedError: there is none, or several.
        """
        wanted = {**(attributes or {}), **more}
        points = self.metrics
        found = [point for point in points if point.name == name and wanted.items() <= point.attributes.items()]
        asked = f"metric {name!r}" + (f" with {wanted}" if wanted else "")
        return _only(asked, found, map(_point_text, points), _point_text)

    def total(self, name: str, attributes: Mapping[str, Any] | None = None, /) -> float:
        """Return the sum over all series of a metric that have these attributes; 0 if there is none."""
        wanted = dict(attributes or {})
        return sum(point.value for point in self.metrics if point.name == name and wanted.items() <= point.attributes.items())

    def __repr__(self) -> str:
        return f"<Captured {len(self.spans)} spans, {len(self.metrics)} metric series, {len(self.logs)} log records>"


def _only(asked: str, found: Sequence[R], there: Iterable[str], describe: Callable[[R], str]) -> R:
    if len(found) == 1:
        return found[0]
    lines = [describe(one) for one in found] if found else sorted(set(there))
    listing = "\n  ".join(lines) or "nothing"
    says = f"{len(found)} captured" if found else "not captured; there was"
    raise NotCapturedError(f"{asked}: {says}:\n  {listing}")


def _span_text(span: CapturedSpan) -> str:
    return f"{span.name} (span {span.span_id} of trace {span.trace_id}) {dict(span.attributes)}"


def _log_text(log: CapturedLog) -> str:
    return f"{log.body!r} {dict(log.attributes)}"


def _point_text(point: CapturedPoint) -> str:
    counted = "" if point.count is None else f" in {point.count}"
    return f"{point.name} {dict(point.attributes)} = {point.value}{counted}"
