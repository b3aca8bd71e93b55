"""Adding exponential histograms of different scale."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_points import points_of
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from langswarm_otel.pipelines.fold_exponential import MAX_BUCKETS, add_exponential, trimmed

# Away from the edges of buckets, where the SDK's own logarithm is uncertain by a bit.
POSITIVE = st.floats(min_value=1e-6, max_value=1e9).map(lambda value: float(f"{value:.6g}") * 1.0000123)


def point_of(values: list[float], negative: list[float] = (), max_scale: int = 20) -> ExponentialHistogramDataPoint:
    """The exact histogram of values at the highest scale at which both ranges fit, as the specification has it."""
    scale = max_scale
    while True:
        positive, below = (Counter(math.ceil(math.log2(v) * 2**scale) - 1 for v in side if v) for side in (values, negative))
        spans = [max(side) - min(side) + 1 for side in (positive, below) if side]
        if max(spans, default=0) <= MAX_BUCKETS:
            break
        scale -= 1
    everything = [*values, *(-value for value in negative)]
    return ExponentialHistogramDataPoint(
        attributes={},
        start_time_unix_nano=1,
        time_unix_nano=2,
        count=len(everything),
        sum=math.fsum(everything),
        scale=scale if positive or below else 0,
        zero_count=everything.count(0),
        positive=buckets_of(positive),
        negative=buckets_of(below),
        flags=0,
        min=min(everything, default=math.inf),
        max=max(everything, default=-math.inf),
        exemplars=(),
    )


def buckets_of(counts: Counter[int]) -> Buckets:
    if not counts:
        return Buckets(offset=0, bucket_counts=())
    return Buckets(offset=min(counts), bucket_counts=tuple(counts[index] for index in range(min(counts), max(counts) + 1)))


def assert_same(found: ExponentialHistogramDataPoint, expected: ExponentialHistogramDataPoint) -> None:
    assert (found.scale, found.count, found.zero_count) == (expected.scale, expected.count, expected.zero_count)
    for mine, theirs in ((found.positive, expected.positive), (found.negative, expected.negative)):
        assert (mine.offset, tuple(mine.bucket_counts)) == (theirs.offset, tuple(theirs.bucket_counts))
    assert (found.min, found.max) == (expected.min, expected.max)
    assert found.sum == pytest.approx(expected.sum, rel=1e-12)


@settings(deadline=None)
@given(st.lists(POSITIVE, min_size=1, max_size=30), st.lists(POSITIVE, min_size=1, max_size=30))
def test_the_sum_of_two_is_the_histogram_of_all(first: list[float], second: list[float]) -> None:
    """At the highest scale at which all fit, bucket by bucket, whichever of the two is finer."""
    assert_same(add_exponential(point_of(first), point_of(second), ()), point_of(first + second))


@settings(deadline=None)
@given(st.lists(POSITIVE, max_size=8), st.lists(POSITIVE, max_size=8), st.lists(POSITIVE, max_size=8), st.integers(0, 3))
def test_negative_values_and_zeros(first: list[float], second: list[float], below: list[float], zeros: int) -> None:
    """Both ranges share one scale; zeros have a place of their own."""
    older, newer = point_of(first, below), point_of([*second, *[0.0] * zeros], below)
    assert_same(add_exponential(older, newer, ()), point_of([*first, *second, *[0.0] * zeros], below * 2))


def test_zeros_only_have_no_scale_of_their_own() -> None:
    """The SDK writes scale 0 for them, and its own cumulative histogram then stays a factor of 2 wide for good."""
    fine, zeros = point_of([1.01, 1.02]), point_of([0.0, 0.0])
    assert zeros.scale == 0
    assert_same(add_exponential(fine, zeros, ()), point_of([1.01, 1.02, 0.0, 0.0]))
    assert_same(add_exponential(zeros, fine, ()), point_of([1.01, 1.02, 0.0, 0.0]))
    assert_same(add_exponential(zeros, zeros, ()), point_of([0.0] * 4))
    assert add_exponential(fine, zeros, ()).scale == fine.scale > 0


@pytest.mark.parametrize(("length", "scale"), [(159, 5), (160, 5), (161, 4), (320, 4), (321, 3), (640, 3), (641, 2)])
def test_just_as_many_buckets_as_allowed(length: int, scale: int) -> None:
    """The scale goes down when there would be one too many, and no further."""

    def at(index: int) -> ExponentialHistogramDataPoint:
        return ExponentialHistogramDataPoint({}, 1, 2, 1, 1.0, 5, 0, Buckets(index, (1,)), Buckets(0, ()), 0, 1.0, 1.0)

    for first, second in ((0, length - 1), (length - 1, 0)):
        folded = add_exponential(at(first), at(second), ())
        assert folded.scale == scale
        assert (folded.positive.offset, len(folded.positive.bucket_counts)) == (0, ((length - 1) >> (5 - scale)) + 1)


def test_extremes_of_the_range_fit() -> None:
    """From the smallest to the greatest number that a float holds."""
    folded = add_exponential(point_of([5e-324]), point_of([1.7e308]), ())
    assert folded.count == 2
    assert len(folded.positive.bucket_counts) <= MAX_BUCKETS
    assert sum(folded.positive.bucket_counts) == 2


def test_a_larger_size_given_by_a_view_is_kept() -> None:
    """A view may ask for more than 160 buckets; they are not squeezed because somebody looked."""
    wide = Buckets(offset=0, bucket_counts=(1,) * 300)
    large = ExponentialHistogramDataPoint({}, 1, 2, 300, 1.0, 3, 0, wide, Buckets(0, ()), 0, 1.0, 2.0)
    folded = add_exponential(large, large, ())
    assert (folded.scale, len(folded.positive.bucket_counts)) == (3, 300)


def test_empty_buckets_at_the_ends_are_trimmed() -> None:
    """The SDK leaves zeros up to a power of two; with them, looking in between would change the bytes."""
    point = ExponentialHistogramDataPoint({}, 1, 2, 3, 1.0, 3, 0, Buckets(5, (0, 0, 1, 0, 2, 0, 0, 0)), Buckets(7, (0, 0)), 0, 1.0, 2.0)
    assert trimmed(point).positive == Buckets(offset=7, bucket_counts=(1, 0, 2))
    assert trimmed(point).negative == Buckets(offset=0, bucket_counts=())
    once = trimmed(point)
    assert trimmed(once) is once
    tidy = point_of([1.5, 3.0])
    assert trimmed(tidy) is tidy


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(POSITIVE | st.just(0.0), max_size=20), min_size=1, max_size=4))
def test_folded_parts_equal_what_the_sdk_makes_of_all(parts: list[list[float]]) -> None:
    """Against the SDK itself: each part collected by the SDK and folded here, and the same values in one collection."""

    def collected(values: list[float]) -> ExponentialHistogramDataPoint | None:
        reader = InMemoryMetricReader(preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()})
        provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
        instrument = provider.get_meter("m").create_histogram("h")
        for value in values:
            instrument.record(value)
        points = points_of(reader.get_metrics_data(), "h")
        return trimmed(points[0]) if points else None

    folded = None
    for part in parts:
        point = collected(part)
        if point is not None:
            folded = point if folded is None else add_exponential(folded, point, ())
    expected = collected([value for part in parts for value in part])
    if expected is None:
        assert folded is None
    else:
        assert_same(folded, expected)
