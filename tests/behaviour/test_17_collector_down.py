"""Collector down: the app stalls or will not exit.

The plain SDK takes 7 s to exit after one span against a refused port and 31 s against one that hangs, and its ``force_flush`` waits for
7 s whatever timeout it is given and then returns True. What the caller's time is, ``benchmarks/caller_latency.py`` measures.
"""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager

import pytest
from otlp_server import OtlpServer
from scripts import DEAD, run

DEADLINE_S = 2.0

PROGRAM = """
    import logging, sys, time
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b17", endpoint=sys.argv[1], shutdown_timeout_s=float(sys.argv[2]))
    for number in range(int(sys.argv[3])):
        with obs.agent("a"), obs.tool("t"):
            obs.log.info("line", number=number)
    begin = time.monotonic()
    print("flushed", obs.flush(0.5), time.monotonic() - begin)
    print("end", time.time(), flush=True)
"""

PLAIN_SDK = """
    import sys, time
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces")))
    provider.get_tracer("t").start_span("one").end()
    begin = time.monotonic()
    print("flushed", provider.force_flush(500), time.monotonic() - begin)
    print("end", time.time(), flush=True)
"""


@contextmanager
def endpoint_that(kind: str):
    """Yield an endpoint that refuses, hangs, or answers slowly."""
    if kind == "refused":
        yield DEAD
    elif kind == "hanging":
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    else:
        with OtlpServer() as server:
            server.slow(1.5)
            yield server.endpoint


@pytest.mark.parametrize("spans", [0, 1, 1000])
@pytest.mark.parametrize("kind", ["refused", "hanging", "slow"])
def test_exit_within_the_deadline(kind, spans, verdict):
    """The process ends within its deadline and half a second, however much is queued, with at most two log lines of ours."""
    with endpoint_that(kind) as endpoint:
        ended = run(PROGRAM, endpoint, str(DEADLINE_S), str(spans))
    assert ended.returncode == 0
    assert ended.exit_s < DEADLINE_S + 0.5
    ours = [line for line in ended.warnings if "langswarm_otel" in line]
    theirs = [
        line for line in ended.warnings if "opentelemetry" in line.replace("langswarm_otel", "") or "urllib3" in line or "Traceback" in line
    ]
    assert len(ours) <= 2, ended.stderr
    assert theirs == [], ended.stderr
    verdict.ours("exit within 2 s of a 2 s deadline, refused, hanging or slow")


@pytest.mark.parametrize("kind", ["refused", "hanging", "slow"])
def test_flush_tells_the_truth_in_time(kind, verdict):
    """``flush(0.5)`` returns False, and soon, when nothing could be delivered in that time."""
    with endpoint_that(kind) as endpoint:
        ended = run(PROGRAM, endpoint, str(DEADLINE_S), "10")
    _, answer, seconds = next(line for line in ended.stdout.splitlines() if line.startswith("flushed")).split()
    assert answer == "False"
    assert float(seconds) < 1.0
    verdict.ours("a flush of 0.5 s is False in time")


def test_flush_says_true_when_all_is_delivered(otlp_server):
    """Against a healthy Collector it is True, and everything has arrived by then."""
    ended = run(PROGRAM, otlp_server.endpoint, str(DEADLINE_S), "10")
    assert "flushed True" in ended.stdout
    assert len(otlp_server.spans) == 20
    assert len(otlp_server.log_records) == 10


def test_the_plain_sdk_hangs_and_lies(verdict):
    """The pain is real: the SDK's flush ignores its timeout of half a second and says True although nothing was delivered."""
    begin = time.monotonic()
    ended = run(PLAIN_SDK, DEAD)
    _, answer, seconds = next(line for line in ended.stdout.splitlines() if line.startswith("flushed")).split()
    assert (answer, float(seconds) > 1.0) == ("True", True)
    assert time.monotonic() - begin > 1.0
    verdict.plain("exit takes seconds whatever the deadline; a flush of 0.5 s takes 7 s and says True")
