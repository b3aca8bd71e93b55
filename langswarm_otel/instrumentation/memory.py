"""Operations on memory: spans for what is written, read and deleted, by the standard names; look-ups of sessions in the metric only.

====================================  ===========================================================
LangSwarm                             what is recorded
====================================  ===========================================================
session ``add_message``               ``create_memory``, one record
session ``get_messages``,             ``search_memory``, records found; hit if there are any
``get_recent_context``
session ``create_summary``            ``upsert_memory``
session ``clear_messages``,           ``delete_memory``
manager ``delete_session``
vector ``search_messages``            ``search_memory`` with the query, records found
manager ``get_session``               a point of ``langswarm.memory.lookups``: hit if the manager had it, miss if not
manager ``create_session``,           nothing
``list_user_sessions``
====================================  ===========================================================

A manager is asked for its session before every message, and answers from a dictionary: as spans these would hide the run.
``lookup_spans`` makes spans of the last two rows: ``search_memory``, and ``create_memory`` for a session that is new. What one operation
calls in turn is part of it. The store is the kind of backend, of which there are few. Errors are returned as False, with no word on the
reason.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.components.memory import MemoryRun
from langswarm_otel.instrumentation.calls import Call, call_hook, is_inside, report_error

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE: Final = "langswarm_memory.base"
_SESSION: Final = "BaseMemorySession"
_MANAGER: Final = "MemoryManager"


def _store_of(owner: Any) -> str:
    """Return the kind of backend that a session or a manager stores into."""
    return _kind_of(owner._backend)  # noqa: SLF001 - a session has no public name for it


def _kind_of(backend: Any) -> str:
    try:
        return str(backend.backend_type.value)
    except AttributeError:  # LangSwarm's own vector backend asks for a type that does not exist
        return type(backend).__name__


def _begin(operation: str) -> Callable[[Call], MemoryRun | None]:
    def begin(call: Call) -> MemoryRun | None:
        return None if is_inside(MemoryRun) else current.memory(operation, store=_store_of(call.instance)).begin()

    return begin


def _finish_write(run: MemoryRun, call: Call, written: Any) -> None:
    run.records(1 if written else 0)
    run.output([call.get(0, "message")])
    if not written:
        report_error(run, None)


def _finish_read(run: MemoryRun, _call: Call, messages: Any) -> None:
    run.records(len(messages))
    run.output(messages)


def _finish_summary(run: MemoryRun, _call: Call, summary: Any) -> None:
    run.records(0 if summary is None else 1)
    run.output(summary)


def _finish_deletion(run: MemoryRun, _call: Call, deleted: Any) -> None:
    if not deleted:
        report_error(run, None)


class _LookUp:
    """A look-up of a session, with a span or without; whether the manager has it is known only before."""

    __slots__ = ("_run", "hit", "store")

    def __init__(self, call: Call, *, hit: bool) -> None:
        self.store = _store_of(call.instance)
        self.hit = hit
        spans = current.telemetry().policy.lookup_spans and not is_inside(MemoryRun)
        self._run = current.memory("search_memory", store=self.store).begin() if spans else None

    def enter(self) -> None:
        """Make the span current, if there is one."""
        if self._run is not None:
            self._run.enter()

    def leave(self) -> None:
        """Make the context outside current again."""
        if self._run is not None:
            self._run.leave()

    def finish(self, error: BaseException | None = None) -> None:
        """End the span, or count the look-up by itself."""
        result = "hit" if self.hit else "miss" if error is None else "error"
        if self._run is None:
            labels = {semconv.MEMORY_STORE_ID: self.store, semconv.MEMORY_RESULT: result}
            current.telemetry().instruments.record(semconv.MEMORY_LOOKUPS, 1, labels)
            return
        if self.hit:
            self._run.hit()
        else:
            self._run.miss()
        self._run.finish(error)


def _look_up(call: Call) -> _LookUp:
    return _LookUp(call, hit=call.get(0, "session_id") in call.instance._session_cache)  # noqa: SLF001 - no public way to ask


def _if_wanted(operation: str) -> Callable[[Call], MemoryRun | None]:
    begin = _begin(operation)
    return lambda call: begin(call) if current.telemetry().policy.lookup_spans else None


def _search(call: Call) -> MemoryRun:
    run = current.memory("search_memory", store=_kind_of(call.instance)).begin()
    run.input(call.get(0, "query"))
    return run


_hook: Final = functools.partial(call_hook, "langswarm.memory", _MODULE)

HOOKS: Final = (
    _hook(_SESSION, "add_message", _begin("create_memory"), _finish_write),
    _hook(_SESSION, "get_messages", _begin("search_memory"), _finish_read),
    _hook(_SESSION, "get_recent_context", _begin("search_memory"), _finish_read),
    _hook(_SESSION, "create_summary", _begin("upsert_memory"), _finish_summary),
    _hook(_SESSION, "clear_messages", _begin("delete_memory"), _finish_deletion),
    _hook(_MANAGER, "delete_session", _begin("delete_memory"), _finish_deletion),
    _hook(_MANAGER, "get_session", _look_up),
    _hook(_MANAGER, "create_session", _if_wanted("create_memory")),
    _hook(_MANAGER, "list_user_sessions", _if_wanted("search_memory"), _finish_read),
    call_hook("langswarm.memory", "langswarm_memory.vector_backend", "VectorMemoryBackend", "search_messages", _search, _finish_read),
)
"""The sessions of every backend inherit these methods."""
