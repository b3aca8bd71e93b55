"""The demo through a real OpenTelemetry Collector: what is counted at the far side equals what was emitted."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "langswarm_otel", *arguments], capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.timeout(180)
def test_the_demo_arrives_complete_behind_a_real_collector(collector):
    """Spans, metric points and log records, decoded with opentelemetry-proto behind the Collector, equal those emitted; ids survive."""
    done = command("demo", "--endpoint", collector.endpoint)
    assert done.returncode == 0, done.stdout + done.stderr + collector.output()
    spans, points, records = map(int, re.search(r"emitted +(\d+) spans, (\d+) metric points, (\d+) log records", done.stdout).groups())
    far_side = collector.far_side
    assert min(spans, points, records) > 0
    assert far_side.wait_for(spans=spans, metric_points=points, log_records=records, timeout_s=30)
    assert (len(far_side.spans), len(far_side.metric_points), len(far_side.log_records)) == (spans, points, records)
    assert len({span.span_id for span in far_side.spans}) == spans
    assert all(resource["service.name"] == "langswarm-demo" for resource in far_side.resources)
    traced = [record for record in far_side.log_records if record.trace_id]
    assert {record.trace_id for record in traced} <= {span.trace_id for span in far_side.spans}
    assert traced


def test_the_doctor_finds_a_real_collector_healthy(collector):
    """Each signal is taken over HTTP and over gRPC, and nothing reaches the far side."""
    over_http = command("doctor", "--endpoint", collector.endpoint)
    assert over_http.returncode == 0, over_http.stdout
    over_grpc = command("doctor", "--endpoint", collector.grpc_endpoint, "--protocol", "grpc")
    assert over_grpc.returncode == 0, over_grpc.stdout
    assert collector.far_side.requests == []


def test_the_doctor_tells_the_collectors_ports_apart(collector):
    """HTTP to the gRPC port of a real Collector, and gRPC to its HTTP port, are named as what they are."""
    wrong = command("doctor", "--endpoint", collector.grpc_endpoint)
    assert wrong.returncode == 1
    assert "is a gRPC server" in wrong.stdout
    wrong = command("doctor", "--endpoint", collector.endpoint, "--protocol", "grpc")
    assert wrong.returncode == 1
    assert "speaks HTTP/1.1, not gRPC" in wrong.stdout
