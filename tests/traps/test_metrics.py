"""Metrics: bounds on memory, bad measurements, one reader, deadlines of collection (standards.md 3.5, 4 rows 4, 9 and 16)."""

from __future__ import annotations

import threading
import time

from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from otlp_server import OtlpServer, attributes
from scripts import run

from langswarm_otel import configure_observability, semconv

QUIET = {"log_output": "none", "configure_structlog": False, "instrument": False, "install_global": False, "service_name": "m"}

LOST_STREAM = """
    import gc, sys
    from langswarm_otel import configure_observability, semconv
    obs = configure_observability("production", service_name="g", endpoint=sys.argv[1], instrument=False, log_output="none")
    gc.disable()

    class Collects(float):
        # Added up with the locks of the instrument held; there the collector runs, as it may whenever something is allocated.
        def __radd__(self, other):
            gc.collect()
            return other + float(self)

    @obs.inference(provider="openai", model="m")
    def stream():
        yield from "abc"

    def lose():
        class Cycle: pass
        cycle = Cycle()
        cycle.itself, cycle.stream = cycle, stream()
        next(cycle.stream)

    metric = semconv.CLIENT_OPERATION_DURATION
    same = obs.meter.create_histogram(metric.name, metric.unit, metric.description, explicit_bucket_boundaries_advisory=metric.buckets)
    for _ in range(5):
        lose()
    same.record(Collects(1.0), {"langswarm.outcome": "ok"})
    assert obs.flush(20)
    print("done", obs.health().internal_errors)
"""


def test_4_16_memory_is_bounded_and_the_overflow_is_said(otlp_server):
    """Beyond ``cardinality_limit`` attribute sets the rest is summed under ``otel.metric.overflow``; nothing is lost from the total."""
    with configure_observability("production", endpoint=otlp_server.endpoint, cardinality_limit=50, **QUIET) as obs:
        counter = obs.meter.create_counter("requests")
        for number in range(500):
            counter.add(1, {"session": number})
        assert obs.flush(5)
    points = [point for name, point in otlp_server.metric_points if name == "requests"][:51]
    assert sum(point.as_int for point in points) == 500
    assert [point.as_int for point in points if attributes(point.attributes).get("otel.metric.overflow")] == [450]


def test_4_16_no_metric_of_ours_has_an_attribute_without_bound(otlp_server):
    """Ids of sessions, users, conversations, runs and calls are on spans only, whatever the operations are given."""
    names = {name for metric in semconv.METRICS for name in metric.attributes} - {semconv.MEMORY_STORE_ID}  # an application has few stores
    assert not {name for name in names if name.endswith((".id", ".hash")) or "conversation" in name or "user" in name}
    with configure_observability("production", endpoint=otlp_server.endpoint, capture_user_id=True, **QUIET) as obs:
        with obs.session("s-1", user_id="u-1"), obs.agent("a", agent_id="a-1"), obs.tool("t", call_id="c-1"):
            pass
        obs.agents.record_execution("a-1", "openai", "gpt-4o", 1, 1, 5.0, True)
        assert obs.flush(5)
    seen = {str(value) for _, point in otlp_server.metric_points for value in attributes(point.attributes).values()}
    assert otlp_server.metric_points
    assert not seen & {"s-1", "u-1", "c-1"}


def test_3_5_bad_measurements_neither_raise_nor_count(otlp_server):
    """NaN, infinities and negative numbers, by our recorders and on plain instruments; what is good beside them is exact."""
    with configure_observability("production", endpoint=otlp_server.endpoint, **QUIET) as obs:
        counter, histogram = obs.meter.create_counter("c"), obs.meter.create_histogram("h")
        for value in (1, float("nan"), float("inf"), -5):
            counter.add(value)
            histogram.record(value)
            obs.agents.record_execution("a", "openai", "gpt-4o", value, value, value, True)
        assert obs.flush(5)
    points = dict(otlp_server.metric_points)
    assert points["c"].as_int or points["c"].as_double == 1
    assert points["h"].count == 1
    sums = [point.sum for name, point in otlp_server.metric_points if name.startswith("gen_ai.") and hasattr(point, "sum")]
    assert sums
    assert all(0 <= total < float("inf") for total in sums)


def test_4_09_a_stream_that_the_collector_finds_blocks_nothing(otlp_server):
    """The end of a lost stream records metrics; the collector may find it while this thread holds the lock of that very metric."""
    ended = run(LOST_STREAM, otlp_server.endpoint, timeout_s=20)
    assert ended.returncode == 0, ended.stderr
    assert "done 0" in ended.stdout
    found = [point for name, point in otlp_server.metric_points if name == "gen_ai.client.operation.duration"]
    counts = {attributes(point.attributes)["langswarm.outcome"]: point.count for point in found}
    assert counts == {"ok": 1, "abandoned": 5}


def test_4_04_4_09_one_reader_of_ours_and_no_periodic_one():
    """The SDK's periodic reader loses its last interval or its deadline at the end, and several readers may deadlock: there is none."""
    with configure_observability("testing", **QUIET) as obs:
        readers = obs._installation.pipelines.meter_provider._measurement_consumer._reader_storages
        assert list(readers) == [obs._installation.pipelines.reader]
        assert not any(isinstance(one, PeriodicExportingMetricReader) for one in readers)


def test_4_04_a_callback_that_blocks_keeps_to_the_deadline(otlp_server):
    """``shutdown`` returns in time, False, with the spans sent, while an observable instrument of the application hangs."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, **QUIET)

    release = threading.Event()

    def hang(options):
        release.wait(30)
        return []

    obs.meter.create_observable_gauge("g", [hang])
    with obs.tool("t"):
        pass
    begin = time.monotonic()
    assert not obs.shutdown(1.0)
    assert time.monotonic() - begin < 4
    release.set()
    assert otlp_server.span_names() == ["execute_tool t"]


def test_3_2_an_export_of_metrics_keeps_to_its_timeout():
    """``OTEL_METRIC_EXPORT_TIMEOUT`` bounds the request, where it is shorter than the time for requests in general."""
    with OtlpServer() as server:
        server.hang()
        obs = configure_observability(
            "production", endpoint=server.endpoint, export_timeout_s=0.3, timeout_s=20.0, export_interval_s=0.05, **QUIET
        )
        obs.meter.create_counter("c").add(1)
        begin = time.monotonic()
        while not sum(row.dropped_total for row in obs.health().exporters if row.signal == "metrics"):
            assert time.monotonic() - begin < 10, "the request goes on"
            time.sleep(0.02)
        server.healthy()
        obs.shutdown(2.0)
