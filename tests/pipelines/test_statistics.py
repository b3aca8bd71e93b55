"""The statistics of every series, as people and programs read them."""

from __future__ import annotations

import dataclasses
import math

import pytest
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.pipelines.percentiles import Percentile
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.statistics import Statistics
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider


@pytest.fixture
def reader() -> SwitchReader:
    return SwitchReader(temporality="delta")


@pytest.fixture
def statistics(reader: SwitchReader) -> Statistics:
    meter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m")
    tokens = meter.create_histogram("tokens", "{token}", explicit_bucket_boundaries_advisory=[10, 100])
    for value in (1, 2, 30, 40, 500):
        tokens.record(value, {"agent.name": "a", "type": "input"})
    tokens.record(7, {"agent.name": "b", "type": "input"})
    reader.take()  # what was exported as a delta is part of the statistics
    tokens.record(9, {"agent.name": "b", "type": "output"})
    meter.create_counter("calls", "1").add(3, {"agent.name": "a"})
    meter.create_up_down_counter("open").add(-2)
    meter.create_gauge("level").set(4.5)
    meter.create_observable_gauge("seen", [lambda options: [Observation(6)]])
    return Statistics.of(reader.peek())


def test_a_histogram_has_everything(statistics: Statistics) -> None:
    """Count, extremes and mean are exact; percentiles come with their bounds."""
    found = statistics.get("tokens", **{"agent.name": "a"})
    assert found is not None
    assert (found.count, found.sum, found.min, found.max, found.mean) == (5, 573, 1, 500, 114.6)
    assert found.median == Percentile(value=pytest.approx(10 + 90 * 0.25), low=10, high=100)
    assert found.p95 == found.p99 == Percentile(value=pytest.approx(300), low=100, high=500)
    assert found.unit == "{token}"
    assert dict(found.attributes) == {"agent.name": "a", "type": "input"}
    assert found.stddev is not None
    assert 0 < found.stddev <= math.sqrt((500 - 114.6) * (114.6 - 1))
    assert found.last is None


def test_counters_have_a_sum_and_gauges_a_last_value(statistics: Statistics) -> None:
    """There is no more to know of them."""
    calls, opened, level, seen = (statistics.get(name) for name in ("calls", "open", "level", "seen"))
    assert calls is not None
    assert (calls.sum, calls.last, calls.count, calls.median) == (3, None, None, None)
    assert opened is not None
    assert opened.sum == -2
    assert [gauge and (gauge.last, gauge.sum) for gauge in (level, seen)] == [(4.5, None), (6, None)]


def test_look_up(statistics: Statistics) -> None:
    """By name and any part of the attributes; what is ambiguous is said, and not guessed."""
    assert len(statistics.find("tokens")) == 3
    assert len(statistics.find("tokens", type="input")) == 2
    assert len(statistics.find(**{"agent.name": "a"})) == 2
    assert statistics.find("absent") == ()
    assert len(statistics.find()) == len(statistics) == len(list(statistics)) == 7
    assert statistics.get("tokens", **{"agent.name": "b", "type": "output"}).count == 1
    assert statistics.get("tokens", type="absent") is None
    with pytest.raises(LookupError, match=r"2 series of 'tokens' have the attributes \{'type': 'input'\}; name more"):
        statistics.get("tokens", type="input")


def test_the_series_that_has_exactly_these_attributes_wins(reader: SwitchReader) -> None:
    """A series without attributes can be asked for beside others."""
    counter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m").create_counter("c")
    counter.add(1)
    counter.add(2, {"k": "x"})
    statistics = Statistics.of(reader.peek())
    assert statistics.get("c").sum == 1
    assert statistics.get("c", k="x").sum == 2


def test_printed_it_is_a_table(statistics: Statistics) -> None:
    """A line for each metric, one for each series below it, columns aligned, what is not known is a dash."""
    lines = str(statistics).splitlines()
    assert lines[0].split() == ["count", "mean", "p50", "p95", "p99", "max", "sum"]
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == ["calls", "level", "open", "seen", "tokens"]
    (row,) = [line for line in lines if line.startswith("  a input ")]
    assert row.split()[2:5] == ["5", "114.6", "32.5"]
    assert row[: lines[0].index("count") + len("count")].endswith("    5"), "numbers are aligned on the right"
    level = lines[[line.split()[0] for line in lines].index("level") + 1]
    assert level.split() == ["-", "-", "-", "-", "-", "-", "-", "4.5"]


def test_seconds_are_said_in_the_unit_that_fits() -> None:
    """A duration of 200 microseconds does not read as 0.0002, and a long list of attributes is cut."""
    reader = SwitchReader()
    provider = SwitchMeterProvider(resource=Resource({}), reader=reader)
    provider.get_meter("m").create_histogram("d", "s").record(0.0002, {f"key{number}": "x" * 30 for number in range(4)})
    text = str(Statistics.of(reader.peek()))
    assert "200 us" in text
    assert max(len(line) for line in text.splitlines()) <= 130


def test_nothing_recorded_says_so(reader: SwitchReader) -> None:
    """An empty table would look like a fault."""
    assert str(Statistics.of(reader.peek())) == "nothing has been recorded"


def test_an_empty_series_is_left_out() -> None:
    """A histogram of others may hold nothing; it has no mean."""
    point = HistogramDataPoint({}, 1, 2, 0, 0, (0, 0), (1.0,), math.inf, -math.inf)
    metric = Metric("h", "", "s", Histogram([point], AggregationTemporality.CUMULATIVE))
    scope = ScopeMetrics(InstrumentationScope("m"), [metric], "")
    assert len(Statistics.of(MetricsData([ResourceMetrics(Resource({}), [scope], "")]))) == 0


def test_without_extremes_they_are_none() -> None:
    """A view may switch them off; infinity would be a lie."""
    reader = SwitchReader()
    view = View(instrument_name="h", aggregation=ExplicitBucketHistogramAggregation([1.0], record_min_max=False))
    provider = SwitchMeterProvider(resource=Resource({}), reader=reader, views=[view])
    provider.get_meter("m").create_histogram("h").record(5)
    found = Statistics.of(reader.peek()).get("h")
    assert found is not None
    assert (found.min, found.max, found.mean, found.stddev) == (None, None, 5, None)
    assert found.p95 == Percentile(value=None, low=1, high=math.inf)
    assert "inf" not in str(Statistics.of(reader.peek()))


def test_it_is_frozen(statistics: Statistics) -> None:
    """A snapshot that nobody can change."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        statistics.series[0].count = 5  # type: ignore[misc]


def test_statistics_change_no_export(reader: SwitchReader, statistics: Statistics) -> None:
    """They were asked for after the first export; the second has what was recorded since, and no more."""
    data = reader.take()
    assert data is not None
    points = {m.name: m.data.data_points for m in data.resource_metrics[0].scope_metrics[0].metrics}
    assert [dict(point.attributes)["type"] for point in points["tokens"]] == ["output"]
