"""The data of LangSwarm's observability API, in its own names.

The enumerations are ours, so that LangSwarm need not be imported; a member equals LangSwarm's of the same value, whichever stands first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class _SameValue(Enum):
    """An enumeration whose members equal those of another one with the same value."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Enum) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


class LogLevel(_SameValue):
    """How severe a log line is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class MetricType(_SameValue):
    """Kind of a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    TIMER = "timer"


class SpanStatus(_SameValue):
    """How a span ended."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricPoint:
    """One series of a metric at one moment."""

    name: str
    """Name of the metric."""

    value: float
    """Its sum, its last value, or, of a histogram, the mean of what was recorded; of a timer in milliseconds."""

    metric_type: MetricType
    """Its kind."""

    timestamp: datetime
    """When it was read."""

    tags: Mapping[str, Any] = field(default_factory=dict)
    """What tells the series from the others of its metric."""


def moment(time_ns: int | None) -> datetime | None:
    """Return a time as LangSwarm writes it: UTC, with no time zone on it."""
    return None if time_ns is None else datetime.fromtimestamp(time_ns / 1e9, tz=timezone.utc).replace(tzinfo=None)
