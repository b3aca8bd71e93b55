"""For callers that only report afterwards."""

from __future__ import annotations

import pytest

from langswarm_otel import guard

NOW_S = 1_750_000_000.0


def comparable(observed):
    """Return everything that was emitted, but for ids and times."""
    spans = [(span.name, span.kind, dict(span.attributes), span.status.status_code, span.status.description) for span in observed.spans()]
    points = {
        (name, tuple(sorted(point.attributes.items())), getattr(point, "value", None) or getattr(point, "count", 0))
        for name in observed.metric_names()
        for point in observed.points(name)
    }
    return spans, points


def in_block(operation, error, report=None):
    try:
        with operation as run:
            if report is not None:
                report(run)
            if error is not None:
                raise error
    except ValueError:
        pass


@pytest.mark.parametrize("error", [None, ValueError()], ids=["ok", "error"])
class TestTheSameAsLive:
    """What is reported afterwards equals what the live operation makes."""

    def compare(self, observe, live, reported, clock):
        first, second = observe(clock=clock), observe(clock=clock)
        live(first.obs)
        reported(second.obs)
        assert comparable(second) == comparable(first)
        assert second.spans() or second.metric_names()

    def test_agents(self, observe, clock, error):
        """An agent with one model call in it."""
        kind = None if error is None else "ValueError"

        def live(obs):
            def call(run):
                with obs.inference(provider="openai", model="m") as llm:
                    llm.usage(input_tokens=100, output_tokens=50, cache_read_tokens=10)
                    if error is not None:
                        raise error

            in_block(obs.agent("a-1", provider="openai", model="m", agent_id="a-1"), None, call)

        def reported(obs):
            obs.agents.record_execution("a-1", "openai", "m", 100, 50, 0.0, error is None, cache_read_tokens=10, error_type=kind)

        self.compare(observe, live, reported, clock)

    def test_tools(self, observe, clock, error):
        """A call of a tool."""
        kind = None if error is None else "ValueError"
        self.compare(
            observe,
            lambda obs: in_block(obs.tool("t", call_id="c", tool_type="function"), error),
            lambda obs: obs.tools.record_execution("t", 0.0, error is None, call_id="c", tool_type="function", error_type=kind),
            clock,
        )

    def test_sessions(self, observe, clock, error):
        """A session with its messages."""
        kind = None if error is None else "ValueError"

        def talk(session):
            for role in ("user", "user", "assistant"):
                session.message(role)

        def reported(obs):
            obs.sessions.record_session("s", 0.0, error is None, messages={"user": 1}, error_type=kind)
            obs.sessions.record_message("s")
            obs.sessions.record_message("s", "assistant", number=1)

        self.compare(observe, lambda obs: in_block(obs.session("s"), error, talk), reported, clock)

    def test_memories(self, observe, clock, error):
        """An operation on a memory."""
        kind = None if error is None else "ValueError"
        self.compare(
            observe,
            lambda obs: in_block(obs.memory("search", store="m"), error, lambda memory: memory.hit(3)),
            lambda obs: obs.memories.record_operation("search", "m", 0.0, error is None, hit=True, records=3, error_type=kind),
            clock,
        )

    def test_workflows_and_steps(self, observe, clock, error):
        """A workflow, and a step that is reported with the name of its workflow."""
        kind = None if error is None else "ValueError"

        def live(obs):
            in_block(obs.workflow("w"), error)
            with obs.workflow("w2"):
                in_block(obs.step("s", index=1, step_type="agent"), error)

        def reported(obs):
            obs.workflows.record_execution("w", 0.0, error is None, error_type=kind)
            obs.workflows.record_step("w2", "s", 0.0, error is None, index=1, step_type="agent", error_type=kind)
            obs.workflows.record_execution("w2", 0.0)

        self.compare(observe, live, reported, clock)


def test_times(observe, clock):
    """Agent and call span the reported time, which ends now or when it is said; the metrics have the same duration."""
    seen = observe(clock=clock)
    seen.obs.agents.record_execution("a", "openai", "m", 10, 5, 250.0, True)
    seen.obs.agents.record_execution("b", "openai", "m", 10, 5, 250.0, True, end_time_s=NOW_S)
    first, second = seen.span("invoke_agent a"), seen.span("invoke_agent b")
    assert (first.end_time, first.start_time) == (clock.now_ns, clock.now_ns - 250_000_000)
    assert (second.end_time, second.start_time) == (int(NOW_S * 1e9), int(NOW_S * 1e9) - 250_000_000)
    assert [(call.start_time, call.end_time) for call in seen.spans("chat m")] == [(s.start_time, s.end_time) for s in (first, second)]
    assert seen.point("gen_ai.client.operation.duration", gen_ai__agent__name="a").sum == 0.25
    assert seen.point("gen_ai.invoke_agent.duration", gen_ai__agent__name="b").sum == 0.25


def test_every_duration(observe, clock):
    """Seconds are seconds for all of them."""
    seen = observe(clock=clock)
    seen.obs.tools.record_execution("t", 1.5)
    seen.obs.sessions.record_session("s", 1.5)
    seen.obs.memories.record_operation("search", "m", 1.5, hit=False)
    seen.obs.workflows.record_execution("w", 1.5)
    seen.obs.workflows.record_step("w", "s", 1.5)
    durations = {name: seen.points(name)[0].sum for name in seen.metric_names() if name.endswith(".duration")}
    assert len(durations) == 5
    assert set(durations.values()) == {1.5}
    assert {(span.end_time - span.start_time) / 1e9 for span in seen.spans()} == {1.5}
    assert seen.span("search_memory").attributes["langswarm.memory.result"] == "miss"


def test_the_parent_is_what_is_current(seen):
    """Reported inside of a block it is a child of it, and of its session."""
    with seen.obs.session("s-1"), seen.obs.workflow("w"):
        seen.obs.agents.record_execution("a", "openai", "m", 10, 5, 250.0, True)
    agent, workflow = seen.span("invoke_agent a"), seen.span("invoke_workflow w")
    assert agent.parent.span_id == workflow.context.span_id
    assert agent.attributes["gen_ai.conversation.id"] == "s-1"
    assert workflow.attributes["langswarm.run.input_tokens"] == 10


def test_cost_and_name_that_are_told(seen):
    """A cost that the provider charged is actual; the agent may have a name beside its id."""
    seen.obs.agents.record_execution(
        "a-17", None, None, None, None, 10.0, False, agent_name="researcher", cost_usd=0.5, error_type="rate_limit"
    )
    agent, call = seen.span("invoke_agent researcher"), seen.span("chat")
    assert agent.attributes["langswarm.agent.id"] == "a-17"
    assert agent.attributes["langswarm.run.cost"] == 0.5
    assert call.attributes["langswarm.cost.basis"] == "actual"
    assert (agent.attributes["error.type"], agent.status.description) == ("rate_limit", "rate_limit")


@pytest.mark.parametrize("duration", [-1, float("nan"), "soon", None])
def test_nonsense_is_a_fault_and_no_exception(seen, duration):
    """Whatever is reported, the caller goes on."""
    seen.obs.tools.record_execution("t", duration)
    seen.obs.agents.record_execution("a", "p", "m", "many", 5, duration, True)
    assert duration == -1 or guard.faults()
