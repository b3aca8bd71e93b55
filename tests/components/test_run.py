"""The shared life of one run."""

from __future__ import annotations

import gc
import threading
import time

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, attach, get_current
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, StatusCode

from langswarm_otel import guard
from langswarm_otel.components.run import Run
from langswarm_otel.components.settling import settle
from langswarm_otel.propagation import detached, propagating


class Watching(Sampler):
    """Samples everything and remembers what it was shown."""

    def __init__(self):
        self.shown = []

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        self.shown.append((name, kind, dict(attributes or {})))
        return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self):
        return "watching"


def test_samplers_see_the_attributes(observe):
    """What the conventions want at the start of a span is there at the start."""
    sampler = Watching()
    obs = observe(sampler=sampler).obs
    with obs.session("s-1"), obs.agent("a", model="m"), obs.inference(provider="p", model="m"), obs.tool("t", tool_type="function"):
        pass
    conversation = {"gen_ai.conversation.id": "s-1"}
    assert sampler.shown == [
        (
            "invoke_agent a",
            SpanKind.INTERNAL,
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "a", "gen_ai.request.model": "m", **conversation},
        ),
        (
            "chat m",
            SpanKind.CLIENT,
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "p",
                "gen_ai.request.model": "m",
                "gen_ai.agent.name": "a",
                **conversation,
            },
        ),
        (
            "execute_tool t",
            SpanKind.INTERNAL,
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "t",
                "gen_ai.tool.type": "function",
                "gen_ai.agent.name": "a",
                **conversation,
            },
        ),
    ]


def test_span_and_metric_agree_about_the_time(observe, clock):
    """Start, end and duration come from one clock, and a point has the same duration as its span."""
    seen = observe(clock=clock)
    begun = clock.now_ns
    with seen.obs.tool("t"):
        clock.advance(1.5)
    span = seen.span("execute_tool t")
    assert (span.start_time, span.end_time) == (begun, begun + 1_500_000_000)
    assert seen.point("gen_ai.execute_tool.duration").sum == 1.5


def test_a_step_of_the_wall_clock_does_not_bend_durations(seen, monkeypatch):
    """With the system's clock the duration is monotonic, whatever happens to the time of day meanwhile."""
    with seen.obs.tool("t") as run:
        monkeypatch.setattr(time, "time_ns", lambda: 0)
    span = seen.span("execute_tool t")
    assert run.start_ns == span.start_time
    assert 0 <= span.end_time - span.start_time < 10**9


class TestOutcome:
    """What the end of a run says."""

    @pytest.mark.parametrize(
        ("raised", "outcome", "kind", "status"),
        [
            (None, "ok", None, StatusCode.UNSET),
            (ValueError("text"), "error", "ValueError", StatusCode.ERROR),
            (KeyboardInterrupt(), "cancelled", "KeyboardInterrupt", StatusCode.UNSET),
            (SystemExit(1), "cancelled", "SystemExit", StatusCode.UNSET),
            (GeneratorExit(), "abandoned", None, StatusCode.UNSET),
        ],
    )
    def test_on_span_and_metric(self, seen, raised, outcome, kind, status):
        """Span and duration carry the same outcome and type; only an error sets the status, with the type as description."""
        caught = None
        try:
            with seen.obs.tool("t"):
                if raised is not None:
                    raise raised
        except BaseException as error:
            caught = error
        assert caught is raised
        span, point = seen.span("execute_tool t"), seen.point("gen_ai.execute_tool.duration")
        for attributes in (span.attributes, point.attributes):
            assert (attributes["langswarm.outcome"], attributes.get("error.type")) == (outcome, kind)
        assert span.status.status_code is status
        assert span.status.description == (kind if status is StatusCode.ERROR else None)

    def test_a_reported_error(self, seen):
        """An error that is returned instead of raised counts like one that is raised."""
        with seen.obs.tool("t") as run:
            run.record_error(TimeoutError("secret"))
        span = seen.span("execute_tool t")
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "TimeoutError")
        assert seen.point("gen_ai.execute_tool.duration").attributes["error.type"] == "TimeoutError"
        assert "secret" not in span.to_json()

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ((ValueError,), "ValueError"),
            ((), "_OTHER"),
            (("a message about bob@example.com",), "_OTHER"),
            (("rate_limit",), "rate_limit"),
        ],
    )
    def test_types_and_never_messages(self, seen, arguments, expected):
        """A type or a name will do; a message given by mistake becomes no label."""
        with seen.obs.tool("t") as run:
            run.record_error(*arguments)
        assert seen.span("execute_tool t").attributes["error.type"] == expected

    def test_errors_of_packages_are_qualified(self, seen):
        """The type's module is part of its name, as instrumentors write it."""

        class LocalError(Exception):
            pass

        with pytest.raises(LocalError), seen.obs.tool("t"):
            raise LocalError
        assert seen.span("execute_tool t").attributes["error.type"] == f"{__name__}.{LocalError.__qualname__}"


class TestContext:
    """What is current inside and afterwards."""

    def test_the_span_is_current_inside_only(self, seen):
        """A block makes its span current and leaves the context as it found it."""
        before = get_current()
        with seen.obs.tool("t") as run:
            assert trace.get_current_span() is run.span
        assert get_current() is before

    def test_a_context_of_others_is_left_alone(self, seen):
        """If somebody leaves a context of theirs attached, it is not taken away from them."""
        with seen.obs.tool("t"):
            theirs = Context({"theirs": 1})
            attach(theirs)
        assert get_current() is theirs
        assert len(seen.spans()) == 1

    def test_roots_inside_detached_link_to_their_origin(self, seen):
        """Work that was cut off says where it came from; what runs below it does not repeat it."""
        with seen.obs.agent("request") as request, detached(), seen.obs.agent("background"), seen.obs.tool("t"):
            pass
        background = seen.span("invoke_agent background")
        assert background.parent is None
        assert [link.context for link in background.links] == [request.span.get_span_context()]
        assert seen.span("execute_tool t").links == ()

    def test_begin_and_finish_by_hand(self, seen):
        """Hooks may begin a run in any context, make it current, and finish it before or after they leave."""
        before = get_current()
        run = seen.obs.tool("t").begin()
        assert get_current() is before
        run.enter()
        assert trace.get_current_span() is run.span
        run.finish()
        run.leave()
        assert get_current() is before
        assert len(seen.spans()) == 1


def test_a_run_finishes_once(seen):
    """Whoever finishes it again changes nothing."""
    run = seen.obs.tool("t").begin()
    run.finish()
    run.finish(ValueError())
    assert seen.span("execute_tool t").attributes["langswarm.outcome"] == "ok"
    assert seen.point("gen_ai.execute_tool.duration").count == 1


def test_a_span_that_somebody_else_ended(seen, caplog):
    """A process that must go ends open spans; the run then ends without a complaint of the SDK, and its metrics are whole."""
    with seen.obs.tool("t") as run:
        run.span.end()
    assert caplog.records == []
    assert seen.point("gen_ai.execute_tool.duration").count == 1


def test_metrics_do_not_depend_on_sampling(observe):
    """Without a span the points are the same."""
    seen = observe(sampler=ALWAYS_OFF)
    with seen.obs.agent("a"), seen.obs.inference(provider="p", model="m") as call:
        call.usage(input_tokens=10, output_tokens=5)
    assert seen.spans() == []
    assert seen.point("gen_ai.client.token.usage", gen_ai__token__type="input").sum == 10
    assert seen.point("gen_ai.invoke_agent.duration").count == 1


class TestTotals:
    """``langswarm.run.*``."""

    def test_threads_and_nested_agents_add_to_the_one_root(self, seen):
        """Eight threads of a workflow's agents: the root has the sum, to the unit, and nobody else has any."""

        def work():
            with seen.obs.agent("a"):
                for _ in range(50):
                    with seen.obs.inference(provider="p", model="m") as call:
                        call.usage(input_tokens=3, output_tokens=2)

        with seen.obs.workflow("w"):
            threads = [threading.Thread(target=propagating(work)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        root = seen.span("invoke_workflow w")
        assert (root.attributes["langswarm.run.input_tokens"], root.attributes["langswarm.run.output_tokens"]) == (1200, 800)
        assert root.attributes["langswarm.run.cost"] == pytest.approx(400 * (3 * 1.0 + 2 * 2.0) / 1e6)
        assert sum("langswarm.run.input_tokens" in span.attributes for span in seen.spans()) == 1

    def test_a_session_a_function_and_a_memory_are_no_root(self, seen):
        """They are no runs of a model's work: what is below them is the root."""
        with (
            seen.obs.session("s"),
            seen.obs.traced("f"),
            seen.obs.memory("search", store="m"),
            seen.obs.inference(provider="p", model="m") as call,
        ):
            call.usage(input_tokens=3)
        assert seen.span("chat m").attributes["langswarm.run.input_tokens"] == 3
        assert "langswarm.run.input_tokens" not in seen.span("f").attributes

    def test_what_comes_after_its_root_counts_for_itself(self, seen):
        """A background call that outlives the run around it is its own root, so that a sum over roots is still the truth."""
        with seen.obs.agent("a"):
            late = seen.obs.inference(provider="p", model="m").begin()
        late.usage(input_tokens=7)
        late.finish()
        assert "langswarm.run.input_tokens" not in seen.span("invoke_agent a").attributes
        total = sum(span.attributes.get("langswarm.run.input_tokens", 0) for span in seen.spans())
        assert total == 7


def test_finished_runs_leave_nothing_to_the_garbage_collector(seen):
    """Runs are freed as soon as they are over: no reference cycles, however they were used."""

    def use():
        with seen.obs.session("s"), seen.obs.workflow("w"), seen.obs.step("s"), seen.obs.agent("a"), seen.obs.timer("t"):
            with seen.obs.inference(provider="p", model="m") as call:
                with call.attempt():
                    call.usage(input_tokens=1)
                list(call.stream([1, 2, 3]))

            @seen.obs.tool("g")
            def items():
                yield 1
                yield 2

            list(items())
            left = items()
            next(left)

    use()
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(value, Run) for value in gc.get_objects())
        for _ in range(50):
            use()
        # The exemplars of the SDK hold the contexts of a few.
        assert sum(isinstance(value, Run) for value in gc.get_objects()) - before <= 25
    finally:
        gc.enable()


class TestCollected:
    """Runs that the garbage collector ends."""

    def make_cycle(self, seen):
        @seen.obs.agent("lost")
        def items():
            yield 1
            yield 2

        left = items()
        next(left)
        cycle = [left]
        cycle.append(cycle)

    def test_their_end_is_put_aside_and_settled(self, seen):
        """The collector may run inside of a lock of the SDK: there nothing is recorded, and afterwards everything is, once."""
        self.make_cycle(seen)
        gc.collect()
        assert seen.spans() == []
        settle()
        assert seen.span("invoke_agent lost").attributes["langswarm.outcome"] == "abandoned"
        assert seen.point("gen_ai.invoke_agent.duration").count == 1
        settle()
        assert len(seen.spans()) == 1

    def test_the_next_operation_settles(self, seen):
        """Nobody has to ask for it."""
        self.make_cycle(seen)
        gc.collect()
        with seen.obs.tool("t"):
            pass
        assert {span.name for span in seen.spans()} == {"invoke_agent lost", "execute_tool t"}

    def test_a_generator_that_is_simply_dropped_ends_at_once(self, seen):
        """Without a cycle there is no collector, and nothing to wait for."""

        @seen.obs.agent("dropped")
        def items():
            yield 1
            yield 2

        next(items())
        assert seen.span("invoke_agent dropped").attributes["langswarm.outcome"] == "abandoned"


def test_a_fault_at_the_start_leaves_a_working_block(observe):
    """With a clock that fails there is no telemetry, but a run that takes every call."""

    def fail():
        raise RuntimeError

    seen = observe(clock=fail)
    with seen.obs.agent("a") as agent, seen.obs.inference(provider="p", model="m") as call:
        agent.set_attribute("k", "v")
        call.usage(input_tokens=1)
        with call.attempt():
            pass
        assert list(call.stream([1])) == [1]
    assert seen.spans() == []
    assert guard.faults()["start of operation"] == 2


class TestSetAttribute:
    """``set_attribute``."""

    def test_values_are_made_safe(self, seen):
        """Mappings become JSON, None is absent, an integer beyond 64 bits becomes its digits."""
        with seen.obs.tool("t") as run:
            run.set_attribute("mapping", {"a": 1})
            run.set_attribute("none", None)
            run.set_attribute("big", 2**70)
        attributes = seen.span("execute_tool t").attributes
        assert attributes["mapping"] == '{"a":1}'
        assert attributes["big"] == str(2**70)
        assert "none" not in attributes

    def test_content_needs_the_gate(self, observe):
        """A content key set by hand is subject to the gate, too."""
        for is_open in (False, True):
            seen = observe(capture_content=is_open)
            with seen.obs.tool("t") as run:
                run.set_attribute("gen_ai.input.messages", "secret")
            assert ("gen_ai.input.messages" in seen.span("execute_tool t").attributes) is is_open
