"""The metrics of our own pipeline come from one snapshot and add up in every export, in both temporalities."""

from __future__ import annotations

import threading
import time
from collections import defaultdict

import pytest
from opentelemetry.sdk.resources import Resource
from otlp_server import attributes

from langswarm_otel import configure_observability, semconv
from langswarm_otel.export.exporter_health import ExporterHealth
from langswarm_otel.pipelines.own_metrics import OwnMetrics

NAMES = {metric.name for metrics in semconv.PIPELINE_METRICS.values() for metric in metrics}


def account(**changes):
    values = {"queued": 3, "in_flight": 2, "spooled": 4, "exported": 10, "dropped": {"queue_full": 5, "rejected": 6}, **changes}
    return ExporterHealth(target="http://c:4318", signal="traces", state="ok", queued_bytes=0, capacity_bytes=0, circuit="closed", **values)


def values(data):
    return {
        (metric.name, point.attributes.get("error.type")): point.value
        for metric in data.resource_metrics[0].scope_metrics[-1].metrics
        for point in metric.data.data_points
    }


def test_one_snapshot_adds_up():
    """Processed and queue are all that was made; exported and in flight are all that was processed without an error."""
    found = values(OwnMetrics().added_to(None, [account()], Resource.get_empty()))
    assert found == {
        ("otel.sdk.processor.span.processed", None): 22,
        ("otel.sdk.processor.span.processed", "queue_full"): 5,
        ("otel.sdk.processor.span.queue.size", None): 3,
        ("otel.sdk.exporter.span.exported", None): 10,
        ("otel.sdk.exporter.span.exported", "rejected"): 6,
        ("otel.sdk.exporter.span.inflight", None): 6,
        ("langswarm.exporter.span.spooled", None): 4,
    }
    assert account().made == 22 + 5 + 3


def test_deltas_are_what_came_since():
    """Counters carry the difference, what may fall stays a total."""
    own = OwnMetrics()
    own.added_to(None, [account()], Resource.get_empty(), is_delta=True)
    found = values(own.added_to(None, [account(exported=17, in_flight=0)], Resource.get_empty(), is_delta=True))
    assert found["otel.sdk.exporter.span.exported", None] == 7
    assert found["otel.sdk.exporter.span.exported", "rejected"] == 0
    assert found["otel.sdk.exporter.span.inflight", None] == 4


def test_nothing_made_is_nothing_said():
    """An application that does nothing exports nothing."""
    idle = account(queued=0, in_flight=0, spooled=0, exported=0, dropped={})
    assert OwnMetrics().added_to(None, [idle], Resource.get_empty()) is None


def test_names_and_attributes_are_the_catalogues():
    """Every point carries only what the catalogue allows."""
    allowed = {metric.name: set(metric.attributes) for metrics in semconv.PIPELINE_METRICS.values() for metric in metrics}
    data = OwnMetrics().added_to(None, [account()], Resource.get_empty())
    for metric in data.resource_metrics[0].scope_metrics[-1].metrics:
        for point in metric.data.data_points:
            assert set(point.attributes) <= allowed[metric.name]
    assert data.resource_metrics[0].scope_metrics[-1].metrics[0].data.data_points[0].attributes["otel.component.type"]


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_they_add_up_under_load(otlp_server, temporality):
    """While threads make spans and lines, each export that arrives adds up for itself, and the last one says what was made."""
    obs = configure_observability(
        "production", endpoint=otlp_server.endpoint, log_output="none", export_interval_s=0.1, schedule_delay_s=0.02,
        metrics_temporality=temporality,
    )  # fmt: skip
    stop = threading.Event()
    made = [0, 0]

    def work(place):
        while not stop.is_set():
            obs.tracer.start_span("s").end()
            made[place] += 1
            time.sleep(0.001)

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    time.sleep(1.2)
    stop.set()
    for thread in threads:
        thread.join()
    assert obs.flush(5.0)
    assert obs.flush(5.0)
    totals: dict[tuple, float] = defaultdict(float)
    exports = 0
    for message in otlp_server.messages("metrics"):
        now = {}
        for metric in message.resource_metrics[0].scope_metrics[-1].metrics:
            for point in getattr(metric, metric.WhichOneof("data")).data_points:
                found = attributes(point.attributes)
                if not str(found.get("otel.component.name")).startswith(otlp_server.endpoint):
                    continue  # of a handle that an earlier test had
                key = (metric.name, found.get("error.type"))
                is_counter = metric.sum.is_monotonic
                totals[key] = totals[key] + point.as_int if is_counter and temporality == "delta" else point.as_int
                now[key] = totals[key]
        if ("otel.sdk.exporter.span.exported", None) in now:
            exports += 1
            processed = now["otel.sdk.processor.span.processed", None]
            assert processed == now["otel.sdk.exporter.span.exported", None] + now["otel.sdk.exporter.span.inflight", None]
    assert exports > 3
    assert totals["otel.sdk.exporter.span.exported", None] == sum(made) == len(otlp_server.spans)


def test_they_can_be_left_out_and_are_no_part_of_statistics(otlp_server, telemetry):
    """Off means off; captures, fixtures and statistics never show them."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, log_output="none", pipeline_metrics=False)
    with obs.tool("t"):
        pass
    assert obs.flush(5.0)
    assert not NAMES & {name for name, _ in otlp_server.metric_points}
    assert not NAMES & {metric.name for metric in telemetry.metrics}
    assert "otel.sdk" not in str(obs.statistics())
