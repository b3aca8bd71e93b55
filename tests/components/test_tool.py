"""Calls of a tool."""

from __future__ import annotations

import asyncio
import json

from langswarm_otel import guard
from langswarm_otel.signals.instruments import MAX_NAMES


def test_span_and_metric(seen):
    """Name and type are on both, the identity of the call on the span only; the agent is the one around."""
    with seen.obs.agent("a"), seen.obs.tool("search", call_id="c-1", tool_type="function"):
        pass
    assert seen.span("execute_tool search").attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c-1",
        "gen_ai.agent.name": "a",
        "langswarm.outcome": "ok",
    }
    assert seen.point("gen_ai.execute_tool.duration").attributes == {
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": "a",
        "langswarm.outcome": "ok",
    }


def test_invented_names_fold_on_the_metric(seen):
    """A model that calls tools which do not exist makes no series without end."""
    for number in range(MAX_NAMES + 7):
        seen.obs.tool(f"t{number}").begin().finish()
    assert len(seen.points("gen_ai.execute_tool.duration")) == MAX_NAMES + 1
    assert seen.point("gen_ai.execute_tool.duration", gen_ai__tool__name="_OTHER").count == 7


class TestContent:
    """Arguments and results of decorated tools."""

    def tools(self, seen):
        class Tools:
            @seen.obs.tool("method")
            def method(self, query, *rest, limit=3, **more):
                return {"found": [query]}

            @seen.obs.tool("coroutine")
            async def coroutine(self, query):
                return query.upper()

        return Tools()

    def test_open(self, observe):
        """They are kept by name, without ``self``, as JSON."""
        seen = observe(capture_content=True)
        tools = self.tools(seen)
        tools.method("q", 1, extra=True)
        asyncio.run(tools.coroutine("q"))
        method, coroutine = seen.span("execute_tool method").attributes, seen.span("execute_tool coroutine").attributes
        assert json.loads(method["gen_ai.tool.call.arguments"]) == {"query": "q", "rest": [1], "more": {"extra": True}}
        assert json.loads(method["gen_ai.tool.call.result"]) == {"found": ["q"]}
        assert json.loads(coroutine["gen_ai.tool.call.arguments"]) == {"query": "q"}
        assert coroutine["gen_ai.tool.call.result"] == "Q"

    def test_closed(self, seen):
        """Nothing is kept."""
        self.tools(seen).method("q")
        assert not [key for key in seen.span("execute_tool method").attributes if ".call." in key]

    def test_a_result_that_cannot_be_shown(self, observe):
        """The caller gets it as it is, whatever its own code does when it is looked at."""
        seen = observe(capture_content=True)

        class Hostile:
            def __str__(self):
                raise RuntimeError

            __repr__ = __iter__ = __str__

        hostile = Hostile()
        assert seen.obs.tool("t")(lambda: hostile)() is hostile
        assert len(seen.spans()) == 1
        assert guard.faults() == {}

    def test_a_callable_without_a_signature(self, observe):
        """Built-ins that cannot be inspected work; their arguments are not known."""
        seen = observe(capture_content=True)
        assert seen.obs.tool("t")(dict.fromkeys)("ab") == {"a": None, "b": None}
        assert len(seen.spans()) == 1


def test_a_tool_that_pays_for_tokens(seen):
    """A tool that wraps a model may report its tokens; provider and model are the agent's."""
    with seen.obs.agent("a", provider="openai", model="m"), seen.obs.tool("summarise") as tool:
        tool.usage(input_tokens=1_000_000)
    assert seen.span("execute_tool summarise").attributes["langswarm.gen_ai.usage.cost"] == 1.0
    assert seen.span("invoke_agent a").attributes["langswarm.run.cost"] == 1.0
