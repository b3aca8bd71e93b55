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
manager ``get_session``               a point of ``langswarm.memory.lookups``, hit or miss; no span
====================================  ===========================================================

A manager is asked for its session before every message, some ten times in one chat, and answers from a dictionary: as spans these would
hide the run. Creating a session writes nothing yet, and follows from the miss. What one operation calls in turn is part of it. The store is
the kind of backend, of which there are few. Errors are returned as False, with no word on the reason.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.components.memory import MemoryRun
from langswarm_otel.instrumentation.calls import Call, around, is_inside, report_error
from langswarm_otel.instrumentation.hooks import Hook

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

_MODULE: Final = "langswarm_memory.base"
_SESSION: Final = "BaseMemorySession"
_MANAGER: Final = "MemoryManager"


def _store_of(owner: Any) -> str:
    """Return the kind of backend that a session or a manager stores into."""
    return str(owner._backend.backend_type.value)  # noqa: SLF001 - a session has no public name for it


def _begin(operation: str) -> Callable[[Call], AbstractContextManager[MemoryRun] | None]:
    def begin(call: Call) -> AbstractContextManager[MemoryRun] | None:
        return None if is_inside(MemoryRun) else current.memory(operation, store=_store_of(call.instance))

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


def _look_up(_call: Call) -> AbstractContextManager[None]:
    return nullcontext()


def _finish_look_up(_run: None, call: Call, session: Any) -> None:
    result = "miss" if session is None else "hit"
    labels = {semconv.MEMORY_STORE_ID: _store_of(call.instance), semconv.MEMORY_RESULT: result}
    current.telemetry().instruments.record(semconv.MEMORY_LOOKUPS, 1, labels)


def _hook(owner: str, attribute: str, operation: str, finish: Callable[[MemoryRun, Call, Any], None]) -> Hook:
    wrapper = around("langswarm.memory", begin=_begin(operation), finish=finish)
    return Hook(module=_MODULE, owner=owner, attribute=attribute, wrapper=wrapper)


HOOKS: Final = (
    _hook(_SESSION, "add_message", "create_memory", _finish_write),
    _hook(_SESSION, "get_messages", "search_memory", _finish_read),
    _hook(_SESSION, "get_recent_context", "search_memory", _finish_read),
    _hook(_SESSION, "create_summary", "upsert_memory", _finish_summary),
    _hook(_SESSION, "clear_messages", "delete_memory", _finish_deletion),
    _hook(_MANAGER, "delete_session", "delete_memory", _finish_deletion),
    Hook(
        module=_MODULE,
        owner=_MANAGER,
        attribute="get_session",
        wrapper=around("langswarm.memory.lookup", begin=_look_up, finish=_finish_look_up),
    ),
)
"""The sessions of every backend inherit these methods; ``VectorMemoryBackend.search_messages`` belongs beside them."""
