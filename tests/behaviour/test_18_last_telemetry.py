"""The last telemetry is the telemetry you needed, and it is lost.

Processes end by an exception, by ``sys.exit``, by SIGTERM, or freeze after a task; what is queued then is what explains it. The plain SDK
loses everything on SIGTERM, and everything queued in a worker that is frozen or killed after its task.
"""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from otlp_server import OtlpServer
from scripts import finish, run, start

PROGRAM = """
    import os, signal, sys, time
    from langswarm_otel import configure_observability
    signal.signal(signal.SIGTERM, lambda *_: (print("previous handler", flush=True), sys.exit(7)))
    obs = configure_observability("production", service_name="b18", endpoint=sys.argv[1], handle_signals=True, shutdown_timeout_s=5)
    with obs.tool("done"):
        obs.log.info("a line")
    how = sys.argv[2]
    if how == "exception":
        with obs.agent("failing"):
            raise RuntimeError("boom")
    if how == "exit":
        sys.exit(3)
    if how == "open":
        kept = [obs.tracer.start_span("open until the end"), obs.agent("open agent").__enter__()]
    if how == "sigterm":
        with obs.agent("waiting"):
            print("ready", flush=True)
            time.sleep(30)
"""

UNIT_OF_WORK = """
    import os, sys
    from langswarm_otel import configure_observability
    obs = configure_observability("serverless", service_name="b18", endpoint=sys.argv[1])
    for number in range(3):
        with obs.unit_of_work() as unit:
            with obs.tool("task"):
                obs.log.info("working", number=number)
        assert unit.flushed, "not flushed"
    os._exit(0)   # frozen or killed: no exit hook runs
"""


def wait_for_ready(process: subprocess.Popen[str]) -> None:
    """Read the program's output until it says that it is ready."""
    assert process.stdout is not None
    while process.stdout.readline().strip() != "ready":
        assert process.poll() is None


def arrived(server: OtlpServer) -> tuple[list[str], int, float]:
    """Return span names, number of log records, and the count of the tool duration histogram."""
    tools = [point.count for name, point in server.metric_points if name == "gen_ai.execute_tool.duration"]
    return sorted(server.span_names()), len(server.log_records), max(tools, default=0)


@pytest.mark.parametrize(("how", "code"), [("normal", 0), ("exception", 1), ("exit", 3)])
def test_nothing_is_lost_however_the_program_ends(otlp_server, how, code, verdict):
    """Spans, log records and the final metrics are delivered, and the exit code is the program's own."""
    ended = run(PROGRAM, otlp_server.endpoint, how)
    assert ended.returncode == code, ended.stderr
    names, logs, tools = arrived(otlp_server)
    assert names == sorted(["execute_tool done", *(["invoke_agent failing"] if how == "exception" else [])])
    assert (logs, tools) == (1, 1)
    verdict.ours("end, exception and sys.exit lose nothing")


def test_sigterm_flushes_and_the_previous_handler_runs(otlp_server, verdict):
    """On SIGTERM open spans are ended and marked, everything is sent, then the previous handler decides how the process ends."""
    process = start(PROGRAM, otlp_server.endpoint, "sigterm")
    wait_for_ready(process)
    process.send_signal(signal.SIGTERM)
    ended = finish(process)
    assert ended.returncode == 7, ended.stderr
    assert "previous handler" in ended.stdout
    names, logs, tools = arrived(otlp_server)
    assert names == ["execute_tool done", "invoke_agent waiting"]
    assert (logs, tools) == (1, 1)
    waiting = next(span for span in otlp_server.spans if span.name == "invoke_agent waiting")
    assert {pair.key: pair.value.bool_value for pair in waiting.attributes}.get("langswarm.interrupted") is True
    verdict.ours("SIGTERM loses nothing, open spans are marked, the previous handler runs")


def test_open_spans_are_marked_at_exit(otlp_server):
    """Spans still open at a normal exit arrive too, marked as interrupted."""
    ended = run(PROGRAM, otlp_server.endpoint, "open")
    assert ended.returncode == 0, ended.stderr
    marked = {span.name: any(pair.key == "langswarm.interrupted" for pair in span.attributes) for span in otlp_server.spans}
    assert marked == {"execute_tool done": False, "open until the end": True, "invoke_agent open agent": True}


def test_unit_of_work_sends_before_it_returns(otlp_server):
    """After the block everything has been delivered, metrics too, although the process then vanishes with no exit hook."""
    ended = run(UNIT_OF_WORK, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    names, logs, tools = arrived(otlp_server)
    assert (names, logs, tools) == (["execute_tool task"] * 3, 3, 3)


def test_default_sigterm_still_kills(otlp_server):
    """Without a previous handler the process still dies of the signal, after the flush."""
    program = PROGRAM.replace("signal.signal(signal.SIGTERM", "(lambda *_: None)(signal.SIGTERM")
    process = start(program, otlp_server.endpoint, "sigterm")
    wait_for_ready(process)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    ended = finish(process)
    assert ended.returncode == -signal.SIGTERM
    assert time.monotonic() - begin < 6
    assert "invoke_agent waiting" in otlp_server.span_names()


INTERRUPTED = """
    import os, signal, sys, time
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b18", endpoint=sys.argv[1], handle_signals=True, shutdown_timeout_s=4,
                                  schedule_delay_s=60)
    for number in range(10):
        with obs.tool("done"):
            pass
    span = obs.tracer.start_span("written to")
    with span._lock:  # where a signal may come: in the middle of a change of a span
        print("ready", flush=True)
        time.sleep(30)
"""


def test_sigterm_in_the_middle_of_a_change_of_a_span(otlp_server):
    """The one span that is being written to may be lost; everything that was queued is not."""
    process = start(INTERRUPTED, otlp_server.endpoint)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    process.send_signal(signal.SIGTERM)
    finish(process)
    assert otlp_server.span_names().count("execute_tool done") == 10


PLAIN_SDK = """
    import sys, time
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces")))
    provider.get_tracer("t").start_span("one").end()
    print("ready", flush=True)
    time.sleep(30)
"""


def test_the_plain_sdk_loses_it(otlp_server, verdict):
    """SIGTERM ends a process without exit hooks: what was queued is gone."""
    process = start(PLAIN_SDK, otlp_server.endpoint)
    wait_for_ready(process)
    process.send_signal(signal.SIGTERM)
    assert finish(process).returncode == -signal.SIGTERM
    assert otlp_server.spans == []
    verdict.plain("SIGTERM loses what was queued")
