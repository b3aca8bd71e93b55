"""Data points and exemplars, as the fields of the four kinds of metric data that the SDK has."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from langswarm_otel.export.encoding.attributes import AttributeFields
from langswarm_otel.export.encoding.wire import VARINTS, counter_field, with_length, zigzag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import (
        Buckets,
        ExponentialHistogramDataPoint,
        HistogramDataPoint,
        NumberDataPoint,
    )

MAX_SETS: Final = 8192
"""Attribute sets that are remembered, a few hundred bytes each."""

_Set: TypeAlias = "tuple[Mapping[str, Any], Mapping[str, Any], bytes]"
"""The mapping, held so that no other can have its id; a copy of what it was; the fields."""

_pack_integer: Final = struct.Struct("<BQBQBq").pack
_pack_number: Final = struct.Struct("<BQBQBd").pack
_pack_latest_integer: Final = struct.Struct("<BQBq").pack
_pack_latest_number: Final = struct.Struct("<BQBd").pack
_pack_histogram: Final = struct.Struct("<BQBQBQ").pack
_pack_whole_histogram: Final = struct.Struct("<BQBQBQBdBdBd").pack
_pack_exponential: Final = struct.Struct("<BQBQBQBQ").pack
_pack_double: Final = struct.Struct("<Bd").pack

_START: Final = 0x11  # 2, fixed64, of a point
_TIME: Final = 0x19  # 3, fixed64, of a point
_AS_DOUBLE: Final = 0x21  # 4, of a number
_AS_INT: Final = 0x31  # 6, sfixed64, of a number and of an exemplar
_COUNT: Final = 0x21  # 4, fixed64, of both histograms
_SUM: Final = 0x29  # 5, double, of both histograms
_MIN: Final = 0x59  # 11, double, of a histogram with bounds
_MAX: Final = 0x61  # 12
_ZERO_COUNT: Final = 0x39  # 7, fixed64
_EXEMPLAR_TIME: Final = 0x11  # 2, fixed64
_EXEMPLAR_DOUBLE: Final = 0x19  # 3


class AttributeSets:
    """Attributes of points: a series has the same mapping at every export, so the whole of it is kept until the next but one.

    Found by identity, and compared with what it was: a producer may change its mapping from export to export.
    """

    def __init__(self, attributes: AttributeFields) -> None:
        self._attributes = attributes
        self._before: dict[tuple[int, bytes], _Set] = {}
        self._kept: dict[tuple[int, bytes], _Set] = {}

    def begin(self) -> None:
        """Begin an export; what only the one before the last had is forgotten."""
        self._before, self._kept = self._kept, {}

    def fields(self, tag: bytes, attributes: Mapping[str, Any] | None) -> bytes:
        """Return attributes as fields of a message that knows them by this tag."""
        if not attributes:
            return b""
        place = (id(attributes), tag)
        found = self._before.get(place)
        if found is None or found[1] != attributes:
            fields = self._attributes.joined(tag, attributes)
            if attributes.__class__ is not dict:
                return fields
            found = (attributes, attributes.copy(), fields)
        if len(self._kept) < MAX_SETS:
            self._kept[place] = found
        return found[2]


class PointEncoder:
    """Encodes data points, each as the field ``data_points`` (1) of its kind of data."""

    def __init__(self) -> None:
        self.attributes = AttributeFields()
        self.sets = AttributeSets(self.attributes)
        self._bounds: tuple[Any, bytes] = ((), b"")

    def sum_point(self, point: NumberDataPoint) -> bytes:
        """Return a point of a sum."""
        value: Any = point.value
        start, time = point.start_time_unix_nano or 0, point.time_unix_nano or 0
        if isinstance(value, int):
            fixed = _pack_integer(_START, start, _TIME, time, _AS_INT, value)
        else:
            fixed = _pack_number(_START, start, _TIME, time, _AS_DOUBLE, value)
        return self._point(b"\x3a", point, fixed, b"\x2a")

    def gauge_point(self, point: NumberDataPoint) -> bytes:
        """Return a point of a gauge: as one of a sum, without a start."""
        value: Any = point.value
        if isinstance(value, int):
            fixed = _pack_latest_integer(_TIME, point.time_unix_nano or 0, _AS_INT, value)
        else:
            fixed = _pack_latest_number(_TIME, point.time_unix_nano or 0, _AS_DOUBLE, value)
        return self._point(b"\x3a", point, fixed, b"\x2a")

    def histogram_point(self, point: HistogramDataPoint) -> bytes:
        """Return a point of a histogram with explicit bounds."""
        start, time = point.start_time_unix_nano or 0, point.time_unix_nano or 0
        total: Any = point.sum
        least: Any = point.min
        most: Any = point.max
        if total is None or least is None or most is None:
            fixed = _pack_histogram(_START, start, _TIME, time, _COUNT, point.count or 0)
            fixed += _doubles((_SUM, total), (_MIN, least), (_MAX, most))
        else:
            fixed = _pack_whole_histogram(_START, start, _TIME, time, _COUNT, point.count or 0, _SUM, total, _MIN, least, _MAX, most)
        counts = point.bucket_counts
        if counts:
            size = len(counts)
            fixed += b"\x32" + VARINTS[8 * size] + _packer(size)(*counts)
        return self._point(b"\x4a", point, fixed + self._bounds_field(point.explicit_bounds), b"\x42")

    def exponential_point(self, point: ExponentialHistogramDataPoint) -> bytes:
        """Return a point of a histogram with exponential buckets."""
        start, time = point.start_time_unix_nano or 0, point.time_unix_nano or 0
        fixed = _pack_exponential(_START, start, _TIME, time, _COUNT, point.count or 0, _ZERO_COUNT, point.zero_count or 0)
        fixed += _doubles((_SUM, point.sum), (0x61, point.min), (0x69, point.max))
        fixed += b"\x30" + zigzag(point.scale or 0) + counter_field(b"\x50", point.flags)
        fixed += _buckets(b"\x42", point.positive) + _buckets(b"\x4a", point.negative)
        return self._point(b"\x0a", point, fixed, b"\x5a")

    def _point(self, attributes_tag: bytes, point: Any, fixed: bytes, exemplars_tag: bytes) -> bytes:
        fields = self.sets.fields(attributes_tag, point.attributes)
        exemplars = b""
        if point.exemplars:
            exemplars = b"".join([with_length(exemplars_tag, self._exemplar(exemplar)) for exemplar in point.exemplars])
        return b"".join((b"\x0a", VARINTS[len(fields) + len(fixed) + len(exemplars)], fields, fixed, exemplars))

    def _bounds_field(self, bounds: Sequence[float] | None) -> bytes:
        """Return bounds, and remember them: all points of an instrument share one tuple."""
        if not bounds:
            return b""
        known, field = self._bounds
        if bounds is not known:
            field = with_length(b"\x3a", struct.pack(f"<{len(bounds)}d", *bounds))
            if bounds.__class__ is tuple:
                self._bounds = (bounds, field)
        return field

    def _exemplar(self, exemplar: Exemplar) -> bytes:
        value: Any = exemplar.value
        if isinstance(value, float):
            content = struct.pack("<BQBd", _EXEMPLAR_TIME, exemplar.time_unix_nano or 0, _EXEMPLAR_DOUBLE, value)
        elif isinstance(value, int):
            content = struct.pack("<BQBq", _EXEMPLAR_TIME, exemplar.time_unix_nano or 0, _AS_INT, value)
        else:
            raise TypeError(f"{type(value).__name__} is no type of a value")
        if exemplar.span_id is not None and exemplar.trace_id is not None:
            content += b"\x22\x08" + exemplar.span_id.to_bytes(8, "big") + b"\x2a\x10" + exemplar.trace_id.to_bytes(16, "big")
        if exemplar.filtered_attributes:
            content += self.attributes.joined(b"\x3a", exemplar.filtered_attributes)
        return content


@lru_cache(maxsize=64)
def _packer(size: int) -> Callable[..., bytes]:
    """Return what packs that many counts."""
    return struct.Struct(f"<{size}Q").pack


def _doubles(*fields: tuple[int, float | None]) -> bytes:
    """Return optional doubles, of which zero is not the same as none."""
    return b"".join([_pack_double(tag, value) for tag, value in fields if value is not None])


def _buckets(tag: bytes, buckets: Buckets) -> bytes:
    """Return one side of an exponential histogram, nothing where it has no buckets."""
    counts = buckets.bucket_counts
    if not counts:
        return b""
    packed = b"".join([VARINTS[count] for count in counts])
    return with_length(tag, b"\x08" + zigzag(buckets.offset or 0) + with_length(b"\x12", packed))
