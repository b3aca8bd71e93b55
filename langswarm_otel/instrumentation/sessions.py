"""Sessions: how many are open, how long they last, how many messages they have; and whose conversation an agent is in.

A LangSwarm session is a record with messages, not a block of code: it begins with ``create_session`` and ends when it is archived or
deleted. It has no span. ``send_message`` runs in the scope of the session, so that whatever its provider does carries conversation and
user; and an agent that is told a ``session_id`` of an open session knows its user.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context

from langswarm_otel import current
from langswarm_otel.instrumentation.calls import Call, around, in_conversation, report_error
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from langswarm_otel.components.session import SessionRun

_MODULE: Final = "langswarm.core.session.base"

_runs: Final[weakref.WeakKeyDictionary[Any, SessionRun]] = weakref.WeakKeyDictionary()
"""The run of each open session; sessions live as long as their manager keeps them."""

_by_id: Final[weakref.WeakValueDictionary[str, Any]] = weakref.WeakValueDictionary()
"""Open sessions by their id."""


def user_of(session_id: str | None) -> str | None:
    """Return the user of an open session; None if there is no such session, or nobody said."""
    return _user(_by_id.get(session_id)) if session_id else None


def _user(session: Any) -> str | None:
    user_id = getattr(session, "user_id", None)
    return None if user_id is None else str(user_id)


@contextmanager
def _create(call: Call) -> Iterator[SessionRun]:
    # An empty context: a session that is open for days must not keep the span that it was created in.
    run = current.session(conversation_id_of(call.get(4, "session_id")) or "", user_id=call.get(0, "user_id")).begin(Context())
    try:
        yield run
    except BaseException as error:
        run.finish(error)
        raise


def _created(run: SessionRun, _call: Call, session: Any) -> None:
    _runs[session] = run
    _by_id[session.session_id] = session


@contextmanager
def _send(call: Call) -> Iterator[None]:
    session = call.instance
    with in_conversation(session.session_id, user_id=_user(session)):
        yield


def _sent(_run: None, call: Call, answer: Any) -> None:
    session, role = call.instance, call.get(1, "role")
    sent = str(getattr(role, "value", "user"))
    current.sessions.record_message(session.session_id, sent)
    if answer.role.value != sent:
        current.sessions.record_message(session.session_id, answer.role.value)


def _archive(call: Call) -> AbstractContextManager[Any]:
    return nullcontext(call.instance)


def _delete(call: Call) -> AbstractContextManager[Any]:
    """Find the session that is going; `get_session` would load it, and afterwards it is gone."""
    return nullcontext(call.instance._active_sessions.get(call.get(0, "session_id")))  # noqa: SLF001 - see above


def _ended(session: Any, _call: Call, done: Any) -> None:
    run = None if session is None else _runs.pop(session, None)
    if run is None:
        return
    _by_id.pop(session.session_id, None)
    if not done:
        report_error(run, None)
    run.finish()


def _hook(
    owner: str, attribute: str, begin: Callable[[Call], AbstractContextManager[Any]], finish: Callable[[Any, Call, Any], None]
) -> Hook:
    wrapper = around("langswarm.session", begin=begin, finish=finish)
    return Hook(module=_MODULE, owner=owner, attribute=attribute, wrapper=wrapper)


HOOKS: Final = (
    _hook("SessionManager", "create_session", _create, _created),
    _hook("SessionManager", "delete_session", _delete, _ended),
    _hook("BaseSession", "archive", _archive, _ended),
    _hook("BaseSession", "send_message", _send, _sent),
)
"""Where sessions begin, go on and end."""
