"""What arrived over OTLP, as plain frozen data: ids in lower-case hex, times in nanoseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, Union

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = Union[str, bool, int, float, bytes, tuple["Value", ...], "Mapping[str, Value]", None]
"""An OTLP ``AnyValue``; arrays are tuples, key-value lists are mappings, the empty value is None."""

Attributes: TypeAlias = "Mapping[str, Value]"

Signal: TypeAlias = Literal["traces", "metrics", "logs"]
"""The three signals, as the paths of OTLP/HTTP spell them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The instrumentation scope that emitted a record."""

    name: str = ""
    """Name of the instrumentation library."""

    version: str = ""
    """Its version."""

    schema_url: str = ""
    """Schema of the names it uses."""

    attributes: Attributes = field(default_factory=dict)
    """Attributes of the scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """A span event."""

    name: str
    """Its name."""

    time_ns: int
    """When it happened."""

    attributes: Attributes
    """Its attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLink:
    """A span link."""

    trace_id: str
    """Trace of the linked span, 32 hex digits."""

    span_id: str
    """Id of the linked span, 16 hex digits."""

    attributes: Attributes
    """Attributes of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedSpan:
    """A finished span."""

    trace_id: str
    """32 hex digits."""

    span_id: str
    """16 hex digits."""

    parent_span_id: str | None
    """16 hex digits; None on a root."""

    name: str
    """Span name."""

    kind: str
    """``INTERNAL``, ``CLIENT``, ``SERVER``, ``PRODUCER``, ``CONSUMER`` or ``UNSPECIFIED``."""

    start_ns: int
    """Start."""

    end_ns: int
    """End."""

    status: str
    """``UNSET``, ``OK`` or ``ERROR``."""

    status_message: str
    """Description of the status."""

    attributes: Attributes
    """Its attributes."""

    events: tuple[ReceivedEvent, ...]
    """Its events, in the order sent."""

    links: tuple[ReceivedLink, ...]
    """Its links."""

    trace_state: str
    """W3C tracestate."""

    resource: Attributes
    """Attributes of the resource that emitted it."""

    scope: Scope
    """Scope that emitted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedExemplar:
    """A measurement kept beside a metric point because a trace belongs to it."""

    value: float
    """The measured value."""

    time_ns: int
    """When it was measured."""

    trace_id: str | None
    """32 hex digits, or None outside a trace."""

    span_id: str | None
    """16 hex digits, or None outside a trace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExponentialBuckets:
    """One half, positive or negative, of an exponential histogram."""

    offset: int
    """Index of the first bucket."""

    counts: tuple[int, ...]
    """Measurements in each bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One data point: the state of one series at one time."""

    name: str
    """Name of the metric."""

    unit: str
    """UCUM unit."""

    description: str
    """Its description."""

    kind: Literal["sum", "gauge", "histogram", "exponential_histogram", "summary"]
    """Kind of data."""

    temporality: Literal["", "cumulative", "delta"]
    """Temporality of sums and histograms; empty for gauges and summaries."""

    monotonic: bool
    """Whether a sum can only grow."""

    attributes: Attributes
    """The series' attributes."""

    start_ns: int
    """Start of the interval that the point covers."""

    time_ns: int
    """End of that interval."""

    value: float | None
    """Value of a sum or a gauge; None for the other kinds."""

    count: int
    """Measurements of a histogram or summary."""

    sum: float | None
    """Sum of those measurements, where sent."""

    min: float | None
    """Smallest of them, where sent."""

    max: float | None
    """Greatest of them, where sent."""

    bounds: tuple[float, ...]
    """Explicit bucket boundaries, or the quantiles of a summary."""

    bucket_counts: tuple[int, ...]
    """Measurements in each explicit bucket; one more than ``bounds``."""

    quantile_values: tuple[float, ...]
    """Values at the quantiles of a summary."""

    scale: int
    """Scale of an exponential histogram."""

    zero_count: int
    """Measurements in its zero bucket."""

    positive: ExponentialBuckets | None
    """Its positive half."""

    negative: ExponentialBuckets | None
    """Its negative half."""

    exemplars: tuple[ReceivedExemplar, ...]
    """Exemplars of the point."""

    resource: Attributes
    """Attributes of the resource that emitted it."""

    scope: Scope
    """Scope that emitted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedLog:
    """A log record."""

    time_ns: int
    """When it happened; 0 when the source did not say."""

    observed_ns: int
    """When it was collected."""

    severity_number: int
    """1 (TRACE) to 24 (FATAL4); 0 when unknown."""

    severity_text: str
    """Severity in the source's words."""

    body: Value
    """The body."""

    attributes: Attributes
    """Its attributes."""

    trace_id: str | None
    """32 hex digits, or None outside a trace."""

    span_id: str | None
    """16 hex digits, or None outside a span."""

    event_name: str
    """Name of the event, empty for a plain log line."""

    resource: Attributes
    """Attributes of the resource that emitted it."""

    scope: Scope
    """Scope that emitted it."""


Record: TypeAlias = ReceivedSpan | MetricPoint | ReceivedLog
