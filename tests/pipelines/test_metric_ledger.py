"""The state behind the reader, with times that a real clock gives only when it is set back."""

from __future__ import annotations

from typing import Any

import pytest
from metric_points import all_metrics, points_of, values_of
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.pipelines.metric_ledger import MetricLedger

CUMULATIVE, DELTA = AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA


def collected(*metrics: Metric, scope: str = "m", resource: Resource | None = None) -> MetricsData:
    scopes = [ScopeMetrics(InstrumentationScope(scope, "1"), list(metrics), "")]
    return MetricsData([ResourceMetrics(resource or Resource({}), scopes, "")])


def added(value: float, start: int, end: int, *, name: str = "c", monotonic: bool = True, **attributes: Any) -> Metric:
    return Metric(name, "described", "1", Sum([NumberDataPoint(attributes, start, end, value)], DELTA, monotonic))


def total(value: float, start: int, end: int) -> Metric:
    return Metric("o", "", "1", Sum([NumberDataPoint({}, start, end, value)], CUMULATIVE, is_monotonic=True))


def ranges(data: MetricsData | None, name: str) -> list[tuple[int, int]]:
    return [(point.start_time_unix_nano, point.time_unix_nano) for point in points_of(data, name)]


def test_a_clock_that_is_set_back_makes_no_end_before_a_start() -> None:
    """A collector refuses such points; the next export goes on from the new time."""
    ledger = MetricLedger(10)
    ledger.receive(collected(added(1, 100, 200), total(5, 100, 200)))
    ledger.close("delta")
    ledger.receive(collected(added(1, 200, 50), total(7, 100, 50)))
    data = ledger.close("delta")
    assert ranges(data, "c") == ranges(data, "o") == [(50, 50)]
    assert values_of(data, "o") == {(): 2}
    ledger.receive(collected(added(1, 50, 80), total(8, 100, 80)))
    assert ranges(ledger.close("delta"), "c") == [(50, 80)]
    ledger.receive(collected(added(1, 80, 90)))
    assert ranges(ledger.close("cumulative"), "c") == [(90, 90)]


def test_each_collection_replaces_what_is_told_as_a_total() -> None:
    """Whoever asked for it: a total is what was said last, once."""
    ledger = MetricLedger(10)
    ledger.receive(collected(total(5, 1, 2)))
    ledger.receive(collected(total(6, 1, 3)))
    assert values_of(ledger.running(), "o") == {(): 6}
    assert len(points_of(ledger.running(), "o")) == 1
    ledger.begin()
    assert not all_metrics(ledger.running())


def test_what_tells_metrics_apart() -> None:
    """Scope, name, unit, description, kind, direction and temporality: any of them makes another metric, and points are not mixed."""
    ledger = MetricLedger(10)
    metrics = [
        added(1, 1, 2),
        added(1, 1, 2, name="other"),
        added(1, 1, 2, monotonic=False),
        Metric("c", "described", "s", Sum([NumberDataPoint({}, 1, 2, 1)], DELTA, is_monotonic=True)),
        Metric("c", "otherwise", "1", Sum([NumberDataPoint({}, 1, 2, 1)], DELTA, is_monotonic=True)),
        Metric("c", "described", "1", Sum([NumberDataPoint({}, 1, 2, 1)], CUMULATIVE, is_monotonic=True)),
        Metric("c", "described", "1", Gauge([NumberDataPoint({}, None, 2, 1)])),
    ]
    for _ in range(2):
        ledger.receive(collected(*metrics))
        ledger.receive(collected(*metrics, scope="elsewhere"))
    data = ledger.running()
    assert [scope.scope.name for scope in data.resource_metrics[0].scope_metrics] == ["m", "elsewhere"]
    assert [len(scope.metrics) for scope in data.resource_metrics[0].scope_metrics] == [5, 7]
    assert {point.value for metric in all_metrics(data) for point in metric.data.data_points} == {1, 2}


def test_scopes_keep_their_schema_and_metrics_their_texts() -> None:
    """Nothing that the SDK said is lost on the way through the ledger."""
    ledger = MetricLedger(10)
    scope = InstrumentationScope("m", "1", "https://schema", {"a": 1})
    resource = Resource({"service.name": "s"}, "https://resource")
    ledger.receive(MetricsData([ResourceMetrics(resource, [ScopeMetrics(scope, [added(1, 1, 2)], "https://schema")], "https://resource")]))
    (found,) = ledger.close("cumulative").resource_metrics  # type: ignore[union-attr]
    assert (found.resource, found.schema_url) == (resource, "https://resource")
    assert (found.scope_metrics[0].scope, found.scope_metrics[0].schema_url) == (scope, "https://schema")
    metric = found.scope_metrics[0].metrics[0]
    assert (metric.name, metric.description, metric.unit) == ("c", "described", "1")


@pytest.mark.parametrize("temporality", ["cumulative", "delta", "lowmemory"])
def test_an_empty_ledger_has_nothing_to_say(temporality: Any) -> None:
    """Neither before anything was collected nor when a collection brought nothing."""
    ledger = MetricLedger(10)
    assert ledger.close(temporality) is None
    ledger.receive(MetricsData([]))
    assert ledger.close(temporality) is None
    assert not ledger.running().resource_metrics


def test_the_resource_is_the_newest() -> None:
    """It changes after a fork and with another configuration."""
    ledger = MetricLedger(10)
    for name in ("old", "new"):
        ledger.receive(collected(added(1, 1, 2), resource=Resource({"service.name": name})))
    assert ledger.running().resource_metrics[0].resource.attributes["service.name"] == "new"
