"""The scope that the OpenTelemetry context carries."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate
from opentelemetry.context import Context, attach, get_current, set_value

from langswarm_otel.context import NO_SCOPE, Scope, current_scope, hash_user, restore, with_scope, with_values


def test_outside_of_everything_the_scope_is_empty():
    """Without a scope every field is None."""
    assert current_scope(Context()) is NO_SCOPE
    assert set(NO_SCOPE._asdict().values()) == {None}


def test_changes_build_on_the_scope_that_is_there():
    """A further change keeps what was known, and the first context is left as it was."""
    first = with_scope(Context(), conversation_id="s-1")
    second = with_scope(first, agent_name="a")
    assert current_scope(second) == Scope(conversation_id="s-1", agent_name="a")
    assert current_scope(first) == Scope(conversation_id="s-1")


def test_nothing_is_attached():
    """``with_scope`` only returns a context."""
    before = get_current()
    with_scope(conversation_id="s-1")
    assert get_current() is before


def test_unknown_fields_are_refused():
    """A misspelt field is an error and not a silent nothing."""
    with pytest.raises(TypeError):
        with_scope(Context(), session="s-1")


def test_other_entries_of_the_context_stay():
    """Scope and values are added to what others put there."""
    base = set_value("theirs", 1, Context())
    assert with_scope(base, user_hash="x").get("theirs") == 1
    assert with_values(base, {"mine": 2}) == {"theirs": 1, "mine": 2}
    assert "mine" not in base


def test_a_foreign_value_under_the_key_counts_as_no_scope():
    """Whatever somebody puts where the scope belongs, reading it gives a scope."""
    (key,) = with_scope(Context(), agent_name="a")
    assert current_scope(Context({key: "nonsense"})) is NO_SCOPE


def test_the_scope_follows_tasks():
    """A task started in a scope sees it; its own changes stay with it."""

    async def child():
        attach(with_scope(agent_name="child"))
        return current_scope()

    async def main():
        attach(with_scope(conversation_id="s-1"))
        inside = await asyncio.create_task(child())
        return inside, current_scope()

    inside, after = asyncio.run(main())
    assert inside == Scope(conversation_id="s-1", agent_name="child")
    assert after == Scope(conversation_id="s-1")


def test_the_scope_is_no_baggage():
    """What is injected for other processes holds nothing of it."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, with_scope(Context(), conversation_id="s-1", user_id="u-1"))
    assert carrier == {}


def test_restoring_needs_its_own_context():
    """A context that is not one's own is left alone."""
    before, own, foreign = get_current(), Context({"a": 1}), Context({"b": 2})
    attach(own)
    restore(own, before)
    assert get_current() is before
    attach(foreign)
    restore(own, before)
    assert get_current() is foreign


def test_the_pseudonym_of_a_user():
    """The same for the same user and salt, different for another of either, short, and without the user in it."""
    pseudonym = hash_user("u-17", "salt")
    assert pseudonym == hash_user("u-17", "salt")
    assert len({pseudonym, hash_user("u-18", "salt"), hash_user("u-17", "other")}) == 3
    assert len(pseudonym) == 16
    assert int(pseudonym, 16) >= 0
    assert hash_user("7", "u-1") != hash_user("u-17", "")


@given(st.text(), st.text())
def test_every_text_has_a_pseudonym(user, salt):
    """No user id makes it raise, whatever characters it has."""
    assert len(hash_user(user + "\ud800", salt)) == 16
