"""Phoning home, and off switches that switch off too much.

Libraries send usage data to their makers, and the switch that stops it stops the user's own telemetry too (traceloop/openllmetry#2420,
#3006, crewAIInc/crewAI#4525, #2536).
"""

from __future__ import annotations

import pytest
from scripts import DEAD, run

RECORDING = """
    import socket, sys
    asked = set()
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def recording_connect(self, address):
        asked.add(("connect", address[:2] if isinstance(address, tuple) else address))
        return connect(self, address)

    def recording_getaddrinfo(host, *rest, **more):
        asked.add(("resolve", host))
        return getaddrinfo(host, *rest, **more)

    socket.socket.connect, socket.getaddrinfo = recording_connect, recording_getaddrinfo
"""

FULL_RUN = (
    RECORDING
    + """
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1], log_output="none", capture_content=True)
    with obs.session("s", user_id="u"), obs.workflow("w"), obs.agent("a"):
        with obs.inference(provider="openai", model="gpt-4o") as call:
            call.usage(input_tokens=10, output_tokens=10)
        obs.log.info("line")
    obs.statistics(); obs.health(); obs.explain()
    print("flushed", obs.flush(5))
    obs.shutdown()
    print(sorted(asked, key=str))
"""
)

DISABLED = """
    import sys, threading
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1])

    @obs.tool("t")
    def tool(value):
        return value

    assert tool(5) == 5
    trace.get_tracer("app").start_span("theirs").end()
    ours = [thread.name for thread in threading.enumerate() if "langswarm" in thread.name]
    print(obs.health().mode, ours, [span.name for span in kept.get_finished_spans()])
"""

PLAIN_SDK = """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.get_tracer("app").start_span("the user's own").end()
    print(len(kept.get_finished_spans()))
"""


def test_the_plain_switch_turns_everything_off(verdict):
    """There is one switch for the whole SDK: a library's telemetry cannot be turned off alone."""
    assert run(PLAIN_SDK, OTEL_SDK_DISABLED="true").stdout.strip() == "0"
    verdict.plain("one switch: the application's own telemetry goes too")


def test_nothing_but_the_configured_endpoint_is_asked(otlp_server, verdict):
    """A whole run with prices, content and exit: the one host and port, and no name is looked up but its."""
    ended = run(FULL_RUN, otlp_server.endpoint)
    assert "flushed True" in ended.stdout, ended.stderr
    host, port = otlp_server.endpoint.removeprefix("http://").split(":")
    allowed = {("connect", (host, int(port))), ("resolve", host)}
    assert set(eval(ended.stdout.splitlines()[-1])) == allowed  # noqa: S307 - what our own script prints
    verdict.ours("nothing but the configured host and port is asked")


@pytest.mark.parametrize(("variable", "theirs"), [("LANGSWARM_OTEL_DISABLED", "['theirs']"), ("OTEL_SDK_DISABLED", "[]")])
def test_off_is_off_and_no_more(verdict, variable, theirs):
    """Ours alone, or all OpenTelemetry: no thread, decorators pass through, and a foreign provider goes on where only ours is off."""
    ended = run(DISABLED, DEAD, **{variable: "true"})
    assert ended.stdout.splitlines()[-1] == f"disabled [] {theirs}", ended.stderr
    verdict.ours("LANGSWARM_OTEL_DISABLED: ours alone is off, a foreign provider goes on")
