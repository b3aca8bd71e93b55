"""Collector down: log storm.

The plain SDK logs a warning for every retry and an error with a traceback for every batch, in the log of the application, for as long as
the outage lasts.
"""

from __future__ import annotations

from otlp_server import OtlpServer
from scripts import DEAD, finish, run, start

PROGRAM = """
    import logging, sys, time
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s|%(levelname)s|%(message)s")
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b22", endpoint=sys.argv[1], schedule_delay_s=0.05, export_interval_s=0.2,
                                  shutdown_timeout_s=1, log_output="none", configure_structlog=False, timeout_s=0.5)
    for number in range(int(sys.argv[2])):
        with obs.tool("t"):
            pass
        time.sleep(0.01)
    print(obs.health().exporters[0].state)
    print(obs.health())
    if len(sys.argv) > 3:
        print("down", flush=True)
        sys.stdin.readline()
        for number in range(50):
            obs.tracer.start_span("after").end()
        obs.flush(5)   # says False: something was lost since the last one
        assert obs.flush(5)
"""

PLAIN_SDK = """
    import logging, sys, time
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s|%(levelname)s|%(message)s")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces", timeout=0.5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=50))
    for number in range(int(sys.argv[2])):
        provider.get_tracer("t").start_span("t").end()
        time.sleep(0.01)
"""


def loud(stderr: str, *names: str) -> list[str]:
    """Return the lines at WARNING or above of these loggers, and every traceback."""
    lines = [line.split("|") for line in stderr.splitlines()]
    warned = [
        "|".join(line) for line in lines if len(line) == 3 and line[0].startswith(names) and line[1] in {"WARNING", "ERROR", "CRITICAL"}
    ]
    return warned + [line for line in stderr.splitlines() if line.startswith("Traceback")]


def test_one_line_for_an_outage(verdict):
    """Three seconds of spans against a refused port: one WARNING of ours that names endpoint and next step, none of OpenTelemetry's."""
    ended = run(PROGRAM, DEAD, "300")
    assert ended.returncode == 0, ended.stderr
    assert loud(ended.stderr, "opentelemetry", "urllib3", "requests") == []
    ours = loud(ended.stderr, "langswarm_otel")
    assert len(ours) == 1, ours
    assert DEAD in ours[0]
    assert "langswarm-otel doctor" in ours[0]
    assert "failing" in ended.stdout
    verdict.ours("one line at its beginning")


def test_the_plain_sdk_logs_and_logs(verdict):
    """The pain is real: the SDK says it again and again."""
    ended = run(PLAIN_SDK, DEAD, "300")
    assert len(loud(ended.stderr, "opentelemetry", "urllib3")) > 3
    verdict.plain("lines and tracebacks for as long as the outage lasts")


def test_one_line_at_recovery(verdict):
    """An outage and its end are two lines: one WARNING, one INFO, although many exports failed between."""
    with OtlpServer() as server:
        server.refuse()
        process = start(PROGRAM, server.endpoint, "150", "recover")
        assert process.stdout is not None
        while process.stdout.readline().strip() != "down":
            assert process.poll() is None
        server.healthy()
        ended = finish(process)
        assert server.span_names().count("after") == 50
    ours = [line.split("|")[1] for line in ended.stderr.splitlines() if line.startswith("langswarm_otel|") and "|DEBUG|" not in line]
    assert ours == ["WARNING", "INFO"], ended.stderr
    assert loud(ended.stderr, "opentelemetry", "urllib3") == []
    verdict.ours("one line at its end")
