"""Adding two points of one series, as if the SDK had never looked in between: pure functions on the SDK's public data.

Sums and buckets add, extremes widen, the earlier start and the later end stay. Float sums may differ from a single collection in their
last bits, because the additions happen in another order.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint, HistogramDataPoint, NumberDataPoint

from langswarm_otel.pipelines.fold_exponential import EXPONENTIAL_RESERVOIR_SIZE, add_exponential, trimmed

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import DataPointT
    from opentelemetry.util.types import Attributes

Key = tuple[Any, ...]
"""Attributes in a form that can be compared: what makes two points the same series."""

OVERFLOW: Final = {"otel.metric.overflow": True}
"""Attributes of the one series that takes what exceeds the cardinality limit, as in the specification."""

RESERVOIR_SIZE: Final = 1
"""How many exemplars the SDK keeps for a sum or a gauge."""


def freeze(attributes: Attributes) -> Key:
    """Return what identifies a series: the attributes in order, with values of different types kept apart."""
    if not attributes:
        return ()
    return tuple((key, _freeze(attributes[key])) for key in sorted(attributes, key=str))


def _freeze(value: object) -> object:
    if type(value) is str:
        return value
    if isinstance(value, float) and math.isnan(value):
        return ("float", "nan")  # which equals nothing, and would make a series of every measurement
    if value is None or isinstance(value, (str, bool, int, float, bytes)):
        # Equal, and yet other values on the wire: 1, True and 1.0.
        return (type(value).__name__, value)
    if isinstance(value, Mapping):
        return ("mapping", tuple((str(key), _freeze(value[key])) for key in sorted(value, key=str)))
    if isinstance(value, Sequence):
        return ("sequence", tuple(_freeze(item) for item in value))
    return (type(value).__name__, repr(value))


OVERFLOW_KEY: Final = freeze(OVERFLOW)
"""What identifies that series."""


def add_points(older: DataPointT, newer: DataPointT) -> DataPointT:
    """Return the point of both intervals; the newer one alone if the two cannot be added."""
    if isinstance(older, NumberDataPoint) and isinstance(newer, NumberDataPoint):
        return NumberDataPoint(
            attributes=older.attributes,
            start_time_unix_nano=older.start_time_unix_nano,
            time_unix_nano=newer.time_unix_nano,
            value=older.value + newer.value,
            exemplars=merge_exemplars(older.exemplars, newer.exemplars, RESERVOIR_SIZE),
        )
    if isinstance(older, HistogramDataPoint) and isinstance(newer, HistogramDataPoint) and older.explicit_bounds == newer.explicit_bounds:
        return _add_histograms(older, newer)
    if isinstance(older, ExponentialHistogramDataPoint) and isinstance(newer, ExponentialHistogramDataPoint):
        exemplars = merge_exemplars(older.exemplars, newer.exemplars, EXPONENTIAL_RESERVOIR_SIZE)
        return add_exponential(older, newer, exemplars)
    return newer


def _add_histograms(older: HistogramDataPoint, newer: HistogramDataPoint) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=older.attributes,
        start_time_unix_nano=older.start_time_unix_nano,
        time_unix_nano=newer.time_unix_nano,
        count=older.count + newer.count,
        sum=older.sum + newer.sum,
        bucket_counts=tuple(map(operator.add, older.bucket_counts, newer.bucket_counts)),
        explicit_bounds=older.explicit_bounds,
        min=min(older.min, newer.min),
        max=max(older.max, newer.max),
        exemplars=_newest_of_each_bucket(older.exemplars, newer.exemplars, older.explicit_bounds),
    )


def settled(point: DataPointT) -> DataPointT:
    """Return a point of the SDK as we keep it: without the empty buckets that the SDK leaves at the ends."""
    return trimmed(point) if isinstance(point, ExponentialHistogramDataPoint) else point


def merge_exemplars(older: Sequence[Exemplar], newer: Sequence[Exemplar], size: int) -> Sequence[Exemplar]:
    """Return as many exemplars as the SDK's reservoir would hold, the newest first to stay.

    A view may have given the series a larger reservoir, of which nothing is seen here but how many it held.
    """
    if not older or not newer:
        return older or newer
    kept = max(size, len(older), len(newer))
    return sorted((*older, *newer), key=_time_of)[-kept:]


def _newest_of_each_bucket(older: Sequence[Exemplar], newer: Sequence[Exemplar], bounds: Sequence[float]) -> Sequence[Exemplar]:
    if not older or not newer:
        return older or newer
    by_bucket: dict[int, Exemplar] = {}
    for exemplar in sorted((*older, *newer), key=_time_of):
        by_bucket[bisect_left(bounds, exemplar.value)] = exemplar
    return [by_bucket[bucket] for bucket in sorted(by_bucket)]


def _time_of(exemplar: Exemplar) -> int:
    return exemplar.time_unix_nano
