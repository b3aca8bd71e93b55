"""Moving conventions: names change, and dashboards go blank.

The GenAI conventions moved to a repository of their own and rename as they go; instrumentations spell names in hundreds of places
(traceloop/openllmetry#3515, open-telemetry/semantic-conventions#2046, open-telemetry/opentelemetry-python-genai#279).
"""

from __future__ import annotations

import pytest

from langswarm_otel import semconv
from langswarm_otel.testing import capture

PLAIN_CANNOT = "has no names of its own for agents, tools and models; whoever uses it spells them"

OF_THE_STANDARD = {"exception.type", "exception.message", "exception.stacktrace", "error.type", "message.role"}


def use_everything(obs):
    """Every component, well and failing."""
    with obs.session("s", user_id="u") as session:
        session.message("user")
        with obs.workflow("w"), obs.step("s"), obs.agent("a", provider="openai", model="gpt-4o") as agent:
            agent.input("question")
            with obs.inference(provider="openai", model="gpt-4o") as call:
                with call.attempt():
                    pass
                call.first_chunk()
                call.usage(input_tokens=100, output_tokens=10, cache_read_tokens=50, cache_write_tokens=5, reasoning_tokens=3)
                call.response(model="gpt-4o-1", id="r", finish_reasons=["stop"])
                call.input("question")
                call.output("answer")
            with obs.inference(provider="openai", model="nope-9", operation="embeddings") as call:
                call.usage(input_tokens=1)
            with obs.tool("t", call_id="c", tool_type="function") as tool:
                tool.input({"a": 1})
                tool.output("r")
            with obs.memory("search_memory", store="m") as memory:
                memory.hit(records=2)
            with pytest.raises(ValueError, match="boom"), obs.tool("failing"):
                raise ValueError("boom")
            with obs.timer("block"):
                pass
            obs.traced("function")(len)("abc")
            obs.log.info("line")


def keys_of(telemetry):
    spans = {key for span in telemetry.spans for key in span.attributes}
    events = {key for span in telemetry.spans for event in span.events for key in event.attributes}
    return spans | events


@pytest.mark.parametrize("profile", ["g1", "g2", "both"])
def test_every_name_is_in_the_catalogue(verdict, profile):
    """Spans, events, metrics, their labels: nothing that the one catalogue does not know."""
    with capture(semconv=profile, content=True, user_id=True) as telemetry:
        use_everything(telemetry.observability)
        known = {key for kind in semconv.SPANS for key in kind.attributes} | set(semconv.EVERY_SPAN)
        known |= {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
        assert keys_of(telemetry) <= known | OF_THE_STANDARD
        metrics = {metric.name: metric for metric in semconv.METRICS}
        emitted = {metric.name for metric in telemetry.metrics}
        assert emitted
        assert emitted <= set(metrics)
        assert all(metrics[name].emitted_in(profile) for name in emitted)
    verdict.ours("every emitted name is in one catalogue, in each profile")


def test_both_spellings_have_equal_values(verdict):
    """``both`` emits the names of either generation with the same numbers."""
    with capture(semconv="both") as telemetry:
        use_everything(telemetry.observability)
        old = telemetry.metric("gen_ai.client.token.usage", {"gen_ai.token.type": "input", "gen_ai.request.model": "gpt-4o"})
        new = telemetry.metric("gen_ai.client.inference.usage.input_tokens", {"gen_ai.request.model": "gpt-4o"})
        assert old.value == new.value == 100
    verdict.ours("profile both: old and new names with equal values")
