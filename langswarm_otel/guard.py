"""Telemetry never hurts the caller: faults of ours are counted, logged once per place, and kept away from the application."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger("langswarm_otel")
"""The only logger that this distribution writes to."""

P = ParamSpec("P")
R = TypeVar("R")

_lock = threading.RLock()
_faults: dict[str, int] = {}


def record_fault(where: str, error: BaseException) -> None:
    """Count a fault of ours; the first at each place is also one log line.

    Only the type of the error is logged: its text may hold what the user sent.
    """
    with _lock:
        count = _faults.get(where, 0) + 1
        _faults[where] = count
    if count == 1:
        kind = type(error).__name__
        logger.warning("telemetry fault in %s (%s); the application is not affected, further ones are only counted", where, kind)


def faults() -> dict[str, int]:
    """Return how often each place of ours has failed in this process."""
    with _lock:
        return dict(_faults)


def forget_faults() -> None:
    """Start counting anew; for tests and for a child after fork."""
    global _lock  # noqa: PLW0603 - a lock taken by another thread at fork would stay taken
    _lock = threading.RLock()
    _faults.clear()


def guarded(where: str, default: R) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function of ours return ``default`` instead of raising; ``BaseException`` passes."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - the point of this function
                record_fault(where, error)
                return default

        return call

    return decorate
