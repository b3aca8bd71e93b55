"""It is slow: serialising and importing, in the caller's thread.

JSON of a whole result, a request per span, an import on the first call: each of them holds up the event loop
(langchain-ai/langsmith-sdk#882, langfuse/langfuse#4977, open-telemetry/opentelemetry-python#4171). What it costs against the bare SDK is
measured in ``benchmarks/``.
"""

from __future__ import annotations

import json

import pytest
from scripts import DEAD, run

from langswarm_otel.content import nested
from langswarm_otel.content.gate import jsonable
from langswarm_otel.testing import capture

WATCHING = """
    import sys, threading
    seen, watching = [], False

    def hook(event, arguments):
        if watching and threading.current_thread() is threading.main_thread() and event.startswith(("open", "socket.", "import", "os.")):
            seen.append((event, str(arguments[:1])))

    sys.addaudithook(hook)
"""

OURS = (
    WATCHING
    + """
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1], log_output="none", shutdown_timeout_s=0.5)

    def work():
        with obs.session("s"), obs.workflow("w"), obs.agent("a", provider="openai", model="gpt-4o"):
            with obs.tool("t") as tool:
                tool.output("x" * 1_000_000)
            with obs.inference(provider="openai", model="gpt-4o") as call:
                call.usage(input_tokens=1, output_tokens=1)
            obs.log.info("line")

    work()            # once, for what is imported on first use
    watching = True
    for _ in range(50):
        work()
    watching = False
    print(sorted(set(seen)))
"""
)

PLAIN_SDK = (
    WATCHING
    + """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces", timeout=1)))
    watching = True
    provider.get_tracer("t").start_span("one").end()
    print(sorted({event for event, _ in seen}))
"""
)


def test_the_plain_sdk_may_send_in_the_callers_thread(verdict):
    """Its simple processor connects where the span ends."""
    assert "socket.connect" in run(PLAIN_SDK, DEAD).stdout
    verdict.plain("SimpleSpanProcessor connects in the caller's thread")


def test_ours_does_nothing_there_that_can_wait(verdict):
    """No socket, no file, no import, no process call: whatever the operation, and with the Collector down."""
    ended = run(OURS, DEAD)
    assert ended.stdout.strip() == "[]", ended.stdout + ended.stderr
    verdict.ours("no socket, file or import in the caller's thread")


def test_nothing_is_serialised_while_the_gate_is_closed(monkeypatch, verdict):
    """With content off, or the span not recorded, what is handed over is not looked at."""

    def refuse(*_):
        raise AssertionError("serialised")

    class Untouchable:
        __str__ = __repr__ = __iter__ = __len__ = refuse

    monkeypatch.setattr(nested.json, "dumps", refuse)
    with capture(content=False) as telemetry, telemetry.observability.tool("t") as tool:
        tool.input(Untouchable())
        tool.output(Untouchable())
    assert not telemetry.observability.health().faults
    verdict.ours("no JSON while content is off")


@pytest.mark.parametrize(
    "result",
    ["no word is like another " * 400_000, {"rows": ["text " * 100] * 100_000}, [{"n": n} for n in range(200_000)]],
    ids=["text", "rows", "items"],
)
def test_a_large_result_is_cut_before_it_is_serialised(monkeypatch, verdict, result):
    """What reaches the JSON encoder is bounded, however large the result is."""
    sizes = []
    dumps = json.dumps

    def measured(tree, **options):
        text = dumps(tree, **options)
        sizes.append(len(text))
        return text

    monkeypatch.setattr(nested.json, "dumps", measured)
    assert len(jsonable(result, 8192)) <= 8192
    assert sum(sizes) < 8 * nested.MAX_CHARACTERS
    verdict.ours("of a result of 10 MB at most a bounded part is serialised")
