"""Runs of an agent."""

from __future__ import annotations

import asyncio

import pytest

from langswarm_otel.signals.instruments import MAX_NAMES


def test_span_and_metrics(seen):
    """The agent's name is on both, its identity on the span only, and its provider on neither."""
    with seen.obs.agent("a", provider="openai", model="m", agent_id="a-17"):
        pass
    attributes = seen.span("invoke_agent a").attributes
    assert attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "a",
        "gen_ai.request.model": "m",
        "langswarm.agent.id": "a-17",
        "langswarm.outcome": "ok",
    }
    point = seen.point("gen_ai.invoke_agent.duration")
    assert point.attributes == {"gen_ai.agent.name": "a", "gen_ai.request.model": "m", "langswarm.outcome": "ok"}


def test_own_calls_only(seen):
    """Calls of an inner agent are the inner agent's; embeddings are no inferences; no calls are a point of 0."""
    with seen.obs.agent("outer"):
        with seen.obs.inference(model="m"), seen.obs.tool("t"):
            pass
        with seen.obs.inference(model="e", operation="embeddings"):
            pass
        with seen.obs.agent("inner"):
            for _ in range(3):
                with seen.obs.tool("t"), seen.obs.tool("nested"):
                    pass
    calls = {
        name: (
            seen.point("gen_ai.invoke_agent.inference_calls", gen_ai__agent__name=name).sum,
            seen.point("gen_ai.invoke_agent.tool_calls", gen_ai__agent__name=name).sum,
        )
        for name in ("outer", "inner")
    }
    assert calls == {"outer": (1, 1), "inner": (0, 6)}


async def test_calls_of_parallel_tasks_are_all_counted(seen):
    """Nothing is lost between tasks."""

    async def call():
        async with seen.obs.tool("t"):
            await asyncio.sleep(0)

    async with seen.obs.agent("a"):
        await asyncio.gather(*(call() for _ in range(100)))
    assert seen.point("gen_ai.invoke_agent.tool_calls").sum == 100


def test_an_agent_that_reports_tokens_itself(seen):
    """If there is no inference to see, tokens and cost may be the agent's own; then they are on its span and on the metrics."""
    with seen.obs.agent("a", provider="openai", model="m") as agent:
        agent.usage(input_tokens=100, output_tokens=50)
    attributes = seen.span("invoke_agent a").attributes
    assert attributes["gen_ai.usage.input_tokens"] == 100
    assert attributes["langswarm.gen_ai.usage.cost"] == pytest.approx(200e-6)
    assert attributes["langswarm.run.input_tokens"] == 100
    point = seen.point("gen_ai.client.token.usage", gen_ai__token__type="input")
    assert point.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert point.attributes["gen_ai.provider.name"] == "openai"


def test_accumulators_start_anew(seen):
    """The second run of the same description has its own counts and totals."""
    agent = seen.obs.agent("a", provider="openai", model="m")
    for tokens in (10, 20):
        with agent, seen.obs.inference() as call:
            call.usage(input_tokens=tokens)
    assert [span.attributes["langswarm.run.input_tokens"] for span in seen.spans("invoke_agent a")] == [10, 20]
    calls = seen.point("gen_ai.invoke_agent.inference_calls")
    assert (calls.count, calls.sum) == (2, 2)


def test_names_are_bounded_on_metrics(seen):
    """Beyond the bound the metric and the span's name say ``_OTHER``, the span's attribute still the name."""
    for number in range(MAX_NAMES + 5):
        seen.obs.agent(f"a{number}").begin().finish()
    assert seen.point("gen_ai.invoke_agent.duration", gen_ai__agent__name="_OTHER").count == 5
    others = [span.attributes["gen_ai.agent.name"] for span in seen.spans("invoke_agent _OTHER")]
    assert others == [f"a{number}" for number in range(MAX_NAMES, MAX_NAMES + 5)]


@pytest.mark.parametrize(
    ("name", "shown"), [("\ud800 half", "\ufffd half"), (None, "_OTHER"), ("", "_OTHER"), (7, "7"), ("x" * 500, "x" * 200)]
)
def test_odd_names(seen, name, shown):
    """A name that no encoder takes, or that is none, is mended and never fails the call."""
    with seen.obs.agent(name):
        pass
    assert seen.spans()[0].name == f"invoke_agent {shown}"


def test_content(observe):
    """Question and answer, with the gate open."""
    seen = observe(capture_content=True)
    with seen.obs.agent("a") as agent:
        agent.input("question")
        agent.output("answer")
    attributes = seen.span("invoke_agent a").attributes
    assert '"question"' in attributes["gen_ai.input.messages"]
    assert attributes["gen_ai.output.messages"].endswith('"finish_reason":"stop"}]')
