"""Adding points of one series, and telling series apart."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import HistogramDataPoint, NumberDataPoint

from langswarm_otel.pipelines.fold import add_points, freeze, merge_exemplars

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def number(value: float, start: int = 1, time: int = 2, exemplars: Any = ()) -> NumberDataPoint:
    return NumberDataPoint(attributes={"a": 1}, start_time_unix_nano=start, time_unix_nano=time, value=value, exemplars=exemplars)


def histogram(
    values: list[float], bounds: tuple[float, ...] = (1.0, 10.0), start: int = 1, time: int = 2, exemplars: Any = ()
) -> HistogramDataPoint:
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[sum(value > bound for bound in bounds)] += 1
    return HistogramDataPoint(
        attributes={"a": 1},
        start_time_unix_nano=start,
        time_unix_nano=time,
        count=len(values),
        sum=sum(values),
        bucket_counts=tuple(counts),
        explicit_bounds=bounds,
        min=min(values, default=math.inf),
        max=max(values, default=-math.inf),
        exemplars=exemplars,
    )


def exemplar(value: float, time: int) -> Exemplar:
    return Exemplar({}, value, time)


def test_values_of_different_types_are_different_series() -> None:
    """Equal in Python, and yet different values on the wire."""
    alike = [1, True, 1.0, "1", b"1", [1], [True], {"1": 1}]
    assert len({freeze({"a": value}) for value in alike}) == len(alike)
    assert freeze({"a": None}) != freeze({"a": "None"})
    assert freeze({}) == freeze(None) == ()


def test_order_of_keys_and_kind_of_sequence_do_not_matter() -> None:
    """A list and a tuple are the same array; mappings are compared whatever their order."""
    assert freeze({"a": 1, "b": [1, 2]}) == freeze({"b": (1, 2), "a": 1})
    assert freeze({"a": {"x": 1, "y": {"z": [1]}}}) == freeze({"a": {"y": {"z": [1]}, "x": 1}})


def test_not_a_number_is_one_series() -> None:
    """It equals nothing, not even itself, and would make a series of every measurement."""
    assert freeze({"a": float("nan")}) == freeze({"a": float("nan")})


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), VALUES))
def test_any_attributes_make_a_key(attributes: dict[str, Any]) -> None:
    """Lists and mappings may be attribute values since 1.45; the key can be hashed whatever they hold."""
    key = freeze(attributes)
    assert hash(key) == hash(freeze(dict(reversed(attributes.items()))))
    assert key == freeze(attributes)


def test_sums_add_and_keep_earlier_start_and_later_end() -> None:
    """Integers stay integers, of any size."""
    folded = add_points(number(2**60, start=1, time=5), number(3, start=5, time=9))
    assert isinstance(folded, NumberDataPoint)
    assert (folded.value, folded.start_time_unix_nano, folded.time_unix_nano) == (2**60 + 3, 1, 9)
    assert isinstance(folded.value, int)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 100), max_size=5), min_size=1, max_size=5))
def test_histograms_folded_in_parts_are_the_histogram_of_all(parts: list[list[int]]) -> None:
    """Whatever the cuts; empty parts included."""
    folded = histogram(parts[0])
    for part in parts[1:]:
        folded = add_points(folded, histogram(part))
    assert folded == histogram([value for part in parts for value in part])


def test_points_that_cannot_be_added_give_the_newer_one() -> None:
    """Other buckets or another kind: an answer that is part of the truth, and no exception in a worker."""
    assert add_points(histogram([5]), histogram([7], bounds=(2.0,))) == histogram([7], bounds=(2.0,))
    assert add_points(number(1), histogram([7])) == histogram([7])


def test_of_exemplars_in_one_bucket_the_newest_stays() -> None:
    """As the SDK's reservoir for explicit buckets does it; a value on an edge is in the lower bucket."""
    older = histogram([1, 5, 50], exemplars=[exemplar(1.0, 1), exemplar(5, 2), exemplar(50, 9)])
    newer = histogram([7, 60], exemplars=[exemplar(7, 4), exemplar(60, 5)])
    folded = add_points(older, newer)
    assert [(one.value, one.time_unix_nano) for one in folded.exemplars] == [(1.0, 1), (7, 4), (50, 9)]


@pytest.mark.parametrize(("older", "newer", "kept"), [([1], [], [1]), ([], [2], [2]), ([1], [2], [2]), ([1, 4], [2], [2, 4])])
def test_as_many_exemplars_stay_as_the_reservoir_holds(older: list[int], newer: list[int], kept: list[int]) -> None:
    """One for a sum; a larger reservoir of a view is seen by how many it held. The newest stay."""
    merged = merge_exemplars([exemplar(0, time) for time in older], [exemplar(0, time) for time in newer], size=1)
    assert [one.time_unix_nano for one in merged] == kept
