"""Sessions: no span, but the conversation and the user of every span and log line below, and what a session's metrics count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import get_current

from langswarm_otel import semconv
from langswarm_otel.components import genai_interop
from langswarm_otel.components.counting import counted
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run
from langswarm_otel.context import hash_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.context import Scope
    from langswarm_otel.signals.subjects import Subject
    from langswarm_otel.signals.telemetry import Telemetry

ROLES: Final = frozenset({"user", "assistant", "system", "tool"})
"""Roles that the message counter tells apart; others are ``_OTHER``."""


class SessionOperation(Operation["SessionRun"]):
    """Describes one session, or one turn of it."""

    def __init__(self, resolve: Callable[[], Telemetry], session_id: str, *, user_id: str | None = None) -> None:
        """Describe the session.

        Args:
            resolve: returns the telemetry to use, at the beginning of each block.
            session_id: ``gen_ai.conversation.id`` of everything inside; never on a metric.
            user_id: who takes part; becomes ``user.hash``, and ``user.id`` only where the configuration allows it; never on a metric.
        """
        super().__init__(resolve)
        self.session_id = named(session_id)
        self.user_id = named_or_none(user_id)

    def make(self, telemetry: Telemetry) -> SessionRun:
        """Return a block that has not begun."""
        return SessionRun(telemetry, self)


class SessionRun(Run):
    """A session in progress."""

    has_span = False
    is_root = False
    operation_name = "session"
    duration = semconv.SESSION_DURATION

    _described: SessionOperation

    def message(self, role: str = "user") -> None:
        """Count a message.

        Args:
            role: ``user``, ``assistant``, ``system`` or ``tool``.
        """
        count_message(self.telemetry, role, self.context)

    def scope_inside(self) -> Scope:
        """Return the scope inside: this conversation and its user."""
        described, policy = self._described, self.telemetry.policy
        scope = self.scope._replace(conversation_id=described.session_id)
        if described.user_id is None:
            return scope
        raw = described.user_id if policy.capture_user_id else None
        return scope._replace(user_hash=hash_user(described.user_id, policy.user_hash_salt), user_id=raw)

    def prepare(self, inside: dict[str, object], context: Context) -> None:
        """Count the session as open, and tell the instrumentors of others its conversation."""
        self.telemetry.instruments.record(semconv.SESSION_ACTIVE, 1, {}, context)
        inside.update(genai_interop.conversation(self._described.session_id))

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return (semconv.CONVERSATION_ID,)

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the duration: none but the outcome."""
        return {}

    def measure(self, subject: Subject, attributes: dict[str, Any]) -> None:
        """Record the duration, and count the session as open no more."""
        self.telemetry.instruments.record(semconv.SESSION_ACTIVE, -1, {}, self.context)
        super().measure(subject, attributes)


def count_message(telemetry: Telemetry, role: str, context: Context | None = None, *, number: int = 1) -> None:
    """Count messages of a session by their role."""
    name = named(role)
    label, messages = name if name in ROLES else semconv.OTHER, counted(number, "messages")
    if messages:
        subject = telemetry.subjects.of((semconv.MESSAGE_ROLE, label), lambda: {semconv.MESSAGE_ROLE: label})
        subject.record(semconv.SESSION_MESSAGES, messages, get_current() if context is None else context)
