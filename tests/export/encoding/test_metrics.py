"""Metrics: message for message what the official encoder makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import (
    AlwaysOnExemplarFilter,
    Counter,
    Exemplar,
    MeterProvider,
    ObservableCounter,
)
from opentelemetry.sdk.metrics import (
    Histogram as HistogramInstrument,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.trace import NonRecordingSpan, SpanContext
from otlp_compare import RESOURCES, SCOPES, attributes, canonical, counts, floats, good_texts, official, span_ids, texts, times, trace_ids

from langswarm_otel import guard
from langswarm_otel.export.encoding import EncodingError, MetricEncoder

ENCODER = MetricEncoder()

numbers = st.integers(-(2**63), 2**63 - 1) | floats
exemplars = st.lists(
    st.builds(
        Exemplar,
        filtered_attributes=attributes,
        value=numbers,
        time_unix_nano=times,
        span_id=st.none() | st.just(0) | span_ids,
        trace_id=st.none() | st.just(0) | trace_ids,
    ),
    max_size=2,
)
common = {"attributes": attributes, "start_time_unix_nano": times, "time_unix_nano": times, "exemplars": exemplars}
number_points = st.lists(st.builds(NumberDataPoint, value=numbers, **common), max_size=3)
maybe = st.none() | floats | st.integers(-5, 5)
histogram_points = st.lists(
    st.builds(
        HistogramDataPoint,
        count=counts,
        sum=maybe,
        min=maybe,
        max=maybe,
        bucket_counts=st.lists(counts, max_size=4) | st.none(),
        explicit_bounds=st.lists(floats, max_size=3).map(tuple) | st.lists(st.integers(0, 3)),
        **common,
    ),
    max_size=3,
)
small = st.integers(-(2**31), 2**31 - 1)
buckets = st.builds(Buckets, offset=small, bucket_counts=st.lists(counts | st.integers(0, 200), max_size=4))
exponential_points = st.lists(
    st.builds(
        ExponentialHistogramDataPoint,
        count=counts,
        sum=maybe,
        min=maybe,
        max=maybe,
        scale=small,
        zero_count=counts,
        positive=buckets,
        negative=buckets,
        flags=st.integers(0, 2**32 - 1),
        **common,
    ),
    max_size=3,
)
temporalities = st.sampled_from(AggregationTemporality)
data = (
    st.builds(Gauge, data_points=number_points)
    | st.builds(Sum, data_points=number_points, aggregation_temporality=temporalities, is_monotonic=st.booleans())
    | st.builds(Histogram, data_points=histogram_points, aggregation_temporality=temporalities)
    | st.builds(ExponentialHistogram, data_points=exponential_points, aggregation_temporality=temporalities)
)
metrics = st.builds(Metric, name=good_texts | texts, description=st.none() | good_texts, unit=st.none() | good_texts, data=data)


@st.composite
def collected(draw):
    """Different resources with different scopes: of equal ones the official encoder keeps the last."""
    parts = []
    for resource in draw(st.lists(st.sampled_from(RESOURCES[1:4]), unique_by=id, max_size=2)):
        scopes = draw(st.lists(st.sampled_from(SCOPES[1:7]), unique_by=id, min_size=1, max_size=2))
        chosen = [ScopeMetrics(scope, draw(st.lists(metrics, min_size=1, max_size=2)), scope.schema_url) for scope in scopes]
        parts.append(ResourceMetrics(resource, chosen, resource.schema_url))
    return MetricsData(parts)


def check(found, encoder=ENCODER):
    """Both can encode it or neither can, ours without help; twice, since the second time comes from what was remembered."""
    expected = official("metrics", found)
    for _ in range(2):
        if expected is None:
            with pytest.raises(EncodingError):
                encoder.encode(found)
        else:
            assert canonical(encoder.encode(found), expected) == expected.SerializeToString(deterministic=True)
    assert not any("official" in place for place in guard.faults())


@settings(max_examples=60)
@given(collected())
def test_any_metric_is_encoded_as_the_official_encoder_does(found):
    check(found)


@pytest.mark.parametrize("temporality", [AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
def test_what_a_reader_collects_is_encoded_as_the_official_encoder_does(temporality):
    """All instruments of the SDK, with exemplars, over three exports."""
    preferred = dict.fromkeys((Counter, HistogramInstrument, ObservableCounter), temporality)
    reader = InMemoryMetricReader(preferred_temporality=preferred)
    view = View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation(max_scale=3))
    provider = MeterProvider(
        [reader], resource=RESOURCES[3], views=[view], exemplar_filter=AlwaysOnExemplarFilter(), shutdown_on_exit=False
    )
    meter = provider.get_meter("lib", "1", "https://schema", {"a": 1})
    counter, up_down, gauge = meter.create_counter("c", "1", "calls"), meter.create_up_down_counter("u"), meter.create_gauge("g")
    histogram = meter.create_histogram("h", "s", explicit_bucket_boundaries_advisory=[0.1, 1, 10])
    exponential = meter.create_histogram("exponential")
    meter.create_observable_counter("oc", [lambda _: [Observation(7, {"x": 1}), Observation(8.5, {"x": 1.0})]])
    meter.create_observable_gauge("og", [lambda _: [Observation(-1, {"x": True})]])
    encoder = MetricEncoder()
    inside = trace.set_span_in_context(NonRecordingSpan(SpanContext(5, 6, is_remote=False)))
    for number in range(3):
        for label in (1, True, 1.0, "1"):
            counter.add(number, {"label": label}, inside)
            up_down.add(-1.5, {"label": label})
            gauge.set(number, {"label": label}, inside)
            histogram.record(number / 3, {"label": label, "deep": {"er": [1]}}, inside)
            exponential.record((number - 1) * 2.5, {"label": label})
        found = reader.get_metrics_data()
        assert official("metrics", found) is not None
        check(found, encoder)


def one(data, resource=RESOURCES[1], scope=SCOPES[2]):
    return MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, [Metric("m", "", "", data)], "")], "")])


def gauge_of(*values, attributes=None):
    return Gauge([NumberDataPoint(attributes, 0, 1, value) for value in values])


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "1", None])
def test_a_value_that_is_no_number_or_out_of_range_is_an_error(value):
    check(one(gauge_of(value)))


def test_numbers_out_of_range_in_histograms_are_errors():
    def histogram(**changes):
        parts = {"count": 1, "sum": 1, "bucket_counts": [1], "explicit_bounds": [], "min": 1, "max": 1, **changes}
        return one(Histogram([HistogramDataPoint({}, 0, 1, **parts)], AggregationTemporality.DELTA))

    def exponential(**changes):
        parts = {"count": 1, "sum": 1, "scale": 1, "zero_count": 0, "flags": 0, "min": 1, "max": 1, **changes}
        sides = {"positive": Buckets(0, [1]), "negative": Buckets(0, []), **parts}
        return one(ExponentialHistogram([ExponentialHistogramDataPoint({}, 0, 1, **sides)], AggregationTemporality.DELTA))

    check(histogram())
    check(exponential())
    for changes in ({"count": -1}, {"count": 2**64}, {"sum": "x"}, {"bucket_counts": [-1]}, {"explicit_bounds": ["x"]}, {"max": 2**2000}):
        assert official("metrics", histogram(**changes)) is None
        check(histogram(**changes))
    for side in (Buckets(2**31, [1]), Buckets(0, [-1]), Buckets(0, [2**64])):
        assert official("metrics", exponential(positive=side)) is None
        check(exponential(positive=side))
    check(exponential(scale=2**31))


def test_booleans_are_numbers():
    """The official encoder refuses them with a recent protobuf, and all metrics of that export are lost; here they are 0 and 1."""
    message = official("metrics", one(gauge_of(1, 0)))
    assert canonical(ENCODER.encode(one(gauge_of(True, False))), message) == message.SerializeToString(deterministic=True)


def test_parts_of_one_resource_and_scope_are_all_kept():
    """The official encoder keeps the last entry of equal resources, or of equal scopes in one; here they are one entry."""
    first, second = one(gauge_of(1)), one(Sum(gauge_of(2).data_points, AggregationTemporality.DELTA, True))
    both = MetricsData([*first.resource_metrics, *second.resource_metrics])
    assert sum(len(scope.metrics) for entry in official("metrics", both).resource_metrics for scope in entry.scope_metrics) == 1
    (resource,) = type(official("metrics", both)).FromString(ENCODER.encode(both)).resource_metrics
    assert [metric.WhichOneof("data") for metric in resource.scope_metrics[0].metrics] == ["gauge", "sum"]


def test_entries_without_metrics_are_left_out():
    empty = MetricsData([ResourceMetrics(RESOURCES[1], [ScopeMetrics(SCOPES[2], [], "")], ""), ResourceMetrics(RESOURCES[2], [], "")])
    assert ENCODER.encode(empty) == ENCODER.encode(MetricsData([])) == b""


class TestRememberedAttributes:
    """Whole sets are remembered by identity, from one export to the next."""

    def test_a_mapping_that_was_changed_is_read_again(self):
        encoder, shared = MetricEncoder(), {"state": "idle"}
        for state in ("idle", "busy", "busy"):
            shared["state"] = state
            check(one(gauge_of(1, attributes=shared)), encoder)

    def test_sets_are_forgotten_that_are_no_longer_exported(self):
        encoder = MetricEncoder()
        for number in range(50):
            check(one(gauge_of(1, 2, attributes={"number": number})), encoder)
            assert len(encoder._points.sets._kept) <= 2

    def test_a_set_in_two_kinds_of_points(self):
        """Each kind has another tag for its attributes."""
        encoder, shared = MetricEncoder(), {"a": 1}
        histogram = Histogram([HistogramDataPoint(shared, 0, 1, 1, 1, [1], [], 1, 1)], AggregationTemporality.DELTA)
        for _ in range(2):
            check(one(gauge_of(1, attributes=shared)), encoder)
            check(one(histogram), encoder)

    def test_heads_are_bounded(self):
        encoder = MetricEncoder()
        for number in range(5000):
            metric = Metric(f"m{number}", "", "", gauge_of(1))
            encoder.encode(MetricsData([ResourceMetrics(RESOURCES[1], [ScopeMetrics(SCOPES[2], [metric], "")], "")]))
        assert len(encoder._heads) <= 2048
