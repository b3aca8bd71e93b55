"""Who and what the present work belongs to: conversation, user, agent and workflow, carried in the OpenTelemetry context.

The values live under one context key of ours and never in W3C baggage, which would carry them to strangers in HTTP headers. They go
where the OpenTelemetry context goes: into tasks, ``asyncio.to_thread`` and threads given a copied context.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.context import Context, attach, create_key, get_current
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

if TYPE_CHECKING:
    from collections.abc import Mapping

SCOPE_KEY: Final = create_key("langswarm_otel.scope")
"""Context key of the scope, for callers that set several entries at once."""

SPAN_KEY: Final = next(iter(set_span_in_context(INVALID_SPAN, Context())))
"""Context key of the current span, as OpenTelemetry's public function shows it; for the same callers."""


class Scope(NamedTuple):
    """What is known about the present work; every field is None where nobody said.

    A tuple, since each run of an agent makes one: that takes a quarter of what a frozen dataclass takes.
    """

    conversation_id: str | None = None
    """Session in progress; ``gen_ai.conversation.id`` on every span and log line below it."""

    user_hash: str | None = None
    """Salted hash of the user; ``user.hash``."""

    user_id: str | None = None
    """The user as given; set only where the configuration allows raw user ids."""

    agent_name: str | None = None
    """Innermost agent at work."""

    workflow_name: str | None = None
    """Innermost workflow at work."""

    provider: str | None = None
    """Provider that the innermost agent was declared with; the default of the inferences inside."""

    model: str | None = None
    """Model that the innermost agent was declared with; the default of the inferences inside."""


NO_SCOPE: Final = Scope()
"""Outside of everything."""


def current_scope(context: Context | None = None) -> Scope:
    """Return the scope of a context, by default of the current one."""
    found = (get_current() if context is None else context).get(SCOPE_KEY)
    return found if isinstance(found, Scope) else NO_SCOPE


def with_scope(context: Context | None = None, **changes: str | None) -> Context:
    """Return a context whose scope differs in ``changes``; nothing is attached.

    Args:
        context: what to start from; None means the current context.
        **changes: fields of ``Scope``.
    """
    base = get_current() if context is None else context
    return with_values(base, {SCOPE_KEY: Scope(**{**current_scope(base)._asdict(), **changes})})


def with_values(context: Context, values: Mapping[str, object]) -> Context:
    """Return a context with further entries, in one copy where ``set_value`` would make one for each."""
    merged: dict[str, Any] = {**context, **values}
    return Context(merged)


def restore(own: Context, previous: Context) -> None:
    """Make ``previous`` current again, but only if ``own`` still is.

    OpenTelemetry's ``detach(token)`` complains when the block ends in another task or thread than it began in, as blocks in torn
    generators do (open-telemetry/opentelemetry-python#2606); this says nothing and leaves a context that is not its own alone.
    """
    if get_current() is own:
        attach(previous)


def hash_user(user_id: str, salt: str) -> str:
    """Return the pseudonym of a user: 16 hexadecimal digits of a salted SHA-256, the same for the same user and salt."""
    digest = hashlib.sha256(f"{salt}\0{user_id}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]
