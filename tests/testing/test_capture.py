"""``capture()``: what it takes, what it leaves alone, and how it is read."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from opentelemetry import _logs, context, metrics, trace

import langswarm_otel
from langswarm_otel import configure_observability, presets
from langswarm_otel.testing import NotCapturedError, TickingClock, capture

early_log = structlog.get_logger("early")
early_stdlib_log = logging.getLogger("application.early")
early_tracer = trace.get_tracer("early")
early_counter = metrics.get_meter("early").create_counter("early.count")


@langswarm_otel.agent("researcher")
def research():
    with langswarm_otel.tool("search"):
        pass


@pytest.fixture
def handle():
    """A configured handle of the process, whose exporters keep everything in memory."""
    handle = configure_observability(presets.testing(service_name="t", instrument=False))
    handle.in_memory.clear()  # the memory of the process's handle outlives its configurations, and other tests have configured it
    yield handle
    handle.shutdown(1.0)


def test_twins_decorators_and_the_captures_own_handle():
    """Module-level twins, decorators applied at import and the private handle end in one tree; ids count from 1."""
    with capture() as telemetry, telemetry.observability.workflow("w"):
        research()
        with langswarm_otel.inference(provider="openai", model="gpt-4o"):
            pass
    assert telemetry.tree() == "invoke_workflow w\n  invoke_agent researcher\n    execute_tool search\n  chat gpt-4o"
    assert [span.span_id for span in telemetry.spans] == [f"{number:016x}" for number in (1, 2, 3, 4)]
    assert {span.trace_id for span in telemetry.spans} == {f"{1:032x}"}


def test_foreign_tracers_meters_and_loggers():
    """What instrumentors took from the API's globals before anything was configured is captured."""
    with capture() as telemetry, early_tracer.start_as_current_span("foreign", kind=trace.SpanKind.SERVER) as span:
        span.add_event("e", {"k": 1})
        early_counter.add(3, {"k": "v"})
        metrics.get_meter("late").create_histogram("late.size", unit="By").record(5.0)
        _logs.get_logger("late").emit(body="hello", event_name="greeted", severity_number=_logs.SeverityNumber.INFO)
    span = telemetry.span("foreign")
    assert (span.kind, span.scope, span.status, span.parent_id) == ("SERVER", "early", "UNSET", None)
    assert [(event.name, event.attributes) for event in span.events] == [("e", {"k": 1})]
    assert telemetry.metric("early.count", k="v").value == 3
    late = telemetry.metric("late.size")
    assert (late.kind, late.unit, late.count, late.value, late.minimum, late.maximum) == ("histogram", "By", 1, 5.0, 5.0, 5.0)
    assert sum(late.bucket_counts) == 1
    log = telemetry.log("hello")
    assert (log.event_name, log.severity_number, log.scope, log.span_id) == ("greeted", 9, "late", span.span_id)


def test_nothing_reaches_the_configured_handle(handle):
    """A capture wins over the handle of the process: its exporters and statistics see nothing of it, and everything else."""

    @handle.agent("of_the_handle")
    def work():
        early_counter.add(1)
        early_stdlib_log.warning("worked")

    with capture() as telemetry:
        work()
        with handle.tool("direct"):
            pass
    assert telemetry.tree() == "invoke_agent of_the_handle\nexecute_tool direct"
    assert [record.body for record in telemetry.logs] == ["worked"]
    work()
    assert handle.flush(5.0)
    assert [span.name for span in handle.in_memory.spans.kept.items()] == ["invoke_agent of_the_handle"]
    assert len(handle.in_memory.logs.kept.items()) == 1
    assert handle.statistics().get("gen_ai.invoke_agent.duration").count == 1
    assert len(telemetry.spans) == 2


def test_parallel_captures_do_not_see_each_other():
    """Twenty tasks and eight threads with a capture each: every capture has exactly its own spans, points and records, tasks included."""

    async def run(number):
        with capture() as telemetry:
            with langswarm_otel.agent(f"a{number}"):
                await asyncio.sleep(0.001)
                await asyncio.gather(*[child(number) for _ in range(3)])
                await asyncio.to_thread(early_counter.add, number)
                early_stdlib_log.warning("of %d", number)
            return telemetry

    async def child(number):
        with early_tracer.start_as_current_span(f"child of {number}"):
            await asyncio.sleep(0.001)

    async def main():
        return await asyncio.gather(*[run(number) for number in range(1, 21)])

    results = asyncio.run(main())
    with ThreadPoolExecutor(8) as pool:
        results += pool.map(lambda number: asyncio.run(run(number)), range(21, 29))
    for number, telemetry in enumerate(results, 1):
        assert telemetry.tree() == "\n".join([f"invoke_agent a{number}", *[f"  child of {number}"] * 3])
        assert telemetry.metric("early.count").value == number
        assert [record.body for record in telemetry.logs] == [f"of {number}"]
        assert {span.trace_id for span in telemetry.spans} == {f"{1:032x}"}


def test_nested_captures():
    """The inner capture takes all while it lasts, also what the outer one's handle makes; then the outer one goes on."""
    with capture() as outer:
        research()
        with capture() as inner, outer.observability.tool("inside"):
            pass
        research()
    assert inner.tree() == "execute_tool inside"
    assert outer.tree() == "\n".join(["invoke_agent researcher", "  execute_tool search"] * 2)


def test_everywhere_captures_threads_and_runners_made_before():
    """``everywhere=True`` reaches a thread and an event loop that know nothing of the capture; a plain capture does not."""
    with ThreadPoolExecutor(1) as pool, contextlib.closing(asyncio.new_event_loop()) as loop:
        outside = contextvars.copy_context()
        pool.submit(lambda: None).result()
        with capture() as plain:
            pool.submit(research).result()
            outside.run(loop.run_until_complete, asyncio.sleep(0))
        with capture(everywhere=True) as telemetry:
            pool.submit(research).result()
            outside.run(research)
    assert plain.spans == ()
    assert len(telemetry.spans) == 4


def test_everywhere_is_refused_beside_another_capture():
    """Two captures of which one takes everything cannot both be right; after a refusal captures work as before."""
    with capture(), pytest.raises(RuntimeError, match="only one"), capture(everywhere=True):
        pass
    with capture(everywhere=True) as telemetry:
        research()
    assert len(telemetry.spans) == 2
    with capture() as telemetry:
        research()
    assert len(telemetry.spans) == 2


def test_the_context_begins_and_ends_clean():
    """A span that is current outside is no parent inside, and is current again afterwards; none from inside stays current."""
    outside = trace.NonRecordingSpan(trace.SpanContext(7, 7, is_remote=False))
    with trace.use_span(outside):
        with capture() as telemetry:
            assert not trace.get_current_span().get_span_context().is_valid
            left_open = early_tracer.start_span("left open")
            context.attach(trace.set_span_in_context(left_open))
            research()
        assert trace.get_current_span() is outside
    assert telemetry.span("invoke_agent researcher").parent_id == f"{left_open.get_span_context().span_id:016x}"


def test_it_ends_with_its_block():
    """What is emitted afterwards is not added, what was captured stays readable, and errors pass through."""
    error = ValueError("of the test")
    with pytest.raises(ValueError, match="of the test") as caught, capture() as telemetry:
        research()
        raise error
    assert caught.value is error
    research()
    with telemetry.observability.tool("late"):
        pass
    assert telemetry.tree() == "invoke_agent researcher\n  execute_tool search"


def test_async_with():
    """It also works as an asynchronous block."""

    async def main():
        async with capture() as telemetry:
            research()
        return telemetry

    assert len(asyncio.run(main()).spans) == 2


def test_set_up_and_tear_down_in_different_contexts():
    """As asynchronous fixtures do: entered in one context, left in another, without a complaint and without a trace."""
    block = capture()
    inside = contextvars.copy_context()
    telemetry = inside.run(block.__enter__)
    inside.run(research)
    block.__exit__(None, None, None)
    assert len(telemetry.spans) == 2
    with capture() as other:
        research()
    assert len(other.spans) == 2


def test_structlog_and_stdlib_loggers_bound_at_import(capsys):
    """Records of both kinds of loggers, bound long before, come once each, with ids, keys and severity; lines are printed as before."""
    with capture() as telemetry, langswarm_otel.session("s-1"), langswarm_otel.agent("a"):
        early_log.info("searched", sources=3)
        early_stdlib_log.error("failed %s", "once", extra={"attempt": 2})
    found = [(log.body, log.severity_text, log.span_id) for log in telemetry.logs]
    assert found == [("searched", "INFO", f"{1:016x}"), ("failed once", "ERROR", f"{1:016x}")]
    assert telemetry.log("searched").attributes["sources"] == 3
    assert telemetry.log("failed once").attributes["attempt"] == 2
    assert {log.attributes["gen_ai.conversation.id"] for log in telemetry.logs} == {"s-1"}
    assert telemetry.log("failed once").scope == "application.early"
    assert "searched" in capsys.readouterr().out


def test_logging_is_left_as_it_was():
    """Handlers, level and structlog's processors are afterwards what they were before, whatever the order in which captures end."""
    before = (list(logging.root.handlers), logging.root.level, list(structlog.get_config()["processors"]))
    first, second = capture(), capture()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with langswarm_otel.tool("t"):
        early_stdlib_log.warning("still captured")
    second.__exit__(None, None, None)
    assert (list(logging.root.handlers), logging.root.level, list(structlog.get_config()["processors"])) == before


@pytest.mark.parametrize("content", [False, True])
def test_the_content_gate(content):
    """Content of our operations and of foreign spans is captured only with the gate open, as it would be sent."""
    with capture(content=content) as telemetry:
        with telemetry.observability.tool("t") as call:
            call.input({"query": "canary"})
        with early_tracer.start_as_current_span("foreign", attributes={"gen_ai.input.messages": "canary", "k": 1}):
            pass
        with contextlib.suppress(ValueError), early_tracer.start_as_current_span("failing"):
            raise ValueError("canary")
    assert ("canary" in repr([(span.attributes, span.events, span.status_description) for span in telemetry.spans])) is content
    assert telemetry.span("foreign").attributes["k"] == 1
    assert telemetry.span("failing").status_description == ("ValueError: canary" if content else "ValueError")


def test_user_ids_and_semconv_follow_the_options():
    """Options mean what they mean in a configuration."""
    with capture(user_id=True, user_hash_salt="salt", semconv="both") as telemetry:
        with langswarm_otel.session("s", user_id="u-17"), langswarm_otel.inference(provider="openai", model="gpt-4o") as call:
            call.usage(input_tokens=1, output_tokens=2)
    assert telemetry.span("chat gpt-4o").attributes["user.id"] == "u-17"
    assert telemetry.total("gen_ai.client.token.usage") == 3
    assert telemetry.total("gen_ai.client.inference.usage.output_tokens") == 2


def test_a_clock_of_ones_own():
    """Times are told by the given clock, and the default one is real."""
    clock = TickingClock(start_ns=1_000_000_000, tick_ns=1_000)
    with capture(clock=clock) as telemetry:
        research()
    assert all(1_000_000_000 <= span.start_ns < span.end_ns < 1_001_000_000 for span in telemetry.spans)
    with capture() as real:
        research()
    assert real.spans[0].start_ns > 1_700_000_000_000_000_000


def test_look_ups_say_what_there_was():
    """A look-up that finds nothing, or too much, names what was captured."""
    with capture() as telemetry:
        research()
        research()
        early_counter.add(1, {"k": "a"})
        early_counter.add(1, {"k": "b"})
    with pytest.raises(NotCapturedError, match=r"span 'nope': not captured; there was:\n  execute_tool search\n  invoke_agent researcher"):
        telemetry.span("nope")
    with pytest.raises(NotCapturedError, match="span 'execute_tool search': 2 captured"):
        telemetry.span("execute_tool search")
    with pytest.raises(NotCapturedError, match=r"metric 'early.count' with \{'k': 'c'\}: not captured(.|\n)*early.count \{'k': 'a'\} = 1"):
        telemetry.metric("early.count", k="c")
    with pytest.raises(NotCapturedError, match=r"metric 'early\.count': 2 captured"):
        telemetry.metric("early.count")
    with pytest.raises(NotCapturedError, match="log record 'x': not captured; there was:\n  nothing"):
        telemetry.log("x")
    assert telemetry.metric("early.count", {"k": "b"}).value == 1
    assert telemetry.total("early.count") == 2
    assert telemetry.total("early.count", {"k": "a"}) == 1
    assert "4 spans" in repr(telemetry)


def test_a_thread_without_a_copied_context_is_outside():
    """As everywhere in OpenTelemetry, a bare thread starts with an empty context; ``propagating`` carries the capture there."""
    with capture() as telemetry:
        for work in (research, langswarm_otel.propagating(research)):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert len(telemetry.spans) == 2


def test_a_wrong_option_leaves_nothing_behind():
    """A capture that cannot begin raises, and the next one works."""
    with pytest.raises(ValueError, match="log_level"), capture(log_level="LOUD"):
        pass
    with capture(everywhere=True) as telemetry:
        early_stdlib_log.warning("captured")
    assert telemetry.log("captured").severity_text == "WARN"
