"""Imports on first use: a program that starts waits for nothing that it may never need.

An import that runs in one thread while another forks leaves the lock of its module taken in the child, which waits for it for ever when
it imports the same: CPython does not renew those locks (as in iloveitaly/celery-healthcheck#45). So a fork waits until such an import is
done.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

FORK_WAIT_S: Final = 10.0
"""How long a fork waits for an import, in seconds. One takes some hundredths; but where forty workers start on two cores, each with the
same imports, it takes more than a second, and a child that was forked too early would never export anything."""

_importing = threading.RLock()
_held_for_fork = False


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Hold forks off while this lasts, for code that may import something."""
    with _importing:
        yield


@functools.cache
def late(module: str) -> ModuleType:
    """Import a module when it is first asked for; any thread may ask.

    Raises:
        ImportError: it is not there; the next call tries again.
    """
    with importing():
        return importlib.import_module(module)


@functools.cache
def late_name(module: str, name: str) -> Any:
    """Return something out of a module that is imported when it is first asked for."""
    return getattr(late(module), name)


def _before_fork() -> None:
    global _held_for_fork  # noqa: PLW0603 - hooks of the interpreter have no object to remember it
    _held_for_fork = _importing.acquire(timeout=FORK_WAIT_S)


def _after_fork_in_parent() -> None:
    global _held_for_fork  # noqa: PLW0603 - as above
    if _held_for_fork:
        _held_for_fork = False
        _importing.release()


def _after_fork_in_child() -> None:
    global _importing, _held_for_fork
    _importing, _held_for_fork = threading.RLock(), False


if hasattr(os, "register_at_fork"):  # at import, which happens once: two registrations would hold the lock for ever after a fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
