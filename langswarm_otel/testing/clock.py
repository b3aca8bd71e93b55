"""A clock that tells the same times in every run."""

from __future__ import annotations

import itertools
from typing import Final

EPOCH_NS: Final = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z, where a ticking clock starts."""

TICK_NS: Final = 1_000_000
"""One millisecond, by which it goes on at each look."""


class TickingClock:
    """Goes on by one tick whenever somebody looks at it, so that times follow the order of what happened."""

    def __init__(self, start_ns: int = EPOCH_NS, tick_ns: int = TICK_NS) -> None:
        """Set the clock.

        Args:
            start_ns: first time told, in nanoseconds since the epoch.
            tick_ns: nanoseconds between two times.
        """
        self._times = itertools.count(start_ns, tick_ns)

    def __call__(self) -> int:
        """Return the next time, in nanoseconds since the epoch."""
        return next(self._times)
