"""What a hostile caller hands to operations and records costs at most that value, never an exception in the caller's code."""

from __future__ import annotations

from typing import Any

import pytest

from langswarm_otel.testing import capture


class Evil:
    """Raises from whatever Python calls by itself."""

    def _raise(self, *_: object) -> Any:
        raise RuntimeError

    __str__ = __repr__ = __bool__ = __eq__ = __len__ = __iter__ = __int__ = __float__ = _raise
    __hash__ = _raise  # type: ignore[assignment]


def cyclic() -> list[Any]:
    """Return a list that holds itself."""
    items: list[Any] = []
    items.append(items)
    return items


def deep() -> dict[str, Any]:
    """Return a mapping deeper than Python's recursion limit."""
    outermost = innermost = dict[str, Any]()
    for _ in range(5000):
        innermost["x"] = {}
        innermost = innermost["x"]
    return outermost


ODD = {
    "none": None,
    "negative": -1,
    "nan": float("nan"),
    "infinite": float("inf"),
    "true": True,
    "huge": 10**5000,
    "surrogate": "\ud800lone",
    "bytes": b"\xff\x00",
    "cyclic": cyclic(),
    "deep": deep(),
    "evil": Evil(),
    "class": Evil,
    "error": ValueError("boo"),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_records_take_anything(odd: Any) -> None:
    """The ``record_*`` of all five components swallow it, and go on to record what is right."""
    with capture() as telemetry:
        obs = telemetry.observability
        obs.agents.record_execution(odd, odd, odd, odd, odd, odd, odd, cost_usd=odd, end_time_s=odd, error_type=odd)
        obs.tools.record_execution(odd, odd, odd, call_id=odd, end_time_s=odd)
        obs.sessions.record_session(odd, odd, odd, messages=odd)
        obs.sessions.record_message(odd, odd, number=odd)
        obs.memories.record_operation(odd, odd, odd, odd, hit=odd, records=odd)
        obs.workflows.record_execution(odd, odd, odd)
        obs.workflows.record_step(odd, odd, odd, odd, index=odd, step_type=odd)
        obs.tools.record_execution("right", 0.1)
    assert telemetry.span("execute_tool right").attributes["langswarm.outcome"] == "ok"


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_runs_take_anything(odd: Any) -> None:
    """Names, labels, content, attributes, errors and usage of a run swallow it, the run ends once, and its context is left."""
    name = "name" if callable(odd) else odd  # a decorator that lacks its name is refused where it stands
    with capture() as telemetry:
        obs = telemetry.observability
        for operation in (
            obs.agent(name, provider=odd, model=odd, agent_id=odd),
            obs.inference(provider=odd, model=odd),
            obs.tool(name, call_id=odd),
            obs.session(name, user_id=odd),
            obs.memory("search_memory", store=odd),
            obs.workflow(name),
            obs.step(name),
            obs.timer("t", label=odd),
            obs.traced("t", label=odd),
        ):
            with operation as run:
                if not hasattr(run, "usage"):
                    continue
                run.input(odd)
                run.output(odd)
                run.set_attribute("key", odd)
                run.set_attribute(odd, "value")
                run.record_error(odd)
                run.usage(odd)
                run.usage(input_tokens=odd, output_tokens=odd, cache_read_tokens=odd, cache_write_tokens=odd, reasoning_tokens=odd)
        with obs.tool("right"):
            pass
    assert telemetry.tree().splitlines()[-1] == "execute_tool right"
    for point in telemetry.metrics:
        assert point.value is None or point.value >= 0, point


def test_a_run_takes_reports_after_its_end() -> None:
    """Late usage, content, attempts and streams are harmless, and change nothing on the span that has ended."""
    with capture() as telemetry:
        with telemetry.observability.inference(provider="openai", model="gpt-4o") as run:
            run.usage(input_tokens=3)
        run.usage(input_tokens=5)
        run.output("late")
        run.record_error(ValueError())
        run.first_chunk()
        with run.attempt():
            pass
        assert list(run.stream([1, 2])) == [1, 2]
    assert telemetry.span("chat gpt-4o").attributes["gen_ai.usage.input_tokens"] == 3
