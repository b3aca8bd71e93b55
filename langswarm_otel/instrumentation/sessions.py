"""Sessions: how many are open, how long they last, how many messages they have; what is done with them; whose conversation an agent is in.

A LangSwarm session is a record with messages, not a block of code: it begins with ``create_session``, or when it is loaded again, and ends
when it is archived or deleted. It has no span; what is done with it has: ``create_session``, ``send_message`` and so on, at least where a
storage or a provider takes part, or inside of another span. Look-ups
(``get_session``, ``get_messages``, ``list_user_sessions``) are spans only with ``lookup_spans``, unless a session is loaded from storage.
``send_message`` runs in the scope of the session, so that whatever its provider does carries conversation and user; and an agent that is
told a ``session_id`` of an open session knows its user. LangSwarm returns most errors as False, with no word on the reason.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context

from langswarm_otel import current, semconv
from langswarm_otel.components.session import count_message
from langswarm_otel.components.session_call import SessionCallOperation, SessionCallRun
from langswarm_otel.instrumentation.attempts import Within
from langswarm_otel.instrumentation.calls import Call, call_hook, innermost, report_error
from langswarm_otel.instrumentation.conversations import in_conversation
from langswarm_otel.instrumentation.naming import provider_name
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.components.session import SessionRun

_MODULE: Final = "langswarm.core.session.base"
_MANAGER: Final = "SessionManager"
_SESSION: Final = "BaseSession"

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


def _open(session: Any) -> None:
    """Count a session as open until it is archived or deleted; one that its manager forgets is abandoned."""
    if session in _runs:
        return
    # An empty context: a session that is open for days must not keep the span that it was created in.
    run = current.session(conversation_id_of(session.session_id), user_id=_user(session)).begin(Context())
    _runs[session] = run
    _by_id[session.session_id] = session
    weakref.finalize(session, _forgotten, run).atexit = False


def _forgotten(run: SessionRun) -> None:
    run.finish(GeneratorExit())


def _close(session: Any, *, done: bool) -> None:
    run = None if session is None else _runs.pop(session, None)
    if run is None:
        return
    _by_id.pop(session.session_id, None)
    if not done:
        report_error(run, None)
    run.finish()


def _run(
    operation: str, session_id: str | None, user_id: str | None, described: Any = None, *, leaves_process: bool = True
) -> SessionCallRun:
    """Begin an operation on a session; ``described`` is what LangSwarm knows of it."""
    backend = getattr(described, "backend", None)
    return SessionCallOperation(
        current.telemetry,
        operation,
        session_id=session_id,
        provider=provider_name(getattr(described, "provider", None)),
        model=getattr(described, "model", None),
        backend=getattr(backend, "value", None),
        leaves_process=leaves_process,
    ).begin(in_conversation(session_id, user_id=user_id))


def _is_part(session_id: str | None) -> bool:
    """Whether an operation around is about this session, so that what is done with it now is a part of that."""
    around = innermost()
    return isinstance(around, SessionCallRun) and around.concerns(session_id)


def _asks_others(session: Any) -> bool:
    """Whether what is done with a session is done with its storage or its provider too."""
    return session._storage is not None or session._provider_session is not None  # noqa: SLF001 - no public way to ask


def _of_session(operation: str) -> Callable[[Call], SessionCallRun | Within]:
    """Begin what is done with one session; what it does with itself in turn is part of it, and as true."""

    def begin(call: Call) -> SessionCallRun | Within:
        session = call.instance
        if _is_part(session.session_id):
            return Within({})
        return _run(operation, session.session_id, _user(session), session.context, leaves_process=_asks_others(session))

    return begin


def _of_manager(operation: str) -> Callable[[Call], SessionCallRun | None]:
    """Begin what a manager does with the session of an id."""

    def begin(call: Call) -> SessionCallRun | None:
        manager, session_id = call.instance, call.get(0, "session_id")
        session = manager._active_sessions.get(session_id)  # noqa: SLF001 - `get_session` would load it
        leaves = manager._storage is not None or (session is not None and _asks_others(session))  # noqa: SLF001 - no public way to ask
        return _run(operation, session_id, _user(session), getattr(session, "context", None), leaves_process=leaves)

    return begin


class _Wanted:
    """What a call to create a session asks for."""

    __slots__ = ("backend", "model", "provider")

    def __init__(self, call: Call) -> None:
        self.provider = call.get(1, "provider")
        self.model = call.get(2, "model")
        self.backend = call.get(3, "backend")


def _create(call: Call) -> SessionCallRun:
    wanted, manager = _Wanted(call), call.instance
    leaves = manager._storage is not None or wanted.provider in manager._provider_sessions  # noqa: SLF001 - no public way to ask
    # One without an id yet is no other session's.
    return _run("create_session", call.get(4, "session_id") or "", call.get(0, "user_id"), wanted, leaves_process=leaves)


def _created(run: SessionCallRun, _call: Call, session: Any) -> None:
    _open(session)
    if run.has_span:
        run.set_attribute(semconv.CONVERSATION_ID, conversation_id_of(session.session_id, run.telemetry.policy))
        run.set_attribute(semconv.SESSION_BACKEND, session.context.backend.value)  # LangSwarm falls back to another where a provider fails


def _get(call: Call) -> SessionCallRun | None:
    """Begin a look-up where it leaves the process, or is asked for."""
    loads = call.instance._storage is not None and call.get(0, "session_id") not in call.instance._active_sessions  # noqa: SLF001 - no public way
    if _is_part(call.get(0, "session_id")) or not (loads or current.telemetry().policy.lookup_spans):
        return None
    return _run("get_session", call.get(0, "session_id"), None)


def _got(run: SessionCallRun, _call: Call, session: Any) -> None:
    run.set_attribute(semconv.MEMORY_RESULT, "miss" if session is None else "hit")
    if session is not None:
        _open(session)


def _look_up(operation: str) -> Callable[[Call], SessionCallRun | None]:
    def begin(call: Call) -> SessionCallRun | None:
        session_id = getattr(call.instance, "session_id", None)
        if _is_part(session_id) or not current.telemetry().policy.lookup_spans:
            return None
        return _run(operation, session_id, _user(call.instance) or call.get(0, "user_id"))

    return begin


def _sent(_run: SessionCallRun | Within, call: Call, answer: Any) -> None:
    sent = str(getattr(call.get(1, "role"), "value", "user"))
    for role in dict.fromkeys((sent, answer.role.value)):
        count_message(current.telemetry(), role)


def _done(run: SessionCallRun | Within, _call: Call, done: Any) -> None:
    if not done and isinstance(run, SessionCallRun):
        report_error(run, None)


def _archived(run: SessionCallRun | Within, call: Call, done: Any) -> None:
    _close(call.instance, done=bool(done))
    _done(run, call, done)


def _deleted(run: SessionCallRun, call: Call, done: Any) -> None:
    _close(_by_id.get(call.get(0, "session_id")), done=bool(done))
    _done(run, call, done)


_hook: Final = functools.partial(call_hook, "langswarm.session", _MODULE)

HOOKS: Final = (
    _hook(_MANAGER, "create_session", _create, _created),
    _hook(_MANAGER, "get_session", _get, _got),
    _hook(_MANAGER, "list_user_sessions", _look_up("list_user_sessions")),
    _hook(_MANAGER, "archive_session", _of_manager("archive_session"), _deleted),
    _hook(_MANAGER, "delete_session", _of_manager("delete_session"), _deleted),
    _hook(_SESSION, "archive", _of_session("archive_session"), _archived),
    _hook(_SESSION, "send_message", _of_session("send_message"), _sent),
    _hook(_SESSION, "get_messages", _look_up("get_messages")),
    _hook(_SESSION, "clear_messages", _of_session("clear_messages"), _done),
    _hook(_SESSION, "update_context", _of_session("update_context"), _done),
)
"""Where sessions begin, go on and end."""
