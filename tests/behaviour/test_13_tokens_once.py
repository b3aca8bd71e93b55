"""Behaviour 13: agent span plus chat span is twice the tokens.

Pain: frameworks write the usage of the model call onto the agent's span too, so every sum over spans is double; accumulators survive into
the next run (microsoft/agent-framework#1320, #4685, strands-agents/harness-sdk#1267, #3602, pydantic/pydantic-ai#3553).

Right: ``gen_ai.usage.*`` only on the span that made the call; totals of a run stand under another key on its root, anew for each run.
"""

from __future__ import annotations

import pytest

PLAIN_CANNOT = "knows no tokens; frameworks write them on both spans"

CALLS = [(10, 1), (20, 2), (30, 3), (40, 4)]
INPUT, OUTPUT = "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"
RUN_INPUT, RUN_OUTPUT = "langswarm.run.input_tokens", "langswarm.run.output_tokens"
TRUE_INPUT, TRUE_OUTPUT = sum(call[0] for call in CALLS), sum(call[1] for call in CALLS)


def agent_of(observability):
    """One decorated agent, to be run several times."""

    @observability.agent("researcher", provider="openai", model="gpt-4o")
    def research():
        for tokens_in, tokens_out in CALLS:
            with observability.inference(provider="openai", model="gpt-4o") as call:
                call.usage(input_tokens=tokens_in, output_tokens=tokens_out)

    return research


def total(spans, key):
    return sum(span.attributes.get(key, 0) for span in spans)


@pytest.mark.parametrize("runs", [1, 2])
def test_sums_over_spans_are_the_true_usage(telemetry, runs, verdict):
    """However often the same agent runs: the sum over all spans equals the metric and what was truly used."""
    research = agent_of(telemetry.observability)
    for _ in range(runs):
        research()
    assert total(telemetry.spans, INPUT) == runs * TRUE_INPUT
    assert total(telemetry.spans, OUTPUT) == runs * TRUE_OUTPUT
    assert telemetry.metric("gen_ai.client.token.usage", {"gen_ai.token.type": "input"}).value == runs * TRUE_INPUT
    assert telemetry.metric("gen_ai.client.token.usage", {"gen_ai.token.type": "output"}).value == runs * TRUE_OUTPUT
    verdict.ours("the sum over spans is the true usage")


def test_totals_of_a_run_stand_on_its_root_and_start_anew(telemetry):
    """Each run's root has that run's totals under the run's own keys, and no usage of its own."""
    research = agent_of(telemetry.observability)
    research()
    research()
    roots = [span for span in telemetry.spans if span.name == "invoke_agent researcher"]
    assert [(root.attributes[RUN_INPUT], root.attributes[RUN_OUTPUT]) for root in roots] == [(TRUE_INPUT, TRUE_OUTPUT)] * 2
    assert all(INPUT not in root.attributes for root in roots)
    assert not any(RUN_INPUT in span.attributes for span in telemetry.spans if span.name.startswith("chat"))


def test_only_the_root_of_a_run_has_totals(telemetry):
    """An agent inside a workflow adds to the workflow's totals; the sum over roots is the truth, too."""
    with telemetry.observability.workflow("support"), telemetry.observability.step("answer"):
        agent_of(telemetry.observability)()
    workflow = telemetry.span("invoke_workflow support")
    assert workflow.attributes[RUN_INPUT] == TRUE_INPUT
    assert total(telemetry.spans, RUN_INPUT) == TRUE_INPUT
    assert total(telemetry.spans, INPUT) == TRUE_INPUT
