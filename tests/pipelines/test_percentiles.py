"""Percentiles out of buckets: the truth is always within the bounds, and the estimate as near as buckets allow."""

from __future__ import annotations

import math
import random
import statistics as stdlib_statistics
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_points import points_of
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import Buckets, ExponentialHistogramDataPoint, HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import Aggregation, ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from langswarm_otel.pipelines.percentiles import Percentile, filled_buckets, percentile, standard_deviation

QUANTILES = (0.0, 0.01, 0.5, 0.95, 0.99, 1.0)
RECORDED = st.lists(st.floats(min_value=0, max_value=1e300) | st.integers(0, 50), min_size=1, max_size=60)


def recorded(values: list[float], aggregation: Aggregation) -> Any:
    """The SDK's own point of these values."""
    reader = InMemoryMetricReader(preferred_aggregation={Histogram: aggregation})
    provider = MeterProvider([reader], Resource({}), shutdown_on_exit=False)
    instrument = provider.get_meter("m").create_histogram("h")
    for value in values:
        instrument.record(value)
    return points_of(reader.get_metrics_data(), "h")[0]


def truth(values: list[float], quantile: float) -> float:
    return sorted(values)[max(math.ceil(quantile * len(values)), 1) - 1]


def assert_bounded(values: list[float], point: Any) -> None:
    buckets = filled_buckets(point)
    for quantile in QUANTILES:
        found = percentile(buckets, quantile)
        assert found is not None
        assert found.low <= truth(values, quantile) <= found.high
        assert found.value is not None
        assert min(values) <= found.low <= found.value <= found.high <= max(values)


@settings(max_examples=60, deadline=None)
@given(RECORDED, st.lists(st.floats(min_value=-10, max_value=1e6, allow_nan=False), max_size=6, unique=True).map(sorted))
def test_truth_is_within_the_bounds_of_explicit_buckets(values: list[float], bounds: list[float]) -> None:
    """Whatever was recorded, whatever the boundaries, recorded by the SDK itself."""
    assert_bounded(values, recorded(values, ExplicitBucketHistogramAggregation(bounds)))


@settings(max_examples=60, deadline=None)
@given(RECORDED, st.sampled_from([2, 20, 160]))
def test_truth_is_within_the_bounds_of_exponential_buckets(values: list[float], size: int) -> None:
    """Also from the smallest to the greatest number, and with so few buckets that they are enormous."""
    assert_bounded(values, recorded(values, ExponentialBucketHistogramAggregation(max_size=size)))


@settings(deadline=None)
@given(st.lists(st.floats(min_value=-1e9, max_value=1e9), min_size=1, max_size=40))
def test_truth_is_within_the_bounds_of_negative_values_too(values: list[float]) -> None:
    """A histogram of others may hold negative values, whose buckets run the other way."""
    scale = 1

    def side(magnitudes: list[float]) -> Buckets:
        indexes = [math.ceil(math.log2(magnitude) * 2**scale) - 1 for magnitude in magnitudes]
        low, high = min(indexes, default=0), max(indexes, default=-1)
        return Buckets(offset=low, bucket_counts=tuple(indexes.count(index) for index in range(low, high + 1)))

    kept = [value for value in values if value == 0 or abs(value) > 1e-9]
    if not kept:
        return
    point = ExponentialHistogramDataPoint(
        attributes={},
        start_time_unix_nano=1,
        time_unix_nano=2,
        count=len(kept),
        sum=sum(kept),
        scale=scale,
        zero_count=kept.count(0),
        positive=side([value for value in kept if value > 0]),
        negative=side([-value for value in kept if value < 0]),
        flags=0,
        min=min(kept),
        max=max(kept),
    )
    assert_bounded(kept, point)


def test_one_value_and_equal_values_are_exact() -> None:
    """Smallest and greatest leave no room."""
    for values in ([3.3], [7.0] * 9):
        for aggregation in (ExplicitBucketHistogramAggregation([1, 10]), ExponentialBucketHistogramAggregation()):
            buckets = filled_buckets(recorded(values, aggregation))
            assert percentile(buckets, 0.95) == Percentile(value=values[0], low=values[0], high=values[0])
            assert standard_deviation(buckets, sum(values) / len(values)) == 0


def test_values_on_the_edges_of_fine_buckets() -> None:
    """The SDK's logarithm is uncertain by a bit and may count them beside; the bounds allow for it."""
    for index in range(0, 40_000_000, 133_333):
        edge = 2.0 ** (index / 2**20)
        for value in (math.nextafter(edge, 0), edge, math.nextafter(edge, math.inf)):
            values = [edge * (1 - 2e-5), value, edge * (1 + 2e-5)]
            assert_bounded(values, recorded(values, ExponentialBucketHistogramAggregation()))


def test_values_spread_evenly_in_explicit_buckets() -> None:
    """Straight within a bucket: 1 to 100 in two buckets gives the rank itself, half a rank aside."""
    buckets = filled_buckets(recorded([float(value) for value in range(1, 101)], ExplicitBucketHistogramAggregation([50.0])))
    assert percentile(buckets, 0.25).value == pytest.approx(1 + 49 * 24.5 / 50)
    assert (percentile(buckets, 0.25).low, percentile(buckets, 0.25).high) == (1, 50)
    assert percentile(buckets, 0.75).value == pytest.approx(50 + 50 * 24.5 / 50)


def test_values_spread_geometrically_in_exponential_buckets() -> None:
    """One value in the bucket from 4 to 16, between others: the middle is 8 and not 10."""
    point = ExponentialHistogramDataPoint({}, 1, 2, 3, 0.0, -1, 0, Buckets(-1, (1, 0, 1, 1)), Buckets(0, ()), 0, 0.3, 200.0)
    found = percentile(filled_buckets(point), 0.5)
    assert found.value == pytest.approx(8)
    assert (found.low, found.high) == (pytest.approx(4), pytest.approx(16))


def test_exponential_buckets_are_good_to_a_percent() -> None:
    """5 000 log-normal values at p50, p95, p99, and their deviation."""
    rng = random.Random(1)
    values = [rng.lognormvariate(0, 1) for _ in range(5_000)]
    buckets = filled_buckets(recorded(values, ExponentialBucketHistogramAggregation()))
    for quantile in (0.5, 0.95, 0.99):
        assert percentile(buckets, quantile).value == pytest.approx(truth(values, quantile), rel=0.01)
    assert standard_deviation(buckets, stdlib_statistics.fmean(values)) == pytest.approx(stdlib_statistics.pstdev(values), rel=0.01)


def test_coarse_buckets_say_so() -> None:
    """The number may be far off; the bounds tell how far."""
    rng = random.Random(1)
    values = [rng.lognormvariate(0, 1) for _ in range(5_000)]
    found = percentile(filled_buckets(recorded(values, ExplicitBucketHistogramAggregation([0.01, 0.1, 1, 10]))), 0.95)
    assert (found.low, found.high) == (1, 10)


def test_without_extremes_an_open_bucket_gives_no_estimate() -> None:
    """A view may switch min and max off; the SDK then says infinity. The bounds that are known are told."""
    point = recorded([0.5, 5, 50], ExplicitBucketHistogramAggregation([1, 10], record_min_max=False))
    assert point.min == math.inf
    buckets = filled_buckets(point)
    assert percentile(buckets, 0.1) == Percentile(value=None, low=-math.inf, high=1)
    assert percentile(buckets, 0.5) == Percentile(value=5.5, low=1, high=10)
    assert percentile(buckets, 0.99) == Percentile(value=None, low=10, high=math.inf)
    assert standard_deviation(buckets, 18) is None


def test_nothing_recorded_has_no_percentile() -> None:
    """And no deviation."""
    empty = HistogramDataPoint({}, 1, 2, 0, 0, (0, 0), (1.0,), math.inf, -math.inf)
    assert percentile(filled_buckets(empty), 0.5) is None
    assert standard_deviation([], 0.0) is None


@pytest.mark.parametrize("count", [20, 40, 100, 300, 700])
def test_whole_ranks_are_not_pushed_up_by_rounding(count: int) -> None:
    """0.07 times 100 is a little above 7 in floating point; the rank is 7."""
    values = [float(value) for value in range(1, count + 1)]
    buckets = filled_buckets(recorded(values, ExplicitBucketHistogramAggregation([value + 0.5 for value in values])))
    for percent in range(1, 101):
        found = percentile(buckets, percent / 100)
        assert found.low <= -(-percent * count // 100) <= found.high


@settings(max_examples=50, deadline=None)
@given(RECORDED)
def test_the_deviation_is_possible(values: list[float]) -> None:
    """Never more than extremes and mean allow, and never an exception."""
    mean = math.fsum(values) / len(values)
    for aggregation in (ExplicitBucketHistogramAggregation([1, 10]), ExponentialBucketHistogramAggregation(max_size=4)):
        found = standard_deviation(filled_buckets(recorded(values, aggregation)), mean)
        if found is not None:
            assert 0 <= found <= (max(values) - min(values)) / 2 * (1 + 1e-9) + 1e-300
