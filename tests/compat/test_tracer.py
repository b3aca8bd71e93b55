"""``provider.tracer``: real spans with LangSwarm's methods."""

import asyncio
import datetime as dt

import pytest
from opentelemetry import trace

from langswarm_otel import current
from langswarm_otel.compat import ObservabilityConfig, ObservabilityProvider, SpanStatus, trace_async_function, trace_function
from langswarm_otel.guard import faults


def test_a_span_has_langswarms_fields(provider, telemetry):
    """Ids are W3C's, times are UTC as LangSwarm writes them, tags can be read and written."""
    with provider.tracer.start_span("outer") as outer, provider.tracer.start_span("inner", region="eu", nothing=None) as span:
        assert (len(span.trace_id), len(span.span_id)) == (32, 16)
        assert span.parent_span_id == outer.span_id
        assert span.trace_id == outer.trace_id == provider.tracer.get_trace_id()
        assert provider.tracer.get_current_span() == span
        assert span.operation_name == "inner"
        assert isinstance(span.start_time, dt.datetime)
        assert span.end_time is span.duration_ms is None
        assert span.tags["region"] == "eu"
        assert "nothing" not in span.tags
        span.tags["tier"] = "gold"
        provider.tracer.add_span_tag("count", 3)
        assert dict(span.tags) | {"tier": "gold", "count": 3} == dict(span.tags)
        provider.tracer.add_span_log("half way", step=2)
        assert span.logs[0]["message"] == "half way"
        assert span.logs[0]["step"] == 2
        assert span.status == SpanStatus.OK
    assert span.duration_ms >= 0
    assert span.end_time >= span.start_time
    assert telemetry.span("inner").attributes["langswarm.tag.tier"] == "gold"
    assert provider.tracer.get_current_span() is None
    assert provider.tracer.get_trace_id() is None


def test_what_is_raised_goes_through_unchanged(provider, telemetry):
    """The span is an error by the core's rules, and the exception the very same object."""
    boom = LookupError("Jane Doe")
    with pytest.raises(LookupError) as raised, provider.tracer.start_span("work") as span:
        raise boom
    assert raised.value is boom
    assert span.status == SpanStatus.ERROR
    assert telemetry.span("work").attributes["error.type"] == "LookupError"
    assert "Jane Doe" not in str(telemetry.span("work"))


async def test_a_cancelled_operation_is_cancelled(provider, telemetry):
    """As with every operation of ours."""

    async def wait():
        with provider.tracer.start_span("work"):
            await asyncio.sleep(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert telemetry.span("work").attributes["langswarm.outcome"] == "cancelled"


@pytest.mark.parametrize("status", ["error", "ERROR", SpanStatus.ERROR, SpanStatus.TIMEOUT])
def test_a_status_of_failure_is_an_error(provider, telemetry, status):
    """By method, or by writing the field, in any spelling."""
    with provider.tracer.start_span("one") as span:
        span.set_status(status)
    with provider.tracer.start_span("two") as span:
        span.status = status
    assert {span.status for span in telemetry.spans} == {"ERROR"}


def test_any_other_status_changes_nothing(provider, telemetry):
    """``ok`` and words that LangSwarm's pages have."""
    with provider.tracer.start_span("one") as span:
        for status in ("ok", "SUCCESS", None, 7):
            span.set_status(status)
    assert telemetry.span("one").attributes["langswarm.outcome"] == "ok"


def test_a_parent_that_is_named_is_the_parent(provider, telemetry):
    """A span that is open around the call may be named as the parent instead of the innermost."""
    with provider.tracer.start_span("outer") as outer:
        with provider.tracer.start_span("middle"):
            with provider.tracer.start_span("inner", parent_span_id=outer.span_id):
                assert provider.tracer.get_current_span().operation_name == "inner"
            assert provider.tracer.get_current_span().operation_name == "middle"
    assert telemetry.tree() == "outer\n  middle\n  inner"


def test_a_parent_that_is_not_there_is_ignored_with_one_line(provider, telemetry, caplog):
    """Its id is no span that is open here."""
    with provider.tracer.start_span("outer"):
        for _ in range(3):
            with provider.tracer.start_span("inner", parent_span_id="not-a-span"):
                pass
    assert telemetry.tree().count("\n  inner") == 3
    assert [record for record in caplog.records if "parent_span_id" in record.message].__len__() == 1


@pytest.mark.telemetry(content=False)
def test_content_and_users_stay_in(provider, telemetry):
    """What people said, and who they are, leaves only where that is allowed."""
    with provider.tracer.start_span("work", query="who is Jane Doe", user_id="jane", prompt="Jane") as span:
        span.add_tag("result", "Jane Doe")
        span.add_tag("error_message", "no Jane")
        span.add_tag("input.value", "Jane")
    assert "Jane" not in str(telemetry.spans)
    assert "jane" not in str(telemetry.spans)
    assert telemetry.span("work").attributes["user.hash"]


@pytest.mark.telemetry(content=True, user_id=True)
def test_content_and_users_leave_where_that_is_allowed(provider, telemetry):
    """The gate is open: a tool's arguments and result have their standard names."""
    with provider.tracer.start_span("work", query="why", user_id="jane"):
        pass
    with provider.tool_obs.trace_tool_execution("abacus", "add", {"a": 1}) as span:
        span.add_tag("result", 4)
    assert telemetry.span("work").attributes["langswarm.tag.query"] == "why"
    assert telemetry.span("work").attributes["user.id"] == "jane"
    assert telemetry.span("execute_tool abacus").attributes["gen_ai.tool.call.arguments"] == '{"a":1}'
    assert telemetry.span("execute_tool abacus").attributes["gen_ai.tool.call.result"] == "4"


async def test_functions_of_every_kind_can_be_decorated(provider, telemetry):
    """With a name and tags, without, and bare; functions and coroutine functions."""

    @provider.tracer.trace_function("named", region="eu")
    def one():
        return 1

    @provider.tracer.trace_function()
    async def two():
        return 2

    @trace_function
    def three():
        return 3

    @trace_async_function("four")
    async def four():
        return 4

    assert (one(), await two(), three(), await four()) == (1, 2, 3, 4)
    names = [span.name.rsplit(".", 1)[-1] for span in telemetry.spans]
    assert names == ["named", "two", "three", "four"]
    assert telemetry.span("named").attributes["langswarm.tag.region"] == "eu"


def test_finished_spans_are_there_in_tests_only(provider, telemetry):
    """In a capture they are kept; elsewhere the error says where."""
    with provider.tracer.start_span("one", region="eu") as one:
        pass
    (found,) = provider.tracer.get_finished_spans()
    assert (found.operation_name, found.tags["region"], found) == ("one", "eu", one)
    assert provider.tracer.get_span_by_id(one.span_id) == one
    assert provider.tracer.get_spans_by_trace_id(one.trace_id) == [one]


def test_finished_spans_outside_of_tests_are_an_error():
    """Nothing is kept there."""
    with pytest.raises(RuntimeError, match=r"langswarm_otel\.testing\.capture"):
        ObservabilityProvider().tracer.get_finished_spans()


def test_switched_off_it_still_yields_a_span(telemetry):
    """``None``, which LangSwarm yields there, would break whoever uses the span."""
    for config in (ObservabilityConfig(tracing_enabled=False), ObservabilityConfig(enabled=False)):
        with ObservabilityProvider(config).tracer.start_span("work") as span:
            span.add_tag("a", 1)
            span.set_status("error")
            assert span.trace_id == "0" * 32
    assert telemetry.spans == ()


def test_a_foreign_span_is_the_current_span_too(provider, telemetry):
    """Tags go to it; it is not ours to end."""
    with trace.get_tracer("mine").start_as_current_span("foreign"):
        assert provider.tracer.get_current_span().operation_name == "foreign"
        provider.tracer.add_span_tag("region", "eu")
        with provider.tracer.start_span("work"):
            pass
    assert telemetry.tree() == "foreign\n  work"
    assert telemetry.span("foreign").attributes["langswarm.tag.region"] == "eu"


def test_in_a_session_the_status_is_that_of_the_span_around(provider, telemetry):
    """A session has no span; the status of the current span is not the session's."""
    with provider.tracer.start_span("work"), current.session("s-1"):
        provider.tracer.get_current_span().set_status("error")
    assert telemetry.span("work").status == "ERROR"
    assert telemetry.metric("langswarm.session.duration").attributes == {"langswarm.outcome": "ok"}


def test_tags_after_the_end_are_ignored(provider, telemetry):
    """The SDK would warn of each."""
    with provider.tracer.start_span("work") as span:
        pass
    span.add_tag("late", 1)
    span.set_status("error")
    assert telemetry.span("work").status == "UNSET"
    assert faults() == {}
