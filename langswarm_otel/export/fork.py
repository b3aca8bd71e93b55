"""What must start anew in a child after ``fork``: registered once a process, held weakly."""

from __future__ import annotations

import os
import weakref
from typing import Protocol

from langswarm_otel.guard import forget_faults, record_fault


class Forkable(Protocol):
    """Something with threads, locks, sockets or queues that belong to the process that made them."""

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent; must not block, do I/O or raise."""
        ...


_members: weakref.WeakSet[Forkable] = weakref.WeakSet()
_registered = False


def follow_fork(member: Forkable) -> None:
    """Call ``member.after_fork_in_child()`` in every child that is forked while the member is alive.

    Forks in C code that skip Python's hooks (uWSGI) are not seen here: members compare process ids where it costs nothing.
    """
    global _registered  # noqa: PLW0603 - the interpreter's hooks cannot be taken back, so they are set once
    _members.add(member)
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        os.register_at_fork(after_in_child=_after_fork_in_child)


def _after_fork_in_child() -> None:
    forget_faults()  # its lock may have been held by a thread that does not exist here
    for member in list(_members):
        try:
            member.after_fork_in_child()
        except Exception as error:  # noqa: BLE001, PERF203 - the child must run, whatever became of its telemetry
            record_fault("after_fork_in_child", error)
