"""The sink counts what the official exporter sends it, from a process that is measured."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from benchmarks import decoding
from benchmarks.measuring import Program, measure, measure_at_sink
from benchmarks.rows import Row
from benchmarks.sink_process import SinkProcess

RAW_SDK = Program(python=Path(sys.executable), adapter="raw_sdk")


def row(work, **settings):
    return Row(key=work, title=work, work=work, settings=settings, figures=())


@pytest.fixture(scope="module")
def sink():
    with SinkProcess(Path(sys.executable)) as running:
        yield running


@pytest.mark.parametrize("work", ["spans", "measuring", "lines", "executions"])
def test_everything_that_was_made_arrives(sink, work):
    figures = measure_at_sink(RAW_SDK, row(work, size=50), sink)
    assert "error" not in figures
    assert figures["lost"] == 0.0
    assert figures["thread_us"] > 0
    assert sink.arrived()["requests"] == 0, "the sink is empty again"


def test_process_that_fails_says_why(sink):
    figures = measure(RAW_SDK, row("spans", nonsense=1), sink.endpoints["healthy"])
    assert "nonsense" in figures["error"]


def test_what_is_not_offered_is_no_failure(sink):
    plain = Program(python=Path(sys.executable), adapter="plain")
    assert measure_at_sink(plain, row("memory_of_nobody"), sink)["error"]
    assert measure_at_sink(plain, row("steady", function="memory", rate=1, seconds=1), sink)["not offered"] == "memory"


def test_counts_of_running_totals_and_of_differences():
    """Of a cumulative counter the last value holds, of a delta counter the sum."""

    def body(temporality, value):
        request = ExportMetricsServiceRequest()
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="bench.count")
        metric.sum.aggregation_temporality = temporality
        metric.sum.data_points.add(as_int=value, start_time_unix_nano=1)
        return request.SerializeToString()

    cumulative, delta = (
        [("/v1/metrics", "", body(2, v)) for v in (3, 7)],
        [("/v1/metrics", "gzip", gzip.compress(body(1, v))) for v in (3, 7)],
    )
    assert decoding.count(cumulative)["count"] == 7
    assert decoding.count(delta)["count"] == 10


def test_the_best_of_several_measurements():
    """Of costs the least, of losses the most, and an error is one whatever the others say."""
    from benchmarks.measuring import best

    turns = [{"process_us": 3.0, "lost": 0.0, "stderr_lines": 0}, {"process_us": 2.0, "lost": 1.5, "stderr_lines": 4}]
    assert best(turns) == {"process_us": 2.0, "lost": 1.5, "stderr_lines": 4}
    assert best([turns[0], {"error": "crashed"}]) == {"error": "crashed"}
