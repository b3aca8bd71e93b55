"""A small thread that calls back at intervals or at once: the collection of metrics, which must hold up no export.

Observable instruments run code of users during a collection. It may block for as long as it likes; then metrics are late and nothing
else is.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from langswarm_otel.export.bell import Bell
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True, kw_only=True)
class _Job:
    call: Callable[[], None]
    done: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False


class Ticker:
    """Calls one function at intervals, and others once, all in one thread, which runs while it is needed."""

    def __init__(self) -> None:
        self._interval_s: float | None = None
        self._call: Callable[[], None] | None = None
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._bell = Bell()
        self._thread: threading.Thread | None = None
        self._due = 0.0
        self._jobs: deque[_Job] = deque()
        self._stopping = False

    def schedule(self, interval_s: float | None, call: Callable[[], None]) -> None:
        """Call a function at intervals from now on, in place of the one before; None calls nothing any more."""
        with self._lock:
            self._call = call
            if interval_s != self._interval_s:
                self._interval_s = interval_s
                self._due = time.monotonic() + (interval_s or 0.0)
            if interval_s is not None:
                self._start()
        self._bell.ring()

    def run(self, call: Callable[[], None], deadline: float) -> bool:
        """Call a function once, after what is being called, and wait for it until a moment of ``time.monotonic``.

        Returns:
            Whether it was called and came back in time. One that has not begun by then is not called.
        """
        job = _Job(call=call)
        with self._lock:
            started = self._start()
            if started:
                self._jobs.append(job)
        if not started:
            _call(call)  # no threads at interpreter shutdown: better late than never
            return time.monotonic() <= deadline
        self._bell.ring()
        if job.done.wait(max(0.0, deadline - time.monotonic())):
            return True
        job.cancelled = True
        return False

    def stop(self) -> None:
        """Call nothing any more and let the thread end; ``schedule`` and ``run`` start anew."""
        with self._lock:
            self._interval_s = None
            self._stopping = True
        self._bell.ring()

    def after_fork_in_child(self) -> None:
        """Go on in the child: metrics are recorded without any offer that could start the thread later."""
        self._begin()
        if self._interval_s is not None:
            self._due = time.monotonic() + self._interval_s
            self._start()

    def _start(self) -> bool:
        """Start the thread if it does not run. The lock is held."""
        self._stopping = False
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="langswarm-otel collect", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            with self._lock:
                if self._stopping and not self._jobs:
                    self._thread = None
                    return
                job = self._jobs.popleft() if self._jobs else None
                now = time.monotonic()
                call = self._call if self._interval_s is not None and now >= self._due and job is None else None
                if call is not None:
                    # An overlong call does not lead to a burst: the next one is a full interval away.
                    self._due = now + (self._interval_s or 0.0)
                wait_s = None if self._interval_s is None else self._due - now
            if job is not None:
                if not job.cancelled:
                    _call(job.call)
                job.done.set()
            elif call is not None:
                _call(call)
            else:
                self._bell.wait(wait_s)


def _call(call: Callable[[], None]) -> None:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - a faulty callback must not end the collection
        record_fault("collect", error)
