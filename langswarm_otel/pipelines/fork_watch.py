"""Who must know of a fork: one registration with the interpreter a process, and weak references to the rest.

``os.register_at_fork`` cannot be undone, so an object that registered itself there would live as long as the process.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING, Protocol

from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable


class ForkWatcher(Protocol):
    """Something with locks or state that a child must not inherit."""

    def before_fork(self) -> None:
        """Take what must not be held by another thread during the fork, within a bounded time."""
        ...

    def after_fork_in_parent(self) -> None:
        """Give it back."""
        ...

    def after_fork_in_child(self) -> None:
        """Make it new."""
        ...


_registration_lock = threading.Lock()
# Replaced and never changed in place, so that the hooks read it without a lock.
_watchers: tuple[weakref.ref[ForkWatcher], ...] | None = None


def watch_forks(watcher: ForkWatcher) -> None:
    """Tell this object of every fork for as long as it lives."""
    global _watchers  # noqa: PLW0603 - hooks of the interpreter are set once a process
    with _registration_lock:
        if _watchers is None:
            _watchers = ()
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
        alive = tuple(reference for reference in _watchers if reference() is not None)
        _watchers = (*alive, weakref.ref(watcher))


def _before() -> None:
    _tell("before fork", lambda watcher: watcher.before_fork())


def _after_in_parent() -> None:
    _tell("after fork in the parent", lambda watcher: watcher.after_fork_in_parent())


def _after_in_child() -> None:
    global _registration_lock  # noqa: PLW0603 - a lock taken by another thread at fork would stay taken
    _registration_lock = threading.Lock()
    _tell("after fork in the child", lambda watcher: watcher.after_fork_in_child())


def _tell(where: str, tell: Callable[[ForkWatcher], None]) -> None:
    for reference in _watchers or ():
        watcher = reference()
        if watcher is None:
            continue
        try:
            tell(watcher)
        except Exception as error:  # noqa: BLE001 - the application is forking; it must get its child
            record_fault(where, error)
