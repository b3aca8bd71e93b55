"""What one set of attributes has had since it was last asked: a sum, or explicit buckets, as the SDK would have them."""

from __future__ import annotations

import math
from bisect import bisect_left
from time import time_ns
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import HistogramDataPoint, NumberDataPoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk.metrics.export import DataPointT
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AnyValue

    from langswarm_otel.pipelines.fold import Key


Sample = tuple[float, int, "SpanContext | None"]
"""A measurement that may become an exemplar: its value, its time in nanoseconds, and its span; a plain tuple, made for each measurement."""


class Series(Protocol):
    """One series; ``add`` and ``take`` are called under the lock of its tally."""

    key: Key
    """What identifies it."""
    born_ns: int
    """When it was first seen, in nanoseconds since 1970."""
    idle: bool
    """Whether it has had nothing since it was last asked; the tally unsets it."""

    def add(self, amount: float, sample: Sample | None) -> None:
        """Take a measurement in."""
        ...

    def take(self) -> tuple[Any, ...]:
        """Return what it had, and start from nothing."""
        ...

    def point(self, taken: tuple[Any, ...], start: int, now: int) -> DataPointT:
        """Return a point of what was taken."""
        ...


class SumSeries:
    """A sum, and its newest sample."""

    __slots__ = ("_attributes", "_sample", "_sum", "born_ns", "idle", "key")

    def __init__(self, key: Key, attributes: Mapping[str, AnyValue]) -> None:
        self.key = key
        self.born_ns = time_ns()
        self.idle = True
        self._attributes = attributes
        self._sum: float = 0
        self._sample: Sample | None = None

    def add(self, amount: float, sample: Sample | None) -> None:
        """Add to the sum."""
        self._sum += amount
        if sample is not None:
            self._sample = sample

    def take(self) -> tuple[Any, ...]:
        """Return sum and sample, and start from nothing."""
        taken = (self._sum, self._sample)
        self._sum, self._sample, self.idle = 0, None, True
        return taken

    def point(self, taken: tuple[Any, ...], start: int, now: int) -> NumberDataPoint:
        """Return what was added."""
        total, sample = taken
        return NumberDataPoint(
            attributes=self._attributes,
            start_time_unix_nano=start,
            time_unix_nano=now,
            value=total,
            exemplars=[] if sample is None else [_exemplar(sample, self._attributes)],
        )


class HistogramSeries:
    """Explicit buckets, and the newest sample of each."""

    __slots__ = ("_attributes", "_bounds", "_counts", "_max", "_min", "_samples", "_sum", "born_ns", "idle", "key")

    def __init__(self, key: Key, attributes: Mapping[str, AnyValue], bounds: tuple[float, ...]) -> None:
        self.key = key
        self.born_ns = time_ns()
        self._attributes = attributes
        self._bounds = bounds
        self._clear()

    def _clear(self) -> None:
        self.idle = True
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum: float = 0
        self._min: float = math.inf
        self._max: float = -math.inf
        self._samples: dict[int, Sample] = {}

    def add(self, amount: float, sample: Sample | None) -> None:
        """Count in the bucket."""
        bucket = bisect_left(self._bounds, amount)
        self._counts[bucket] += 1
        self._sum += amount
        if amount < self._min:  # noqa: PLR1730 - a call takes longer
            self._min = amount
        if amount > self._max:  # noqa: PLR1730
            self._max = amount
        if sample is not None:
            self._samples[bucket] = sample

    def take(self) -> tuple[Any, ...]:
        """Return buckets, sum, extremes and samples, and start from nothing."""
        taken = (self._counts, self._sum, self._min, self._max, self._samples)
        self._clear()
        return taken

    def point(self, taken: tuple[Any, ...], start: int, now: int) -> HistogramDataPoint:
        """Return what was recorded."""
        counts, total, least, most, samples = taken
        return HistogramDataPoint(
            attributes=self._attributes,
            start_time_unix_nano=start,
            time_unix_nano=now,
            count=sum(counts),
            sum=total,
            bucket_counts=tuple(counts),
            explicit_bounds=self._bounds,
            min=least,
            max=most,
            exemplars=[_exemplar(samples[bucket], self._attributes) for bucket in sorted(samples)],
        )


def _exemplar(sample: Sample, attributes: Mapping[str, AnyValue]) -> Exemplar:
    # No attribute was taken off the measurement; the SDK then says none or an empty set, depending on whether it had any.
    filtered: dict[str, AnyValue] | None = {} if attributes else None
    value, time_unix_nano, span = sample
    if span is None:
        return Exemplar(filtered, value, time_unix_nano)
    return Exemplar(filtered, value, time_unix_nano, span.span_id, span.trace_id)
