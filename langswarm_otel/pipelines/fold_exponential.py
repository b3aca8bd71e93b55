"""Adding two exponential histograms of possibly different scale.

At scale ``s`` bucket ``i`` holds the values in ``(2**(i * 2**-s), 2**((i + 1) * 2**-s)]``; one scale lower, buckets ``2i`` and ``2i + 1``
are bucket ``i``. So a histogram can always be brought to a lower scale, exactly, and never to a higher one.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.metrics import Exemplar

MAX_BUCKETS: Final = 160
"""How many buckets either range may have: the specification's default, which the SDK uses."""

EXPONENTIAL_RESERVOIR_SIZE: Final = 20
"""How many exemplars the SDK keeps for an exponential histogram."""


def add_exponential(
    older: ExponentialHistogramDataPoint, newer: ExponentialHistogramDataPoint, exemplars: Sequence[Exemplar]
) -> ExponentialHistogramDataPoint:
    """Return the point of both intervals, at the highest scale at which both fit."""
    scales = (older.scale, newer.scale)
    positives, negatives = (older.positive, newer.positive), (older.negative, newer.negative)
    allowed = max(MAX_BUCKETS, *(len(buckets.bucket_counts) for buckets in (*positives, *negatives)))
    scale = _common_scale(older, newer)
    while max(_length_at(positives, scales, scale), _length_at(negatives, scales, scale)) > allowed:
        scale -= 1
    return ExponentialHistogramDataPoint(
        attributes=older.attributes,
        start_time_unix_nano=older.start_time_unix_nano,
        time_unix_nano=newer.time_unix_nano,
        count=older.count + newer.count,
        sum=older.sum + newer.sum,
        scale=scale,
        zero_count=older.zero_count + newer.zero_count,
        positive=_add_buckets(positives, scales, scale),
        negative=_add_buckets(negatives, scales, scale),
        flags=older.flags | newer.flags,
        min=min(older.min, newer.min),
        max=max(older.max, newer.max),
        exemplars=exemplars,
    )


def trimmed(point: ExponentialHistogramDataPoint) -> ExponentialHistogramDataPoint:
    """Return the point without empty buckets at the ends of its ranges."""
    positive, negative = _trim(point.positive), _trim(point.negative)
    if positive is point.positive and negative is point.negative:
        return point
    return dataclasses.replace(point, positive=positive, negative=negative)


def _trim(buckets: Buckets) -> Buckets:
    counts = buckets.bucket_counts
    filled = [index for index, count in enumerate(counts) if count]
    if not filled:
        return buckets if not counts else Buckets(offset=0, bucket_counts=())
    first, last = filled[0], filled[-1]
    if first == 0 and last == len(counts) - 1:
        return buckets
    return Buckets(offset=buckets.offset + first, bucket_counts=tuple(counts[first : last + 1]))


def _common_scale(older: ExponentialHistogramDataPoint, newer: ExponentialHistogramDataPoint) -> int:
    # A point of zeros only has no scale of its own; the SDK writes 0, which would make the other's buckets a factor of 2 wide for good.
    if older.count == older.zero_count:
        return newer.scale
    if newer.count == newer.zero_count:
        return older.scale
    return min(older.scale, newer.scale)


def _length_at(pair: tuple[Buckets, Buckets], scales: tuple[int, int], target: int) -> int:
    lows, highs = [], []
    for buckets, scale in zip(pair, scales, strict=True):
        filled = [index for index, count in enumerate(buckets.bucket_counts) if count]
        if filled:
            lows.append((buckets.offset + filled[0]) >> (scale - target))
            highs.append((buckets.offset + filled[-1]) >> (scale - target))
    return max(highs) - min(lows) + 1 if lows else 0


def _add_buckets(pair: tuple[Buckets, Buckets], scales: tuple[int, int], target: int) -> Buckets:
    counts: dict[int, int] = {}
    for buckets, scale in zip(pair, scales, strict=True):
        for position, count in enumerate(buckets.bucket_counts):
            if count:
                index = (buckets.offset + position) >> (scale - target)
                counts[index] = counts.get(index, 0) + count
    if not counts:
        return Buckets(offset=0, bucket_counts=())
    first, last = min(counts), max(counts)
    return Buckets(offset=first, bucket_counts=tuple(counts.get(index, 0) for index in range(first, last + 1)))
