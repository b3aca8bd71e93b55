"""Percentiles out of buckets, with the bounds between which the truth lies; pure functions on the SDK's points.

A percentile here is the value at rank ``ceil(q * count)`` of the sorted values. Its bucket is known exactly, its place within the bucket is
not: the estimate assumes that values are spread evenly there, on a straight scale in explicit buckets and on a geometric one in
exponential buckets, and the bounds say how wrong that can be.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint, HistogramDataPoint

if TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK's logarithm may put a value that lies on an edge into the bucket beside it; this is how far off it can be.
_EDGE_TOLERANCE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentile:
    """An estimate and the bounds between which the true value lies, in the unit of the metric."""

    value: float | None
    """The estimate; None where the bucket is open to one side and no extreme was recorded."""
    low: float
    """The true value is not below this; minus infinity where nothing is known."""
    high: float
    """The true value is not above this; infinity where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One filled bucket, in the order of values."""

    low: float
    """Lower edge; the smallest recorded value if that is higher."""
    high: float
    """Upper edge; the greatest recorded value if that is lower."""
    count: int
    """How many values it holds; never 0."""
    geometric: bool
    """Whether values are assumed to be spread geometrically."""


def filled_buckets(point: HistogramDataPoint | ExponentialHistogramDataPoint) -> list[Bucket]:
    """Return the buckets that hold anything, from the lowest to the highest, clamped to the recorded extremes."""
    edges = _explicit(point) if isinstance(point, HistogramDataPoint) else _exponential(point)
    # Without recorded extremes the SDK says min = inf and max = -inf.
    least = point.min if math.isfinite(point.min) else -math.inf
    greatest = point.max if math.isfinite(point.max) else math.inf
    buckets = []
    for low, high, count, geometric in edges:
        clamped_low, clamped_high = min(max(low, least), greatest), max(min(high, greatest), least)
        buckets.append(Bucket(low=clamped_low, high=max(clamped_low, clamped_high), count=count, geometric=geometric))
    return buckets


def _explicit(point: HistogramDataPoint) -> Iterator[tuple[float, float, int, bool]]:
    bounds = [-math.inf, *point.explicit_bounds, math.inf]
    for index, count in enumerate(point.bucket_counts):
        if count:
            yield bounds[index], bounds[index + 1], count, False


def _exponential(point: ExponentialHistogramDataPoint) -> Iterator[tuple[float, float, int, bool]]:
    for position, count in reversed(list(enumerate(point.negative.bucket_counts))):
        if count:
            low, high = _edges(point.negative.offset + position, point.scale)
            yield -high, -low, count, True
    if point.zero_count:
        yield 0.0, 0.0, point.zero_count, False
    for position, count in enumerate(point.positive.bucket_counts):
        if count:
            low, high = _edges(point.positive.offset + position, point.scale)
            yield low, high, count, True


def _edges(index: int, scale: int) -> tuple[float, float]:
    low, high = _power(index, scale) * (1 - _EDGE_TOLERANCE), _power(index + 1, scale) * (1 + _EDGE_TOLERANCE)
    # The SDK counts subnormal numbers in the bucket of the smallest normal one.
    return (0.0 if low <= sys.float_info.min else low), high


def _power(index: int, scale: int) -> float:
    return _power_of_two(index * 2.0**-scale)


def _power_of_two(exponent: float) -> float:
    try:
        return float(2.0**exponent)
    except OverflowError:
        return math.inf


def percentile(buckets: list[Bucket], quantile: float) -> Percentile | None:
    """Return the percentile of what the buckets hold, or None if they hold nothing.

    Args:
        buckets: as ``filled_buckets`` returns them.
        quantile: from 0 to 1; 0.5 is the median, of two middle values the lower.
    """
    total = sum(bucket.count for bucket in buckets)
    # The product may come out a little above a whole number, which is no reason to take the next rank.
    rank = min(max(math.ceil(quantile * total * (1 - 1e-12)), 1), total)
    before = 0
    for bucket in buckets:
        if rank <= before + bucket.count:
            share = (rank - before - 0.5) / bucket.count
            return Percentile(value=_within(bucket, share), low=bucket.low, high=bucket.high)
        before += bucket.count
    return None


def _within(bucket: Bucket, share: float) -> float | None:
    low, high = bucket.low, bucket.high
    if low == high:
        return low
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    if bucket.geometric and (low > 0 or high < 0):
        # In powers of two, which cannot overflow on the way: the result lies between the two.
        exponent = math.log2(abs(low)) * (1 - share) + math.log2(abs(high)) * share
        value = math.copysign(_power_of_two(exponent), low)
    else:
        value = low * (1 - share) + high * share
    return min(max(value, low), high)


def standard_deviation(buckets: list[Bucket], mean: float) -> float | None:
    """Return an estimate of the standard deviation, or None where a bucket is open to one side.

    Each value is taken to lie in the middle of its bucket, and the width of the bucket is added as if values were spread evenly in it.
    With coarse buckets this can be twice the truth; it is never more than the extremes and the mean allow (Bhatia and Davis).
    """
    total = sum(bucket.count for bucket in buckets)
    if not total or any(math.isinf(bucket.low) or math.isinf(bucket.high) for bucket in buckets):
        return None
    variance = 0.0
    for bucket in buckets:
        off, width = bucket.low / 2 + bucket.high / 2 - mean, bucket.high - bucket.low
        variance += bucket.count / total * (off * off + width * width / 12)
    allowed = (buckets[-1].high - mean) * (mean - buckets[0].low)
    bounded = max(0.0, min(variance, allowed))
    return math.sqrt(bounded) if math.isfinite(bounded) else None
