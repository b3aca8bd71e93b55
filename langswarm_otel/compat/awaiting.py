"""Doing something with a module of LangSwarm's: now where it is imported already, otherwise when the program imports it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_awaited: Final[set[tuple[str, Callable[[ModuleType], None]]]] = set()


def when_imported(name: str, act: Callable[[ModuleType], None]) -> None:
    """Call ``act`` with a module, now or when it is imported; it is called by the import system then, and must not raise."""
    if name in sys.modules:
        act(sys.modules[name])
    elif (name, act) not in _awaited:
        _awaited.add((name, act))
        wrapt.register_post_import_hook(act, name)
