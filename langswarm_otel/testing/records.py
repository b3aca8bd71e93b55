"""What a capture holds, as plain frozen records that compare and print well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedEvent:
    """One event of a span."""

    name: str
    """Name of the event."""

    attributes: Mapping[str, Any]
    """Its attributes."""

    time_ns: int
    """When it happened, in nanoseconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedLink:
    """One link of a span to another."""

    trace_id: str
    """Trace of the other span, 32 hexadecimal digits."""

    span_id: str
    """The other span, 16 hexadecimal digits."""

    attributes: Mapping[str, Any]
    """Attributes of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedSpan:
    """One span that has ended."""

    name: str
    """Name of the span."""

    trace_id: str
    """Its trace, 32 hexadecimal digits."""

    span_id: str
    """Its id, 16 hexadecimal digits."""

    parent_id: str | None
    """Its parent's id, 16 hexadecimal digits; None for a root."""

    kind: str
    """``INTERNAL``, ``CLIENT``, ``SERVER``, ``PRODUCER`` or ``CONSUMER``."""

    attributes: Mapping[str, Any]
    """Its attributes; sequences are tuples."""

    status: str
    """``UNSET``, ``OK`` or ``ERROR``."""

    status_description: str | None
    """What an error status says."""

    events: tuple[CapturedEvent, ...]
    """Its events, in their order."""

    links: tuple[CapturedLink, ...]
    """Its links, in their order."""

    start_ns: int
    """Start, in nanoseconds since the epoch."""

    end_ns: int
    """End, in nanoseconds since the epoch."""

    scope: str
    """Name of the instrumentation scope that made it."""

    resource: Mapping[str, Any] = field(repr=False)
    """Attributes of the resource."""

    raw: Any = field(repr=False, compare=False)
    """The SDK's ``ReadableSpan``, as an exporter would have got it."""

    @property
    def duration_s(self) -> float:
        """Time from start to end, in seconds."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedLog:
    """One log record."""

    body: Any
    """What was logged; of structlog's events, the event."""

    attributes: Mapping[str, Any]
    """Its attributes."""

    severity_text: str | None
    """``INFO``, ``WARN`` and so on."""

    severity_number: int
    """OpenTelemetry's severity, 1 to 24; 0 if it is not given."""

    event_name: str | None
    """Name of the event, for those that have one."""

    trace_id: str | None
    """Trace that it belongs to, 32 hexadecimal digits; None outside any span."""

    span_id: str | None
    """Span that it belongs to, 16 hexadecimal digits; None outside any span."""

    time_ns: int
    """When it happened, in nanoseconds since the epoch."""

    scope: str
    """Name of the logger, or of the instrumentation scope."""

    resource: Mapping[str, Any] = field(repr=False)
    """Attributes of the resource."""

    raw: Any = field(repr=False, compare=False)
    """The SDK's ``ReadableLogRecord``, as an exporter would have got it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedPoint:
    """One metric series, with what was recorded into it during the capture."""

    name: str
    """Name of the metric."""

    unit: str
    """Its unit."""

    kind: str
    """``sum``, ``gauge``, ``histogram`` or ``exponential_histogram``."""

    attributes: Mapping[str, Any]
    """Attributes of the series."""

    value: float
    """The sum or the last value; of a histogram, the sum of what was recorded."""

    count: int | None = None
    """Of a histogram: how many values were recorded."""

    minimum: float | None = None
    """Of a histogram: the smallest value."""

    maximum: float | None = None
    """Of a histogram: the largest value."""

    bounds: tuple[float, ...] = ()
    """Of an explicit histogram: upper bounds of its buckets, but for the last."""

    bucket_counts: tuple[int, ...] = ()
    """Of an explicit histogram: values in each bucket."""

    scope: str
    """Name of the instrumentation scope that recorded it."""

    raw: Any = field(repr=False, compare=False)
    """The SDK's data point."""
