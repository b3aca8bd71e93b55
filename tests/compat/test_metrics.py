"""``provider.metrics``: real instruments, and what can be read of them."""

import re
import time

import pytest

from langswarm_otel import presets
from langswarm_otel.compat import (
    MetricPoint,
    MetricType,
    ObservabilityConfig,
    ObservabilityProvider,
    counter,
    gauge,
    histogram,
    record_metric,
    timer,
)
from langswarm_otel.compat.vocabulary import COVERED_METRICS, PER_REQUEST
from langswarm_otel.guard import faults
from langswarm_otel.runtime import configure_observability
from langswarm_otel.signals.instruments import MAX_NAMES


def test_each_kind_is_an_instrument(provider, telemetry):
    """A timer is a histogram of seconds, of values that are given in milliseconds."""
    metrics = provider.metrics
    metrics.increment_counter("requests", endpoint="/api")
    metrics.increment_counter("requests", 2.0, endpoint="/api")
    metrics.set_gauge("connections", 42)
    metrics.record_histogram("size", 7.0)
    metrics.record_timer("operation_time", 250.0)
    kinds = {point.name: (point.kind, point.value, point.unit) for point in telemetry.metrics}
    assert kinds == {
        "requests": ("sum", 3.0, ""),
        "connections": ("gauge", 42, ""),
        "size": ("histogram", 7.0, ""),
        "operation_time": ("histogram", 0.25, "s"),
    }


def test_a_block_can_be_timed(provider, telemetry):
    """Also one that raises."""
    with pytest.raises(KeyError), provider.metrics.start_timer("work", kind="slow"):
        time.sleep(0.01)
        raise KeyError
    point = telemetry.metric("work", kind="slow")
    assert point.count == 1
    assert point.value >= 0.01


def test_standard_names_and_no_tags_of_single_requests(provider, telemetry):
    """Model and provider by their standard names; what is different in each request, and content, is on no metric."""
    tags = dict.fromkeys(PER_REQUEST, "x")
    provider.metrics.increment_counter(
        "sales", model="gpt-4o", provider="ProviderType.MISTRAL", region="eu", query="who", empty=None, **tags
    )
    assert telemetry.metric("sales").attributes == {"gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "mistral_ai", "region": "eu"}


@pytest.mark.parametrize("name", sorted(COVERED_METRICS))
def test_what_our_operations_measure_is_left_out(provider, telemetry, name):
    """LangSwarm's own metrics of agents, tools, workflows and tokens."""
    provider.metrics.increment_counter(name)
    provider.metrics.record_histogram(name, 1.0)
    assert telemetry.metrics == ()


def test_one_name_may_be_of_two_kinds(provider, telemetry):
    """As LangSwarm lets it: the second kind says so in its name."""
    provider.metrics.increment_counter("load")
    provider.metrics.set_gauge("load", 5)
    provider.metrics.set_gauge("load", 6)
    assert {(point.name, point.kind, point.value) for point in telemetry.metrics} == {("load", "sum", 1.0), ("load.gauge", "gauge", 6.0)}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "many", None, -1, object()])
def test_what_is_no_number_is_left_out_and_counted(provider, telemetry, value):
    """A sum would be spoilt for good."""
    provider.metrics.increment_counter("sales", value)
    assert telemetry.metrics == ()
    assert faults() == {"compat.metric": 1}


def test_names_that_opentelemetry_does_not_take_are_fitted(provider, telemetry):
    """And are found by the name that was given."""
    provider.metrics.increment_counter("7 dwarves: ünïted")
    assert telemetry.metrics[0].name == "m_7_dwarves___n_ted"
    assert provider.metrics.get_counter_value("7 dwarves: ünïted") == 1.0


def test_names_are_bounded(provider, telemetry):
    """Beyond the first five hundred, metrics are left out."""
    for number in range(MAX_NAMES + 20):
        provider.metrics.increment_counter(f"metric.{number}")
        provider.metrics.increment_counter("region.sales", region=f"region {number}")
    names = {point.name for point in telemetry.metrics}
    assert len(names) == MAX_NAMES
    assert {point.attributes["region"] for point in telemetry.metrics if point.name == "region.sales"} >= {"_OTHER"}


def test_statistics_have_langswarms_form(provider, telemetry):
    """Histograms in their unit, timers in milliseconds with names that say so."""
    metrics = provider.metrics
    for value in (10.0, 20.0, 30.0, 40.0, 50.0):
        metrics.record_histogram("response_time", value, endpoint="/api")
        metrics.record_timer("operation_time", value)
    found = metrics.get_histogram_stats("response_time", endpoint="/api")
    assert (found["count"], found["min"], found["max"], found["mean"]) == (5, 10.0, 50.0, 30.0)
    assert found.keys() == {"count", "min", "max", "mean", "median", "p95", "p99", "stddev"}
    timed = metrics.get_timer_stats("operation_time")
    assert (timed["count"], timed["min_ms"], timed["max_ms"]) == (5, 10.0, 50.0)
    assert timed["mean_ms"] == pytest.approx(30.0)
    assert metrics.get_histogram_stats("response_time", endpoint="/other") == {}
    assert metrics.get_histogram_stats("never") == {}


def test_everything_can_be_read_at_once(provider, telemetry):
    """By kind, under LangSwarm's keys; and as points."""
    metrics = provider.metrics
    metrics.increment_counter("sales", 3, region="eu")
    metrics.set_gauge("load", 5)
    metrics.record_histogram("size", 7)
    metrics.record_timer("wait", 8)
    found = metrics.get_all_metrics()
    assert found["counters"] == {"sales#region=eu": 3.0}
    assert found["gauges"] == {"load": 5.0}
    assert found["histogram_stats"]["size"]["count"] == 1
    assert found["timer_stats"]["wait"]["mean_ms"] == pytest.approx(8.0)
    assert metrics.get_gauge_value("load") == 5.0
    points = {point.name: point for point in metrics.export_metrics()}
    assert all(isinstance(point, MetricPoint) for point in points.values())
    assert (points["wait"].metric_type, points["sales"].value) == (MetricType.TIMER, 3.0)
    metrics.reset_metrics()
    assert metrics.get_counter_value("sales", region="eu") == 3.0


def test_prometheus_text_is_that_of_the_client_library(provider, telemetry):
    """In a capture, of what was captured."""
    pytest.importorskip("prometheus_client")
    provider.metrics.increment_counter("sales", 3, region="eu")
    with provider.tool_obs.trace_tool_execution("abacus", "add", {}):
        pass
    text = provider.metrics.export_prometheus_format()
    assert re.search(r'^sales_total\{.*region="eu"\} 3\.0$', text, flags=re.MULTILINE)
    assert "gen_ai_execute_tool_duration_seconds_count{" in text


def test_prometheus_text_of_a_handle(otlp_server):
    """Of everything since the start, without a page and without an export; asked twice, it is the same."""
    pytest.importorskip("prometheus_client")
    configure_observability(presets.production(endpoint=otlp_server.endpoint, instrument=False, export_interval_s=None))
    metrics = ObservabilityProvider().metrics
    metrics.increment_counter("sales", 3, region="eu")
    assert "sales_total{" in metrics.export_prometheus_format()
    assert 'region="eu"} 3.0' in metrics.export_prometheus_format()
    assert otlp_server.metrics == []


def test_prometheus_text_needs_the_extra(provider, telemetry, monkeypatch):
    """The error says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ValueError, match=r"pip install langswarm-otel\[prometheus\]"):
        provider.metrics.export_prometheus_format()


def test_instruments_follow_a_new_configuration(otlp_server):
    """The total goes on."""
    metrics = ObservabilityProvider().metrics
    for interval in (None, 3600.0):
        handle = configure_observability(presets.production(endpoint=otlp_server.endpoint, instrument=False, export_interval_s=interval))
        metrics.increment_counter("sales")
    assert metrics.get_counter_value("sales") == 2.0
    assert handle.flush()


def test_switched_off_nothing_is_recorded(telemetry):
    """By either switch."""
    for config in (ObservabilityConfig(metrics_enabled=False), ObservabilityConfig(enabled=False)):
        ObservabilityProvider(config).metrics.increment_counter("sales")
    assert telemetry.metrics == ()


def test_shortcuts_record_where_the_provider_would(telemetry):
    """LangSwarm's functions, with no provider set."""
    counter("a")
    gauge("b", 2)
    histogram("c", 3)
    with timer("d"):
        pass
    record_metric("e", 5)
    record_metric("f", 6, "counter")
    record_metric("g", 7, "unheard-of")
    assert [point.name for point in telemetry.metrics] == ["a", "b", "c", "d", "e", "f"]
