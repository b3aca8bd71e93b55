"""The conversation of a LangSwarm session, as context for everything below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import get_current

from langswarm_otel import current
from langswarm_otel.components import genai_interop
from langswarm_otel.context import current_scope, hash_user, with_scope, with_values
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from opentelemetry.context import Context


def in_conversation(session_id: str | None, *, user_id: str | None = None) -> Context:
    """Return the current context with the conversation of a LangSwarm session, and its user if known, for what is begun in it.

    A conversation that is in scope already stays: the program opened that session, and LangSwarm's agents have threads of their own in it.

    Args:
        session_id: LangSwarm's id of the session; None if there is none.
        user_id: whose session it is, where LangSwarm knows.
    """
    before = get_current()
    scope = current_scope(before)
    conversation_id = conversation_id_of(session_id)
    if not conversation_id or scope.conversation_id not in (None, conversation_id):
        return before
    if scope.conversation_id is not None and (user_id is None or scope.user_hash is not None):
        return before  # all of it is there already, as for the calls of a run
    changes: dict[str, str | None] = {"conversation_id": conversation_id}
    if user_id and scope.user_hash is None:
        policy = current.telemetry().policy
        changes["user_hash"] = hash_user(user_id, policy.user_hash_salt)
        changes["user_id"] = user_id if policy.capture_user_id else None
    return with_values(with_scope(before, **changes), genai_interop.conversation(conversation_id))
