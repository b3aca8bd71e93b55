"""Sessions."""

from __future__ import annotations

import pytest

from langswarm_otel import configure_observability
from langswarm_otel.context import current_scope, hash_user


def test_what_is_below_carries_it(seen):
    """Conversation and pseudonym are on every span of ours below, on none beside, and there is no span of the session."""
    with seen.obs.session("s-1", user_id="u-17"), seen.obs.agent("a"), seen.obs.tool("t"), seen.obs.memory("search", store="m"):
        pass
    with seen.obs.tool("beside"):
        pass
    below = [span for span in seen.spans() if span.name != "execute_tool beside"]
    assert len(below) == 3
    for span in below:
        assert span.attributes["gen_ai.conversation.id"] == "s-1"
        assert span.attributes["user.hash"] == hash_user("u-17", "")
        assert "user.id" not in span.attributes
    assert not {"gen_ai.conversation.id", "user.hash"} & set(seen.span("execute_tool beside").attributes)


def test_the_raw_user_where_it_is_allowed(observe):
    """With the permission the raw id stands beside its salted hash."""
    seen = observe(capture_user_id=True, user_hash_salt="pepper")
    with seen.obs.session("s-1", user_id="u-17"), seen.obs.tool("t"):
        pass
    attributes = seen.span("execute_tool t").attributes
    assert (attributes["user.id"], attributes["user.hash"]) == ("u-17", hash_user("u-17", "pepper"))


def test_the_raw_user_stays_with_the_handle_that_may_have_it(observe):
    """An operation of another handle inside of the session does not write what its own policy forbids."""
    allowed, forbidden = observe(capture_user_id=True), observe()
    with allowed.obs.session("s-1", user_id="u-17"), forbidden.obs.tool("t"):
        pass
    assert "user.id" not in forbidden.span("execute_tool t").attributes
    assert "user.hash" in forbidden.span("execute_tool t").attributes


def test_the_raw_user_stays_with_the_private_handle_that_may_have_it():
    """Two private handles: one keeps raw ids, the other, inside of its session, has only the hash, on foreign spans of its provider too."""
    options = {"install_global": False, "instrument": False, "configure_structlog": False, "log_output": "none"}
    with (
        configure_observability("testing", capture_user_id=True, **options) as allowed,
        configure_observability("testing", capture_user_id=False, **options) as forbidden,
    ):
        with allowed.session("s", user_id="u-17"):
            for handle in (allowed, forbidden):
                with handle.tool("ours"), handle.tracer.start_as_current_span("foreign"):
                    pass
        assert allowed.flush(5)
        assert forbidden.flush(5)
        users = [
            {(span.name, span.attributes.get("user.id")) for span in handle.in_memory.spans.kept.items()} for handle in (allowed, forbidden)
        ]
        hashes = {span.attributes["user.hash"] for handle in (allowed, forbidden) for span in handle.in_memory.spans.kept.items()}
    assert users == [{("execute_tool ours", "u-17"), ("foreign", "u-17")}, {("execute_tool ours", None), ("foreign", None)}]
    assert hashes == {hash_user("u-17", "")}


def test_ids_are_never_on_a_metric(observe):
    """Not even where raw ids are allowed."""
    seen = observe(capture_user_id=True)
    with seen.obs.session("s-1", user_id="u-17") as session, seen.obs.tool("t"):
        session.message()
    for name in seen.metric_names():
        for point in seen.points(name):
            assert not {"s-1", "u-17", hash_user("u-17", "")} & set(map(str, point.attributes.values()))


def test_open_sessions_messages_and_duration(observe, clock):
    """Sessions are counted while they are open, messages by role, and the duration has the outcome."""
    seen = observe(clock=clock)
    with seen.obs.session("one") as one:
        with pytest.raises(ValueError), seen.obs.session("two") as two:
            assert seen.point("langswarm.session.active").value == 2
            clock.advance(3)
            one.message()
            two.message("assistant")
            two.message("somebody's own role")
            raise ValueError
    assert seen.point("langswarm.session.active").value == 0
    messages = {point.attributes["langswarm.message.role"]: point.value for point in seen.points("langswarm.session.messages")}
    assert messages == {"user": 1, "assistant": 1, "_OTHER": 1}
    assert seen.point("langswarm.session.duration", langswarm__outcome="error").sum == 3
    assert seen.point("langswarm.session.duration", langswarm__outcome="ok").sum == 3


def test_a_session_without_a_user_keeps_the_one_around(seen):
    """A turn inside of a session of a known user is still that user's."""
    with seen.obs.session("outer", user_id="u"), seen.obs.session("inner"):
        scope = current_scope()
    assert (scope.conversation_id, scope.user_hash) == ("inner", hash_user("u", ""))


def test_the_span_around_is_left_alone(seen):
    """A session inside of somebody's span neither ends it nor writes its outcome there."""
    with seen.telemetry.tracer.start_as_current_span("request") as request:
        with seen.obs.session("s-1") as session:
            assert session.span is request
        assert request.is_recording()
    assert seen.span("request").attributes == {}


async def test_as_a_decorator(seen):
    """Each call of a decorated turn is in the session."""

    @seen.obs.session("s-1")
    async def turn():
        async with seen.obs.tool("t"):
            return current_scope().conversation_id

    assert await turn() == "s-1"
    assert seen.span("execute_tool t").attributes["gen_ai.conversation.id"] == "s-1"
    assert current_scope().conversation_id is None


def test_odd_ids(seen):
    """Numbers and half characters are ids, too."""
    with seen.obs.session(42, user_id="\ud800"), seen.obs.tool("t"):
        pass
    assert seen.span("execute_tool t").attributes["gen_ai.conversation.id"] == "42"
