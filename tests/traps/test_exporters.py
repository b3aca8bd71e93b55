"""Exporters that instrument themselves, count redirects as success, or retry for ever (standards.md 3.6, 4 rows 2, 7, 21 and 22)."""

from __future__ import annotations

import time

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp_server import OtlpServer
from scripts import DEAD, run

from langswarm_otel import configure_observability, presets

QUIET = {"log_output": "none", "configure_structlog": False, "instrument": False, "install_global": False, "service_name": "e"}

INSTRUMENTED = """
    import sys
    import requests
    from opentelemetry.instrumentation.utils import is_instrumentation_enabled
    from opentelemetry import trace
    real = requests.Session.send
    traced = []

    def send(self, request, **options):
        # What an instrumentor of requests does.
        if not is_instrumentation_enabled():
            return real(self, request, **options)
        with trace.get_tracer("requests").start_as_current_span("POST"):
            traced.append(request.url)
            return real(self, request, **options)

    requests.Session.send = send
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="s", endpoint=sys.argv[1], instrument=False, log_output="none")
    with obs.tool("t"):
        obs.log.info("line")
    assert obs.flush(10)
    obs.shutdown()
    print("traced", len(traced))
"""


def test_4_21_our_requests_are_not_traced(otlp_server):
    """With the HTTP client instrumented, no export makes a span, which the next export would send."""
    ended = run(INSTRUMENTED, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    assert "traced 0" in ended.stdout
    assert otlp_server.span_names() == ["execute_tool t"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_4_22_a_redirect_is_a_failure(otlp_server, status):
    """The official exporter follows none and says success; ours are counted as lost, and the cause says where to."""
    otlp_server.answer(status, {"location": "https://ingress.example/v1/traces"})
    obs = configure_observability("production", endpoint=otlp_server.endpoint, **QUIET)
    with obs.tool("t"):
        pass
    assert not obs.flush(5)
    row = next(row for row in obs.health().exporters if row.signal == "traces")
    assert (row.exported, row.dropped_total, row.state) == (0, 1, "failing")
    assert "ingress.example" in str(row.last_error)
    obs.shutdown(1)


def test_4_22_the_plain_sdk_calls_a_redirect_success(otlp_server):
    """The pain is real: nothing arrived, and the exporter says SUCCESS and the flush True."""
    otlp_server.answer(301, {"location": "https://ingress.example/v1/traces"})
    exporter = OTLPSpanExporter(endpoint=otlp_server.endpoint + "/v1/traces")
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    span = provider.get_tracer("t").start_span("s")
    span.end()
    assert exporter.export([span]).name == "SUCCESS"
    assert provider.force_flush()
    provider.shutdown()


def test_4_02_flush_keeps_its_time_while_the_exporter_backs_off(otlp_server):
    """With a Collector that answers 503 the official exporter retries for its whole timeout; a flush says False when its own is over."""
    otlp_server.answer(503)
    obs = configure_observability("production", endpoint=otlp_server.endpoint, **QUIET)
    with obs.tool("t"):
        pass
    begin = time.monotonic()
    assert not obs.flush(0.5)
    assert time.monotonic() - begin < 3
    begin = time.monotonic()
    assert not obs.shutdown(0.5)
    assert time.monotonic() - begin < 3


def test_4_22b_a_retry_of_one_signal_does_not_block_the_others():
    """Traces go to a Collector that retries for ever, logs and metrics to a healthy one: these arrive at once, and all is counted."""
    with OtlpServer() as healthy, OtlpServer() as failing:
        failing.answer(503)
        obs = configure_observability(
            "production",
            endpoint=healthy.endpoint,
            traces=presets.production().traces.__class__(endpoint=failing.endpoint + "/v1/traces"),
            schedule_delay_s=0.05,
            **QUIET,
        )
        for _ in range(3000):
            obs.tracer.start_span("s").end()
        obs.telemetry.logger.emit(body="at once")
        assert healthy.wait_for(log_records=1, timeout_s=5)
        assert not obs.shutdown(1.0)
        row = next(row for row in obs.health().exporters if row.signal == "traces")
        assert row.made == 3000 == row.dropped_total


def test_4_07_http_by_default_and_grpc_is_not_imported():
    """Fork and gRPC do not go together; a program that does not ask for it never loads it."""
    assert all(preset().protocol == "http/protobuf" for preset in (presets.production, presets.development, presets.serverless))
    program = """
        import sys
        from langswarm_otel import configure_observability
        obs = configure_observability("production", service_name="g", endpoint=sys.argv[1], instrument=False, shutdown_timeout_s=0.2)
        with obs.tool("t"):
            pass
        print("grpc" in sys.modules)
    """
    ended = run(program, DEAD)
    assert "False" in ended.stdout.splitlines(), ended.stderr
