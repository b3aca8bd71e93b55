"""Looks in between change nothing of what is exported but times, the last bits of float sums, and which exemplar survives.

Three pipelines get the same measurements: one is looked at 100 times in each interval, its twin never, and the third is the SDK's own
reader with the temporality that is wanted outside. All three must export the same, at each of three exports.
"""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from metric_points import comparable
from opentelemetry import trace
from opentelemetry.metrics import MeterProvider as ApiMeterProvider
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

PEEKS = 100
CYCLES = 3
ATTRIBUTES: list[dict[str, Any]] = [{}, {"k": 1}, {"k": True}, {"k": 1.0}, {"k": [1, 2], "m": {"x": 1}}]
SAMPLED = trace.set_span_in_context(NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1))))

DELTA_OUTSIDE: dict[str, dict[type, AggregationTemporality]] = {
    "cumulative": {},
    "delta": dict.fromkeys((Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA),
    "lowmemory": dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA),
}
VALUES: dict[str, Callable[[random.Random], float]] = {
    "small integers": lambda rng: rng.randrange(20),
    "powers of two": lambda rng: 2.0 ** rng.randint(-30, 30),
    "mostly zeros": lambda rng: 0 if rng.random() < 0.9 else rng.random(),
    "narrow": lambda rng: 100 + rng.random() / 1e6,
    "log-normal": lambda rng: rng.lognormvariate(0, 2),
}


class Program:
    """A program with every kind of instrument; the same seed does the same."""

    def __init__(self, provider: ApiMeterProvider, draw: Callable[[random.Random], float]) -> None:
        meter = provider.get_meter("m", "1.0")
        self._rng = random.Random(7)
        self._draw = draw
        self._state = {"a": 0.0, "b": 0.0}
        self._counter = meter.create_counter("counter", "1", "counts")
        self._updown = meter.create_up_down_counter("updown")
        self._gauge = meter.create_gauge("gauge")
        self._histogram = meter.create_histogram("histogram", "s", explicit_bucket_boundaries_advisory=[0.01, 0.1, 1, 10, 100])
        meter.create_observable_counter("o.counter", [self._observe])
        meter.create_observable_up_down_counter("o.updown", [self._observe])
        meter.create_observable_gauge("o.gauge", [self._observe])

    def _observe(self, options: object) -> Iterator[Observation]:
        for key, value in self._state.items():
            yield Observation(value, {"k": key}, SAMPLED)

    def step(self) -> None:
        rng = self._rng
        attributes, value = rng.choice(ATTRIBUTES), self._draw(rng)
        self._counter.add(value, attributes, SAMPLED)
        self._updown.add(value if rng.random() < 0.5 else -value, attributes, SAMPLED)
        self._gauge.set(value, attributes, SAMPLED)
        self._histogram.record(value, attributes, SAMPLED)
        self._state["a"] += value
        if rng.random() < 0.1:
            self._state["b"] = self._state.get("b", 0.0) + 1

    def nonzero(self) -> None:
        """One value that is not 0, because the SDK's own cumulative exponential histogram loses its scale in an interval of zeros."""
        for attributes in ATTRIBUTES:
            self._histogram.record(0.5, attributes, SAMPLED)


def pipelines(
    temporality: Any, *, exponential: bool
) -> list[tuple[ApiMeterProvider, Callable[[], MetricsData | None], Callable[[], object]]]:
    kind = "base2_exponential_bucket_histogram" if exponential else "explicit_bucket_histogram"
    found: list[Any] = []
    for looked_at in (True, False):
        reader = SwitchReader(temporality=temporality, histogram_aggregation=kind)  # type: ignore[arg-type]
        provider = SwitchMeterProvider(resource=Resource({}), reader=reader)
        found.append((provider, reader.take, reader.peek if looked_at else lambda: None))
    preferred = {Histogram: ExponentialBucketHistogramAggregation()} if exponential else {}
    own = InMemoryMetricReader(DELTA_OUTSIDE[temporality], preferred)  # type: ignore[arg-type]
    found.append((MeterProvider([own], Resource({}), shutdown_on_exit=False), own.get_metrics_data, lambda: None))
    return found


OLD_SDK = "cardinality_limits" not in inspect.signature(InMemoryMetricReader.__init__).parameters
"""Before 1.45.2 the SDK keeps the scale of an exponential histogram from one collection to the next, and has no cardinality limits."""


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("exponential", [False, True], ids=["explicit", "exponential"])
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_a_hundred_peeks_change_no_export(temporality: str, exponential: bool, values: str) -> None:
    """All instruments, both temporalities, both histograms, five kinds of values, three exports."""
    if OLD_SDK and exponential:
        pytest.skip(
            "before opentelemetry-sdk 1.45.2 each collection, peeks too, may widen the buckets of an exponential histogram for good"
        )
    check(temporality, exponential=exponential, draw=VALUES[values], steps=PEEKS)


def test_a_hundred_peeks_change_no_export_in_low_memory() -> None:
    """The mixed temporality, where observable counters stay cumulative."""
    check("lowmemory", exponential=False, draw=VALUES["log-normal"], steps=PEEKS)


def check(temporality: str, *, exponential: bool, draw: Callable[[random.Random], float], steps: int) -> None:
    pipes = pipelines(temporality, exponential=exponential)
    programs = [Program(provider, draw) for provider, _, _ in pipes]
    for cycle in range(CYCLES):
        for (_, _, look), program in zip(pipes, programs, strict=True):
            program.nonzero()
            for step in range(steps):
                program.step()
                if step % (steps // PEEKS) == 0:
                    look()
        peeked, unpeeked, sdk = (comparable(take()) for _, take, _ in pipes)
        assert set(peeked) == set(unpeeked) == set(sdk)
        for series in peeked:
            assert peeked[series] == unpeeked[series], (cycle, series)
            assert peeked[series] == sdk[series], (cycle, series)


@pytest.mark.skipif(OLD_SDK, reason="before opentelemetry-sdk 1.45.2 the SDK has no cardinality limits to compare with")
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_peeks_around_the_cardinality_limit(temporality: str) -> None:
    """More series than allowed: the same ones are kept and the same goes to the overflow, with looks, without, and in the SDK."""
    limit = 4
    found: list[Any] = []
    for looked_at in (True, False):
        reader = SwitchReader(temporality=temporality, cardinality_limit=limit)  # type: ignore[arg-type]
        found.append((SwitchMeterProvider(resource=Resource({}), reader=reader), reader.take, reader.peek if looked_at else lambda: None))
    own = InMemoryMetricReader(DELTA_OUTSIDE[temporality], cardinality_limits=dict.fromkeys((Counter, Histogram), limit))  # type: ignore[arg-type]
    found.append((MeterProvider([own], Resource({}), shutdown_on_exit=False), own.get_metrics_data, lambda: None))
    instruments = [(provider.get_meter("m").create_counter("c"), provider.get_meter("m").create_histogram("h")) for provider, _, _ in found]
    for _ in range(CYCLES):
        for (_, _, look), (counter, histogram) in zip(found, instruments, strict=True):
            for key in range(7):
                counter.add(1, {"k": key}, SAMPLED)
                histogram.record(key, {"k": key}, SAMPLED)
                look()
        peeked, unpeeked, sdk = (comparable(take()) for _, take, _ in found)
        assert peeked == unpeeked == sdk
        assert len(peeked) == 2 * (limit + 1)


def test_zeros_do_not_cost_the_scale() -> None:
    """Where we differ from the SDK on purpose: its cumulative exponential histogram is a factor of 2 wide for good after zeros only."""
    pipes = pipelines("cumulative", exponential=True)
    histograms = [provider.get_meter("m").create_histogram("h") for provider, _, _ in pipes]
    scales = []
    for recorded in (1.01, 0.0):
        for (_, _, look), histogram in zip(pipes, histograms, strict=True):
            histogram.record(recorded)
            look()
        scales.append([take().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].scale for _, take, _ in pipes])  # type: ignore[union-attr]
    assert scales[0] == [20, 20, 20]
    assert scales[1] == [20, 20, 0]


def test_float_sums_differ_in_last_bits_only() -> None:
    """The one difference in values: additions in another order."""
    rng = random.Random(3)
    values = [rng.lognormvariate(0, 3) for _ in range(500)]
    reader = SwitchReader()
    counter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m").create_counter("c")
    for value in values:
        counter.add(value)
        reader.peek()
    total = reader.take().resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].value  # type: ignore[union-attr]
    assert total == pytest.approx(math.fsum(values), rel=1e-12)
