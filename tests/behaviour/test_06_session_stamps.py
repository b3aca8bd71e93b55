"""Behaviour 6: session, user and tenant are missing on child spans.

Pain: backends filter span by span, and ids are set on the root only; or baggage leaks them to third parties through HTTP headers
(Arize-ai/openinference#2222, langfuse/langfuse-docs#2271, open-telemetry/opentelemetry-specification#1337).

Right: a session stamps every span and log below it, foreign ones too, through a context key of our own and not through W3C baggage.
"""

from __future__ import annotations

import asyncio
import logging

from opentelemetry import baggage, propagate, trace
from opentelemetry.sdk.trace import TracerProvider

from langswarm_otel import inject_context
from langswarm_otel.context import hash_user
from langswarm_otel.testing import capture

CONVERSATION = "gen_ai.conversation.id"


def run_session(observability):
    """A session with an agent, its tool, its memory, a span of somebody else's and a log line; returns what would go over the wire."""
    logger = logging.getLogger("application")
    with observability.session("s-42", user_id="u-17"), observability.agent("researcher"):
        with observability.tool("search"):
            pass
        with observability.memory("search_memory", store="notes"):
            pass
        with trace.get_tracer("foreign").start_as_current_span("foreign"):
            logger.warning("searched")
            headers: dict[str, str] = {}
            propagate.inject(headers)
            inject_context(headers)
    return headers


def test_every_span_and_log_below_a_session_carries_it(telemetry, verdict):
    """Conversation and hashed user stand on all four spans and the conversation on the log record; the raw user stands nowhere."""
    run_session(telemetry.observability)
    names = ["invoke_agent researcher", "execute_tool search", "search_memory", "foreign"]
    below = [telemetry.span(name) for name in names]
    assert [span.attributes[CONVERSATION] for span in below] == ["s-42"] * 4
    assert [span.attributes["user.hash"] for span in below] == [hash_user("u-17", "")] * 4
    assert telemetry.log("searched").attributes[CONVERSATION] == "s-42"
    everything = repr((telemetry.spans, telemetry.logs, telemetry.metrics))
    assert "u-17" not in everything
    assert "s-42" not in repr(telemetry.metrics)
    verdict.ours("on every span, foreign ones too, and on lines; nothing in baggage")


def test_nothing_leaves_as_baggage(telemetry):
    """What is injected for the next process has the trace and no baggage."""
    headers = run_session(telemetry.observability)
    assert "traceparent" in headers
    assert "baggage" not in headers
    assert "s-42" not in repr(headers)
    with telemetry.observability.session("s-42"):
        assert not baggage.get_all()


def test_the_session_follows_tasks_and_ends_with_its_block(telemetry):
    """Tasks started inside a session belong to it; what comes afterwards does not; an inner session wins inside."""

    async def main():
        with telemetry.observability.session("outer"):
            await asyncio.create_task(use("in_task"))
            with telemetry.observability.session("inner"):
                await use("in_inner")
            await use("after_inner")
        await use("after")

    async def use(name):
        with telemetry.observability.tool(name):
            await asyncio.sleep(0)

    asyncio.run(main())
    found = {span.name: span.attributes.get(CONVERSATION) for span in telemetry.spans if span.name.startswith("execute_tool")}
    assert found == {
        "execute_tool in_task": "outer",
        "execute_tool in_inner": "inner",
        "execute_tool after_inner": "outer",
        "execute_tool after": None,
    }


def test_the_raw_user_only_where_it_is_allowed():
    """``capture_user_id`` puts the raw id beside its hash, on spans and never on metrics."""
    with capture(user_id=True) as telemetry:
        run_session(telemetry.observability)
    assert telemetry.span("foreign").attributes["user.id"] == "u-17"
    assert "u-17" not in repr(telemetry.metrics)


def test_the_plain_sdk_stamps_nothing(verdict):
    """The pain exists: an attribute of a span is not on its children, and baggage goes over the wire."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    parent = tracer.start_span("session", attributes={CONVERSATION: "s-42"})
    child = tracer.start_span("child", trace.set_span_in_context(parent))
    assert CONVERSATION not in child.attributes
    headers: dict[str, str] = {}
    propagate.inject(headers, baggage.set_baggage("session", "s-42"))
    assert headers["baggage"] == "session=s-42"
    verdict.plain("children carry nothing")
