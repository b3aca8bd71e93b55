"""Spans and durations of any function, and timers."""

from __future__ import annotations

import inspect

import pytest


class TestTraced:
    """``traced``."""

    def test_named_after_the_function(self, seen):
        """Bare and called, the span has the function's name and the metric its full one."""

        @seen.obs.traced
        def bare():
            return 1

        @seen.obs.traced()
        async def called():
            return 1

        assert bare() == 1
        assert inspect.iscoroutinefunction(called)
        (span,) = seen.spans()
        assert span.name.endswith("test_named_after_the_function.<locals>.bare")
        assert span.attributes["code.function.name"] == f"{__name__}.{span.name}"
        assert seen.point("langswarm.function.duration").attributes == {
            "code.function.name": f"{__name__}.{span.name}",
            "langswarm.outcome": "ok",
        }

    def test_named_by_hand_with_attributes(self, seen):
        """The name is the span's; attributes are on the span, made safe, and never on the metric."""

        @seen.obs.traced("load", table="users", options={"a": 1}, nothing=None)
        def load():
            pass

        load()
        attributes = seen.span("load").attributes
        assert (attributes["table"], attributes["options"]) == ("users", '{"a":1}')
        assert "nothing" not in attributes
        assert set(seen.point("langswarm.function.duration").attributes) == {"code.function.name", "langswarm.outcome"}

    def test_content_among_the_attributes(self, seen):
        """A content key is subject to the gate."""
        with seen.obs.traced("block", **{"gen_ai.input.messages": "secret"}):
            pass
        assert "gen_ai.input.messages" not in seen.span("block").attributes

    def test_as_a_block(self, seen):
        """A block is called as it is named."""
        with pytest.raises(ValueError), seen.obs.traced("block"):
            raise ValueError
        assert seen.span("block").attributes == {"code.function.name": "block", "langswarm.outcome": "error", "error.type": "ValueError"}

    def test_one_description_for_several_functions(self, seen):
        """Each function has its own name."""
        traced = seen.obs.traced()
        first, second = traced(len), traced(sorted)
        first("a")
        second("a")
        assert [span.name for span in seen.spans()] == ["len", "sorted"]


class TestTimer:
    """``timer``."""

    def test_a_duration_without_a_span(self, observe, clock):
        """One point with name and outcome, and no span."""
        seen = observe(clock=clock)
        with seen.obs.timer("load") as timer:
            clock.advance(2)
            assert timer.elapsed_s == 2
        point = seen.point("langswarm.timer.duration")
        assert (point.sum, point.attributes) == (2, {"langswarm.timer.name": "load", "langswarm.outcome": "ok"})
        assert seen.spans() == []

    def test_labels_are_the_catalogues(self, seen):
        """Other attributes are left out of the metric, where they could grow without end."""
        with seen.obs.timer("load", user="u-17"):
            pass
        assert "user" not in seen.point("langswarm.timer.duration").attributes

    def test_as_a_decorator(self, seen):
        """A timed function fails as before, and its point says so."""

        @seen.obs.timer("load")
        def load():
            raise ValueError

        with pytest.raises(ValueError):
            load()
        assert seen.point("langswarm.timer.duration").attributes["error.type"] == "ValueError"

    def test_spans_inside_belong_to_what_is_around(self, seen):
        """A timer does not come between parent and child."""
        with seen.obs.agent("a"), seen.obs.timer("load"), seen.obs.tool("t"):
            pass
        assert seen.span("execute_tool t").parent.span_id == seen.span("invoke_agent a").context.span_id
        assert seen.point("gen_ai.invoke_agent.tool_calls").sum == 1
