"""Nothing to look at on a laptop, nothing to see while it runs.

To see one trace a developer needs a backend; and a run that takes a minute is invisible for a minute (openai/openai-agents-python#164,
wandb/weave#3111, open-telemetry/opentelemetry-specification#4993).
"""

from __future__ import annotations

import re

from scripts import run

NOT_HERE = "JSON lines to render again, and an event of a run that has begun, come with the viewer"

PROGRAM = """
    from langswarm_otel import configure_observability
    obs = configure_observability("development", service_name="b36", price_table={"gpt-4o": {"input": 2.5, "output": 10.0}})
    with obs.agent("researcher", provider="openai", model="gpt-4o"):
        with obs.tool("search"):
            pass
        with obs.inference(provider="openai", model="gpt-4o") as llm:
            llm.usage(input_tokens=412, output_tokens=31)
"""

PLAIN_SDK = """
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, ConsoleSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("agent"):
        with tracer.start_as_current_span("search"):
            pass
        with tracer.start_as_current_span("chat"):
            pass
"""


def test_the_plain_console_is_json(verdict):
    """Three spans are three objects of thirty lines, children before parents."""
    shown = run(PLAIN_SDK).stdout
    assert len(shown.splitlines()) > 60
    assert shown.index('"search"') < shown.index('"agent"')
    verdict.plain(f"{len(shown.splitlines())} lines of JSON for three spans, children first")


def test_a_tree_with_what_matters(verdict):
    """The development preset needs no network: a tree with durations, tokens and cost."""
    shown = run(PROGRAM).stderr
    lines = [line.rstrip() for line in shown.splitlines() if line.strip()]
    tree = [re.sub(r"\s{2,}.*", "", line.strip()) if "gpt-4o" not in line else line.strip() for line in lines]
    assert [line.split(" ")[0] for line in tree[:3]] == ["invoke_agent", "execute_tool", "chat"], shown
    assert lines[1].startswith("  ")
    assert "412" in shown
    assert "31" in shown
    assert "$0.001" in shown
    verdict.ours("a tree of three lines with durations, tokens and cost, without a network")
