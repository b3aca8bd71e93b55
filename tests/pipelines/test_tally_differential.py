"""What we add up ourselves is what the SDK would have: the same random program on both, looked at and exported at random moments."""

from __future__ import annotations

import contextlib
import inspect
import logging
import math
from collections.abc import Callable, Mapping
from enum import Enum
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from metric_points import all_metrics, comparable, points_of
from opentelemetry import trace
from opentelemetry.metrics import MeterProvider as ApiMeterProvider
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    Histogram,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

DELTAS: dict[str, dict[type, AggregationTemporality]] = {
    "cumulative": {},
    "delta": dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA),
}
FILTERS = {"trace_based": TraceBasedExemplarFilter, "always_on": AlwaysOnExemplarFilter, "always_off": AlwaysOffExemplarFilter}
HAS_LIMITS = "cardinality_limits" in inspect.signature(InMemoryMetricReader.__init__).parameters


class Color(str, Enum):
    """Text of another type."""

    RED = "red"


class Opaque:
    """A value that no attribute can have."""

    __hash__ = None  # type: ignore[assignment]


def under(span_id: int, flags: int) -> Any:
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(7, span_id, is_remote=False, trace_flags=TraceFlags(flags))))


CONTEXTS = [None, trace.set_span_in_context(trace.INVALID_SPAN), *(under(number, flags) for number in (1, 2) for flags in (0, 1))]

numbers = st.one_of(
    st.integers(-2, 300),
    st.sampled_from([0, 0.0, -0.0, True, False, 1.0, 5, 5.0, 10_000, 10_000.1, 1e300, 10**18]),
    st.sampled_from([math.nan, math.inf, -math.inf, 10**400, "1", None, 1j, Fraction(1, 2)]),
    st.integers(-1_000, 20_000).map(lambda sixtyfourths: sixtyfourths / 64),
)
"""Amounts that are added without rounding, so that the order does not matter, and what is no amount."""

values = st.one_of(
    st.sampled_from(["a", "b", 1, True, 1.0, 0, False, 0.0, "1", "", None, b"a", math.nan, Color.RED]),
    st.sampled_from([[1, 2], [1, True], (1, 2), {"k": [1]}, {"k": 1}, [], {}, [["k", 1]]]),
    st.builds(Opaque),
)
attributes = st.one_of(
    st.none(),
    st.sampled_from([[], "text", 3, [("a", 1)]]),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y"]), max_size=3),
    st.lists(st.tuples(st.sampled_from(["a", "b", "c", "", 1]), values), max_size=3).map(dict),
    st.dictionaries(st.sampled_from(["a", "b"]), values, max_size=2).map(MappingProxyType),
)
KINDS = ["counter", "updown", "histogram", "advised", "COUNTER", "other.unit", "refused"]
measurements = st.tuples(st.sampled_from(KINDS), numbers, attributes, st.sampled_from(CONTEXTS))
programs = st.lists(st.one_of(measurements, measurements, st.sampled_from(["look", "export"])), max_size=60)


class Program:
    """The instruments of one provider, and what can be done with them."""

    def __init__(self, provider: ApiMeterProvider, export: Callable[[], MetricsData | None], look: Callable[[], object]) -> None:
        self.provider, self.export, self.look = provider, export, look
        meter = provider.get_meter("m", "1", "https://schema")
        self._calls: dict[str, Callable[..., None]] = {
            "counter": meter.create_counter("Counter", "1", "counts").add,
            "updown": meter.create_up_down_counter("updown").add,
            "histogram": meter.create_histogram("histogram", "s").record,
            "advised": meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[0, 1, 2.5, 100]).record,
            "COUNTER": provider.get_meter("m", "1", "https://schema").create_counter("COUNTER", "1", "counts").add,
            "other.unit": meter.create_counter("counter", "By", "counts").add,
            "refused": meter.create_histogram("refused", explicit_bucket_boundaries_advisory=[2, 1]).record,
        }

    def measure(self, kind: str, *arguments: Any) -> None:
        with contextlib.suppress(Exception):  # the SDK raises for what is no number; ours must not, see below
            self._calls[kind](*arguments)


def ours(*, temporality: Any = "cumulative", exemplar_filter: str = "trace_based", limit: int = 2_000) -> Program:
    reader = SwitchReader(temporality=temporality, cardinality_limit=limit)
    provider = SwitchMeterProvider(resource=Resource({"service.name": "s"}), reader=reader, exemplar_filter=exemplar_filter)
    return Program(provider, reader.take, reader.peek)


def sdks(*, temporality: str = "cumulative", exemplar_filter: str = "trace_based", limit: int | None = None) -> Program:
    limits: Any = {} if limit is None else {"cardinality_limits": dict.fromkeys((Counter, Histogram), limit)}
    reader = InMemoryMetricReader(DELTAS[temporality], **limits)  # type: ignore[arg-type]
    chosen = FILTERS[exemplar_filter]()
    provider = MeterProvider([reader], Resource({"service.name": "s"}), exemplar_filter=chosen, shutdown_on_exit=False)
    return Program(provider, reader.get_metrics_data, lambda: None)


def told(data: MetricsData | None) -> tuple[Any, ...]:
    """All that an export says but times and the choice among exemplars, which is random in the SDK's sums."""
    found: dict[Any, Any] = {}
    for metric in all_metrics(data):
        # Two instruments that differ in their unit are two metrics of one name; text of another type is another series in the SDK.
        for point in metric.data.data_points:
            series = (
                metric.name,
                metric.unit,
                metric.description,
                frozenset((key, repr(value)) for key, value in point.attributes.items()),
            )
            content = next(iter(comparable(_only(data, metric, point)).values()))
            newest = [_exemplar(one) for one in point.exemplars] if hasattr(point, "bucket_counts") else len(point.exemplars)
            types = tuple(type(getattr(point, name, None)) for name in ("value", "sum", "min", "max"))
            assert series not in found
            found[series] = (content, newest, types, list(point.attributes))
    resources = [] if data is None else data.resource_metrics
    scopes = {(scope.scope, scope.schema_url) for one in resources for scope in one.scope_metrics}
    return found, [(one.resource, one.schema_url) for one in resources], scopes


def _only(data: Any, metric: Any, point: Any) -> Any:
    """The same data with nothing but this point."""
    import dataclasses

    alone = dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=[point]))
    (one,) = data.resource_metrics
    scope = dataclasses.replace(one.scope_metrics[0], metrics=[alone])
    return dataclasses.replace(data, resource_metrics=[dataclasses.replace(one, scope_metrics=[scope])])


def _exemplar(one: Any) -> tuple[Any, ...]:
    return one.value, one.trace_id, one.span_id, one.filtered_attributes


def check(program: list[Any], both: tuple[Program, Program]) -> None:
    for step in (*program, "export"):
        if step == "look":
            for one in both:
                one.look()
        elif step == "export":
            mine, sdk = (told(one.export()) for one in both)
            assert mine == sdk
        else:
            for one in both:
                one.measure(*step)


SAMPLED = under(1, 1)


@settings(max_examples=150, deadline=None)
@given(programs, st.sampled_from(["cumulative", "delta"]), st.sampled_from(sorted(FILTERS)))
@example([("counter", 1, {"a": 1}, None), ("counter", 1, {"a": True}, None), ("counter", 1, {"a": 1.0}, None)], "delta", "trace_based")
@example([("counter", 1, {"a": "x", "b": "y"}, None), "export", ("counter", 1, {"b": "y", "a": "x"}, None)], "cumulative", "trace_based")
@example(
    [("histogram", n, {"a": "x"}, SAMPLED) for n in (0, 5, 5.0, 6, 3)] + ["look", ("histogram", 4, {"a": "x"}, under(2, 1))],
    "delta",
    "trace_based",
)
def test_the_same_program_tells_the_same(program: list[Any], temporality: str, exemplar_filter: str) -> None:
    """Values, buckets, extremes, attributes, their types, exemplars, names, units, scopes and resource; whatever it is given."""
    if any(isinstance(step, tuple) and "nan" in repr(step[2]) for step in program):
        return  # to the SDK each NaN is another series, or the same, as Python happens to hold it
    if exemplar_filter == "always_on":
        # The SDK's exemplar keeps the ids of an earlier span of the interval when the newest measurement has none.
        program = [(*step[:3], SAMPLED) if isinstance(step, tuple) else step for step in program]
    logging.disable(logging.ERROR)
    try:
        check(
            program,
            (
                ours(temporality=temporality, exemplar_filter=exemplar_filter),
                sdks(temporality=temporality, exemplar_filter=exemplar_filter),
            ),
        )
    finally:
        logging.disable(logging.NOTSET)


names = st.integers(0, 12).map("n{}".format)
crowds = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["counter", "histogram"]), st.just(1), names.map(lambda name: {"k": name})),
        st.just("export"),
        st.just("look"),
    ),
    max_size=80,
)


def seen(first: int, after: int) -> list[Any]:
    return [("counter", 1, {"k": f"n{number}"}) for number in range(first, after)]


@pytest.mark.skipif(not HAS_LIMITS, reason="before opentelemetry-sdk 1.45.2 the SDK has no cardinality limits to compare with")
@settings(max_examples=100, deadline=None)
@given(crowds, st.sampled_from(["cumulative", "delta"]))
@example([*seen(0, 3), "export", *seen(3, 9), "export", *seen(9, 12)], "delta")
@example([*seen(0, 4), "export", *seen(4, 14), *seen(0, 3)], "cumulative")
def test_more_series_than_allowed(program: list[Any], temporality: str) -> None:
    """The same ones are kept, those that came first, and the same goes to the overflow: of all time in totals, of an interval in deltas."""
    steps = [(*step, None) if isinstance(step, tuple) else step for step in program]
    if temporality == "cumulative":
        check(steps, (ours(limit=3), sdks(limit=3)))
    else:
        check(steps, (ours(limit=3, temporality="delta"), sdks(limit=3, temporality="delta")))


BAD: list[tuple[str, Any, Any]] = [
    ("counter", -1, None),
    ("counter", math.nan, None),
    ("updown", math.inf, {"a": "x"}),
    ("histogram", -0.5, None),
    ("histogram", -math.inf, None),
    ("counter", 1, {"": "x", "a": "y"}),
    ("counter", 1, {1: "x"}),
    ("counter", 1, {"a": object()}),
    ("counter", 1, ["a"]),
    ("histogram", 1, {"a": [object()]}),
]


@pytest.mark.parametrize(("kind", "amount", "given_attributes"), BAD)
def test_the_same_warnings(kind: str, amount: Any, given_attributes: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks for what is wrong finds the SDK's words, each time."""
    found = []
    for program in (ours(), sdks()):
        caplog.clear()
        for _ in range(2):
            program.measure(kind, amount, given_attributes)
        found.append([(record.name, record.getMessage()) for record in caplog.records])
        assert len(found[-1]) >= 2
    assert found[0] == found[1]


class Hostile(Mapping[str, Any]):
    """A mapping of the application's that raises."""

    def __getitem__(self, key: str) -> Any:
        raise OSError

    def __iter__(self) -> Any:
        raise OSError

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("amount", "given_attributes"), [("1", None), (None, None), (10**400, None), (1j, None), (1, Hostile()), (object(), Hostile())]
)
def test_nothing_reaches_the_caller(amount: Any, given_attributes: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Where the SDK raises into the application, ours counts a fault, and goes on."""
    from langswarm_otel import guard

    reader = SwitchReader()
    meter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m")
    counter, histogram = meter.create_counter("c"), meter.create_histogram("h")
    counter.add(amount, given_attributes)
    histogram.record(amount, given_attributes)
    counter.add(1)
    histogram.record(1)
    assert guard.faults() == {"Tally.measure": 2}
    guard.forget_faults()
    data = reader.take()
    assert [point.value for point in points_of(data, "c")] == [1]
    assert [point.count for point in points_of(data, "h")] == [1]


ADVICE: list[Any] = [None, [], [1], (1, 2.5), [True, 2], ["a"], "text", 5, iter([1]), [1, 1], [2, 1], [1, math.inf], [math.nan], range(3)]


@pytest.mark.parametrize("advice", ADVICE, ids=lambda advice: repr(advice).split(" object")[0])
def test_advice_on_buckets(advice: Any) -> None:
    """Taken, refused or ignored as in the SDK; the second to ask for the same histogram gets that of the first."""
    logging.disable(logging.ERROR)
    found = []
    try:
        for program in (ours(), sdks()):
            meter = program.provider.get_meter("m")
            for advised in (advice, [3, 4]):
                with contextlib.suppress(Exception):
                    meter.create_histogram("h", explicit_bucket_boundaries_advisory=advised).record(1)
            found.append(told(program.export()))
    finally:
        logging.disable(logging.NOTSET)
    assert found[0] == found[1]


def test_text_of_another_type_is_the_same_text() -> None:
    """Where we differ from the SDK on purpose: on the wire its two series would be one, told twice."""
    mine, sdk = ours(), sdks()
    for program in (mine, sdk):
        for value in ("red", Color.RED):
            program.measure("counter", 1, {"color": value})
    assert [point.value for point in points_of(mine.export(), "counter")] == [2]
    assert [point.value for point in points_of(sdk.export(), "counter")] == [1, 1]
