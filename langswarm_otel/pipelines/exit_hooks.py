"""The end of a process: every handle is shut down in parallel, within its deadline, however the process ends."""

from __future__ import annotations

import atexit
import functools
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from langswarm_otel import guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

RESERVE_S = 0.4
"""What of its deadline a shut-down at exit leaves to the interpreter's own end, in seconds; not more than a third of it."""


class Closable(Protocol):
    """What is shut down at the end."""

    @property
    def exit_deadline_s(self) -> float:
        """How long the shut-down may take, in seconds."""
        ...

    def close_at_exit(self, timeout_s: float) -> bool:
        """Send what is left, at the end of the process."""
        ...

    def flush_before_drain(self, timeout_s: float) -> bool:
        """Send what there is and mark what is open, since the process has been told to end but still works."""
        ...

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent."""
        ...


_closables: set[Closable] = set()
_registered = False
_lock = threading.Lock()


def close_at_exit(closable: Closable) -> None:
    """Close this when the process ends, even if its owner has forgotten it; ``forget`` takes that back."""
    global _registered  # noqa: PLW0603 - hooks of the interpreter are set once a process
    with _lock:
        _closables.add(closable)
        if _registered:
            return
        _registered = True
        atexit.register(close_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_follow_multiprocessing, after_in_child=_after_fork_in_child)


def forget(closable: Closable) -> None:
    """Take back ``close_at_exit``, for what has been closed."""
    with _lock:
        _closables.discard(closable)


def close_all() -> None:
    """Close everything in parallel, each within its own deadline; never raises and never waits for longer."""
    _in_parallel([(one.exit_deadline_s, functools.partial(one.close_at_exit, _share(one.exit_deadline_s))) for one in list(_closables)])


def flush_all() -> None:
    """Flush everything in parallel, each within its own deadline; never raises and never waits for longer."""
    _in_parallel(
        [(one.exit_deadline_s, functools.partial(one.flush_before_drain, _share(one.exit_deadline_s))) for one in list(_closables)]
    )


def _share(deadline_s: float) -> float:
    return deadline_s - min(RESERVE_S, deadline_s / 3)


def _in_parallel(calls: list[tuple[float, Callable[[], object]]]) -> None:
    begin = time.monotonic()
    threads = [(begin + deadline_s, _start(call)) for deadline_s, call in calls]
    for deadline, thread in threads:
        if thread is not None:
            thread.join(max(0.0, deadline - time.monotonic()))


def _start(call: Callable[[], object]) -> threading.Thread | None:
    def run() -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - nobody is left to handle it
            guard.record_fault("exit_hooks", error)

    thread = threading.Thread(target=run, name="langswarm-otel-exit", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # "can't create new thread at interpreter shutdown" (python/cpython#113964): nothing else is left but this thread.
        run()
        return None
    return thread


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - a lock taken by another thread at fork would stay taken
    _lock = threading.Lock()
    guard.forget_faults()
    for closable in list(_closables):
        closable.after_fork_in_child()


_follows_multiprocessing = False


def _follow_multiprocessing() -> None:
    """Make children of ``multiprocessing`` close too: they leave by ``os._exit``, which skips atexit but runs its finalizers."""
    global _follows_multiprocessing  # noqa: PLW0603 - once a process
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None or _follows_multiprocessing:
        return
    _follows_multiprocessing = True
    util.register_after_fork(close_all, lambda _: util.Finalize(None, close_all, exitpriority=0))


_previous_handler: Callable[[int, FrameType | None], Any] | int | None = None
_handles_sigterm = False


def handle_sigterm() -> bool:
    """Send what there is on SIGTERM, then do what the previous handler did; return whether the handler could be set.

    A handler of the application may drain for a while, so telemetry stays on for it: open spans are marked as interrupted and go on, and
    the rest is sent at exit. Without one the process is about to die, so everything is closed.

    Signal handlers can only be set in the main thread; elsewhere this does nothing and says so by its result.
    """
    global _previous_handler, _handles_sigterm  # noqa: PLW0603 - the handler belongs to the process
    if threading.current_thread() is not threading.main_thread():
        return False
    if not _handles_sigterm:
        _previous_handler = signal.signal(signal.SIGTERM, _on_sigterm)
        _handles_sigterm = True
    return True


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    # The work is done in threads of their own: the interrupted code of this one may hold a lock that it needs.
    previous = _previous_handler
    if callable(previous):
        flush_all()
        previous(number, frame)
    elif previous == signal.SIG_IGN:
        flush_all()
    else:
        close_all()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
