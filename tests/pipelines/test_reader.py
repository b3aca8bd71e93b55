"""The one metric reader of ours: temporality, time ranges, limits, and a caller that is never hurt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from metric_points import all_metrics, metric_named, points_of, values_of
from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import ExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, ExponentialHistogram, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.pipelines import reader as reader_module
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA


class Rig:
    """A reader, its provider and a meter."""

    def __init__(self, **settings: Any) -> None:
        self.reader = SwitchReader(**settings)
        self.provider = SwitchMeterProvider(resource=Resource({"service.name": "s"}), reader=self.reader)
        self.meter = self.provider.get_meter("m")


def observed(state: dict[str, Any]) -> list[Callable[[CallbackOptions], list[Observation]]]:
    """A callback that tells the values of a mapping at the moment it is asked."""
    return [lambda options: [Observation(value, {"series": key}) for key, value in state.items()]]


def spans(data: MetricsData | None, name: str) -> list[tuple[int, int]]:
    return [(point.start_time_unix_nano, point.time_unix_nano) for point in points_of(data, name)]


def test_temporality_changes_alive() -> None:
    """Cumulative 5, then delta 2, then cumulative 8: the totals go on behind the deltas."""
    rig = Rig(temporality="cumulative")
    counter = rig.meter.create_counter("c")
    found = []
    for amount, temporality in ((5, "cumulative"), (2, "delta"), (1, "cumulative")):
        rig.reader.set_temporality(temporality)
        counter.add(amount)
        rig.reader.peek()
        data = rig.reader.take()
        found.append((values_of(data, "c")[()], metric_named(data, "c").data.aggregation_temporality))
    assert found == [(5, CUMULATIVE), (2, DELTA), (8, CUMULATIVE)]
    assert rig.reader.temporality == "cumulative"


@pytest.mark.parametrize(
    ("temporality", "deltas"),
    [("cumulative", set()), ("delta", {"counter", "histogram", "o.counter"}), ("lowmemory", {"counter", "histogram"})],
)
def test_each_preference_means_what_opentelemetry_says(temporality: Any, deltas: set[str]) -> None:
    """As the exporters of OpenTelemetry read OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE."""
    rig = Rig(temporality=temporality)
    rig.meter.create_counter("counter").add(1)
    rig.meter.create_up_down_counter("updown").add(1)
    rig.meter.create_histogram("histogram").record(1)
    rig.meter.create_observable_counter("o.counter", observed({"a": 1}))
    rig.meter.create_observable_up_down_counter("o.updown", observed({"a": 1}))
    temporalities = {metric.name: metric.data.aggregation_temporality for metric in all_metrics(rig.reader.take())}
    assert temporalities == {
        name: DELTA if name in deltas else CUMULATIVE for name in ("counter", "updown", "histogram", "o.counter", "o.updown")
    }


def test_cumulative_exports_idle_series_with_a_constant_start() -> None:
    """A series once seen is in every export; its start never moves and its end always does."""
    rig = Rig()
    counter, histogram = rig.meter.create_counter("c"), rig.meter.create_histogram("h")
    counter.add(1, {"k": "idle"})
    histogram.record(1, {"k": "idle"})
    seen: list[dict[str, list[tuple[int, int]]]] = []
    for turn in range(4):
        counter.add(1, {"k": "busy"})
        rig.reader.peek()
        data = rig.reader.take()
        assert values_of(data, "c") == {("idle",): 1, ("busy",): turn + 1}
        seen.append({name: spans(data, name) for name in ("c", "h")})
        time.sleep(0.001)
    for name in ("c", "h"):
        for series in range(len(seen[0][name])):
            starts = {turn[name][series][0] for turn in seen}
            ends = [turn[name][series][1] for turn in seen]
            assert len(starts) == 1
            assert ends == sorted(set(ends))
            assert max(starts) <= min(ends)


def test_cumulative_exports_also_when_nothing_at_all_was_recorded() -> None:
    """The SDK then hands over nothing, and the totals are still true."""
    rig = Rig()
    rig.meter.create_counter("c").add(1)
    first = spans(rig.reader.take(), "c")
    time.sleep(0.001)
    second = spans(rig.reader.take(), "c")
    assert second[0][0] == first[0][0]
    assert second[0][1] > first[0][1]


def test_delta_starts_where_the_last_export_ended_and_leaves_idle_series_out() -> None:
    """No gap and no overlap between two exports, whatever was looked at in between; also for a series that is new."""
    rig = Rig(temporality="delta")
    counter, state = rig.meter.create_counter("c"), {"a": 1}
    rig.meter.create_observable_counter("o", observed(state))
    counter.add(1, {"k": "once"})
    before = rig.reader.take()
    for turn in range(3):
        rig.reader.peek()
        counter.add(turn, {"k": f"new {turn}"})
        state["a"] += 1
        rig.reader.peek()
        data = rig.reader.take()
        assert values_of(data, "c") == {(f"new {turn}",): turn}
        assert values_of(data, "o") == {("a",): 1}
        for name in ("c", "o"):
            assert spans(data, name)[0][0] == spans(before, name)[0][1]
            assert spans(data, name)[0][0] < spans(data, name)[0][1]
        before = data


def test_nothing_recorded_is_no_export() -> None:
    """Neither at the start nor, for deltas, later."""
    rig = Rig(temporality="delta")
    assert rig.reader.take() is None
    rig.meter.create_counter("c").add(1)
    assert rig.reader.take() is not None
    assert rig.reader.take() is None
    assert values_of(rig.reader.peek(), "c") == {(): 1}


def test_observable_counter_as_delta_is_the_difference_to_the_last_export() -> None:
    """Not to the last look; a series that is not told for a while comes back with all that was missed."""
    rig = Rig(temporality="delta")
    state = {"a": 10, "b": 100}
    rig.meter.create_observable_counter("o", observed(state))
    assert values_of(rig.reader.take(), "o") == {("a",): 10, ("b",): 100}
    state["a"] = 15
    rig.reader.peek()
    state["a"] = 17
    del state["b"]
    assert values_of(rig.reader.take(), "o") == {("a",): 7}
    state["b"] = 130
    assert values_of(rig.reader.take(), "o") == {("a",): 0, ("b",): 30}
    rig.reader.set_temporality("cumulative")
    state["a"] = 20
    assert values_of(rig.reader.take(), "o") == {("a",): 20, ("b",): 130}
    rig.reader.set_temporality("delta")
    state["a"] = 21
    assert values_of(rig.reader.take(), "o") == {("a",): 1, ("b",): 0}


def test_what_an_observable_no_longer_tells_is_not_exported() -> None:
    """A value that a look in between has seen is not the value now."""
    rig = Rig()
    state = {"a": 1, "b": 2}
    rig.meter.create_observable_gauge("g", observed(state))
    rig.reader.peek()
    del state["b"]
    assert values_of(rig.reader.take(), "g") == {("a",): 1}
    state.clear()
    assert rig.reader.take() is None


@pytest.mark.parametrize("peeks", [0, 1])
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_the_cardinality_limit_holds_whoever_looks(temporality: Any, peeks: int) -> None:
    """Three series and the overflow, though the SDK's own limit starts anew at each collection; nothing is lost."""
    rig = Rig(temporality=temporality, cardinality_limit=3)
    counter, histogram = rig.meter.create_counter("c"), rig.meter.create_histogram("h")
    for round_ in range(3):
        for key in range(5):
            counter.add(1, {"k": key})
            histogram.record(1, {"k": key})
            for _ in range(peeks):
                rig.reader.peek()
        data = rig.reader.take()
        rounds = round_ + 1 if temporality == "cumulative" else 1
        counted = {point.attributes.get("k", "overflow"): point.value for point in points_of(data, "c")}
        assert counted == {0: rounds, 1: rounds, 2: rounds, "overflow": 2 * rounds}
        overflow = [point for point in points_of(data, "c") if point.attributes == {"otel.metric.overflow": True}]
        assert len(overflow) == len(points_of(data, "c")) - 3 == 1
        assert {point.attributes.get("k"): point.count for point in points_of(data, "h")}[None] == 2 * rounds


def test_an_established_series_is_not_crowded_out_by_new_ones() -> None:
    """New series come first in an interval and fill it; the old one keeps its place, as in the SDK's cumulative storage."""
    rig = Rig(cardinality_limit=2)
    counter = rig.meter.create_counter("c")
    counter.add(1, {"k": "old"})
    rig.reader.take()
    for key in ("new", "newer", "newest", "old"):
        counter.add(1, {"k": key})
    assert values_of(rig.reader.take(), "c") == {("old",): 2, ("new",): 1, (True,): 2}


def test_attribute_values_that_are_equal_and_yet_different_stay_apart() -> None:
    """1, True and 1.0, and lists and mappings, which cannot be hashed; over a look in between and several exports."""
    rig = Rig()
    counter = rig.meter.create_counter("c")
    values = [1, True, 1.0, [1], {"a": 1}, [1, 2]]
    for _ in range(2):
        for value in values:
            counter.add(1, {"k": value})
        rig.reader.peek()
        data = rig.reader.take()
    assert sorted(repr(point.attributes["k"]) for point in points_of(data, "c")) == sorted(
        repr(v) for v in [1, True, 1.0, (1,), {"a": 1}, (1, 2)]
    )
    assert {point.value for point in points_of(data, "c")} == {2}


@pytest.fixture
def in_a_trace() -> Callable[[int], Any]:
    def context(span_id: int) -> Any:
        return trace.set_span_in_context(NonRecordingSpan(SpanContext(1, span_id, is_remote=False, trace_flags=TraceFlags(1))))

    return context


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_exemplars_survive_a_look_and_are_exported_once(temporality: Any, in_a_trace: Callable[[int], Any]) -> None:
    """A look drains the SDK's reservoirs; what it found goes with the next export, and with that one only."""
    rig = Rig(temporality=temporality)
    instruments: list[Any] = [
        rig.meter.create_counter("c").add,
        rig.meter.create_up_down_counter("u").add,
        rig.meter.create_gauge("g").set,
        rig.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1.0, 10.0]).record,
    ]
    for measure in instruments:
        measure(0.5, {}, in_a_trace(1))
        measure(5, {}, in_a_trace(2))
    for _ in range(3):
        rig.reader.peek()
    data = rig.reader.take()
    assert {name: len(points_of(data, name)[0].exemplars) for name in "cugh"} == {"c": 1, "u": 1, "g": 1, "h": 2}
    assert {one.span_id for one in points_of(data, "h")[0].exemplars} == {1, 2}
    for measure in instruments:
        measure(1)
    data = rig.reader.take()
    assert {name: len(points_of(data, name)[0].exemplars) for name in "cugh"} == dict.fromkeys("cugh", 0)


def test_peek_tells_totals_whatever_is_exported() -> None:
    """Statistics are since the start, though only deltas are exported; and they are there before the first export."""
    rig = Rig(temporality="delta")
    counter, histogram = rig.meter.create_counter("c"), rig.meter.create_histogram("h")
    assert not rig.reader.peek().resource_metrics
    for _ in range(3):
        counter.add(2)
        histogram.record(5)
        rig.reader.take()
    counter.add(1)
    peeked = rig.reader.peek()
    assert values_of(peeked, "c") == {(): 7}
    assert points_of(peeked, "h")[0].count == 3
    assert {metric.data.aggregation_temporality for metric in all_metrics(peeked)} == {CUMULATIVE}
    assert peeked.resource_metrics[0].resource.attributes["service.name"] == "s"
    assert values_of(rig.reader.take(), "c") == {(): 1}


def test_a_young_answer_leaves_the_callbacks_alone() -> None:
    """Callbacks of the application may be slow; whoever accepts an answer of a second ago does not run them."""
    rig = Rig()
    asked = []
    rig.meter.create_observable_gauge("g", [lambda options: asked.append(1) or [Observation(len(asked))]])
    first = rig.reader.peek(max_age_s=60)
    assert rig.reader.peek(max_age_s=60) == first
    assert len(asked) == 1
    assert values_of(rig.reader.peek(), "g") == {(): 2}


def test_exponential_histograms_on_request() -> None:
    """For the life of the provider, because the SDK binds it when an instrument is made."""
    rig = Rig(histogram_aggregation="base2_exponential_bucket_histogram")
    rig.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1.0]).record(5)
    data = rig.reader.take()
    assert isinstance(metric_named(data, "h").data, ExponentialHistogram)
    (point,) = points_of(data, "h")
    assert all(point.positive.bucket_counts), "empty buckets at the ends are trimmed"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temporality": "DELTA"}, "metrics_temporality='DELTA': write one of cumulative, delta, lowmemory"),
        ({"histogram_aggregation": "sum"}, "histogram_aggregation='sum': write one of explicit_bucket_histogram"),
        ({"cardinality_limit": 0}, "cardinality_limit=0: give a positive integer"),
        ({"cardinality_limit": True}, "cardinality_limit=True: give a positive integer"),
        ({"cardinality_limit": 2.5}, "cardinality_limit=2.5: give a positive integer"),
    ],
)
def test_wrong_settings_are_refused(settings: Any, message: str) -> None:
    """Each names field, value and mend."""
    with pytest.raises(ConfigurationError, match=message):
        SwitchReader(**settings)


def test_a_collection_by_others_is_only_a_look() -> None:
    """Somebody who calls ``collect`` on every reader loses us nothing."""
    rig = Rig(temporality="delta")
    rig.meter.create_counter("c").add(1)
    rig.meter.create_observable_gauge("g", observed({"a": 1}))
    rig.reader.collect()
    rig.reader.collect()
    data = rig.reader.take()
    assert values_of(data, "c") == {(): 1}
    assert values_of(data, "g") == {("a",): 1}


def test_a_raising_callback_costs_only_its_instrument(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK logs it, and everything else is exported."""
    rig = Rig()

    def broken(options: CallbackOptions) -> list[Observation]:
        raise ZeroDivisionError

    rig.meter.create_observable_gauge("broken", [broken])
    rig.meter.create_counter("c").add(1)
    with caplog.at_level(logging.CRITICAL):
        assert values_of(rig.reader.take(), "c") == {(): 1}


def test_a_failing_collection_loses_nothing() -> None:
    """Whatever the SDK raises is counted; what was recorded is exported by the next collection that works."""

    class Failing(ExemplarFilter):
        failing = True

        def should_sample(self, value, time_unix_nano, attributes, context) -> bool:
            if self.failing and attributes == {"series": "a"}:
                raise OSError
            return False

    failing = Failing()
    reader = SwitchReader(temporality="delta")
    provider = MeterProvider([reader], Resource({}), failing, shutdown_on_exit=False)
    meter = provider.get_meter("m")
    meter.create_observable_gauge("g", observed({"a": 1}))
    meter.create_counter("c").add(1)
    assert reader.take() is None
    assert reader.peek() is not None
    assert guard.faults() == {"SwitchReader.collect": 2}
    failing.failing = False
    assert values_of(reader.take(), "c") == {(): 1}


def test_a_slow_callback_is_counted_and_its_data_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK throws a whole collection away when one callback takes too long; then nothing would ever be exported."""
    monkeypatch.setattr(reader_module, "WAIT_S", 0.01)
    rig = Rig()
    for name in ("slow", "slower"):
        rig.meter.create_observable_gauge(name, [lambda options: time.sleep(0.05) or [Observation(1)]])
    rig.meter.create_counter("c").add(1)
    data = rig.reader.take()
    assert values_of(data, "c") == {(): 1}
    assert values_of(data, "slow") == values_of(data, "slower") == {(): 1}
    assert guard.faults() == {"observable callbacks": 1}


def test_a_blocking_callback_blocks_nobody_else() -> None:
    """A look answers with what it knew, an export with nothing, both in time; afterwards all is there."""
    rig = Rig(temporality="delta")
    rig.meter.create_counter("c").add(1)
    known = rig.reader.peek()
    release, entered = threading.Event(), threading.Event()

    def blocking(options: CallbackOptions) -> list[Observation]:
        entered.set()
        release.wait(10)
        return []

    rig.meter.create_observable_gauge("g", [blocking])
    worker = threading.Thread(target=rig.reader.peek)
    worker.start()
    try:
        assert entered.wait(5)
        started = time.monotonic()
        assert rig.reader.peek(timeout_s=0.05) == known
        assert rig.reader.take(timeout_s=-1) is None
        assert time.monotonic() - started < 2
    finally:
        release.set()
        worker.join()
    assert guard.faults() == {"SwitchReader.peek": 1, "SwitchReader.take": 1}
    assert values_of(rig.reader.take(), "c") == {(): 1}


def test_a_callback_may_ask_for_statistics() -> None:
    """It asks in the middle of a collection; the SDK would wait for itself for ever."""
    rig = Rig()
    counter = rig.meter.create_counter("c")
    counter.add(3)
    rig.reader.take()
    answers = []

    def curious(options: CallbackOptions) -> list[Observation]:
        answers.append(values_of(rig.reader.peek(), "c"))
        return [Observation(1)]

    rig.meter.create_observable_gauge("g", [curious])
    data = rig.reader.take()
    assert answers == [{(): 3}]
    assert values_of(data, "g") == {(): 1}


def test_the_reader_works_on_a_provider_of_others() -> None:
    """Joined to a foreign SDK provider by its public method, and taken off again."""
    provider = MeterProvider([], Resource({}), shutdown_on_exit=False)
    reader = SwitchReader()
    provider.add_metric_reader(reader)
    counter = provider.get_meter("m").create_counter("c")
    counter.add(1)
    assert values_of(reader.take(), "c") == {(): 1}
    provider.remove_metric_reader(reader)
    counter.add(1)
    assert values_of(reader.take(), "c") == {(): 1}
