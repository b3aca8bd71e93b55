"""Session ids of LangSwarm as conversation ids.

LangSwarm makes them as ``session_{user_id}_{8 hex digits}`` (0.1.0), and its native providers ``conv_...`` and ``mistral_...``. Where
raw user ids may not be captured, the user in such an id gives way to ``user.hash``. The shape alone decides, so that whoever is told the id
finds the same conversation, also after the session has ended or in another process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current
from langswarm_otel.context import hash_user

if TYPE_CHECKING:
    from langswarm_otel.signals.telemetry import Policy

_DEFAULT_SHAPE: Final = re.compile(r"(session|conv|mistral)_(.+)_([0-9a-f]{8})", re.DOTALL)


def conversation_id_of(session_id: Any, policy: Policy | None = None) -> Any:
    """Return the ``gen_ai.conversation.id`` of a LangSwarm session: its id, without the raw user where that may not be captured.

    Args:
        session_id: as LangSwarm or its user made it; anything that is not text comes back as it is.
        policy: what may be emitted; the current telemetry's by default.
    """
    if not isinstance(session_id, str):
        return session_id
    shape = _DEFAULT_SHAPE.fullmatch(session_id)
    if shape is None:
        return session_id
    policy = current.telemetry().policy if policy is None else policy
    if policy.capture_user_id:
        return session_id
    kind, user_id, rest = shape.groups()
    return f"{kind}_{hash_user(user_id, policy.user_hash_salt)}_{rest}"
