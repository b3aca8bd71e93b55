"""Ending a run that the garbage collector found, without taking a lock that the interrupted code may hold.

A generator that is lost in a reference cycle is closed by the cyclic collector, which runs in the middle of whatever the thread is doing:
perhaps inside the SDK, holding the lock of the very histogram that the end of the run must record. Those locks are not re-entrant, so such
an end is put aside and carried out at the next operation or flush.
"""

from __future__ import annotations

import gc
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WAITING: Final = 10_000
"""Ends put aside at most; a further one is given up and counted as a fault."""

_waiting: deque[Callable[[], None]] = deque()
_given_up: deque[None] = deque(maxlen=1)
_collecting: set[int] = set()


def _watch(phase: str, _info: dict[str, Any]) -> None:
    if phase == "start":
        _collecting.add(threading.get_ident())
    else:
        _collecting.discard(threading.get_ident())


def watch_collector() -> None:
    """Begin to know when the collector runs; done once, by the first operation."""
    callbacks = getattr(gc, "callbacks", None)
    if callbacks is not None and _watch not in callbacks:
        callbacks.append(_watch)


def put_aside(end: Callable[[], None]) -> bool:
    """Keep an end for later if this thread is inside the collector; False means that it can be carried out now."""
    if threading.get_ident() not in _collecting:
        return False
    if len(_waiting) < MAX_WAITING:
        _waiting.append(end)
    else:
        _given_up.append(None)
    return True


def settle() -> None:
    """Carry out what was put aside; whatever reads or flushes telemetry calls it first."""
    while _waiting:
        try:
            end = _waiting.popleft()
        except IndexError:  # another thread was quicker
            return
        end()
    if _given_up:
        _given_up.clear()
        record_fault("ends put aside", OverflowError())
