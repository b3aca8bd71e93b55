"""The time of a capture: the clock of a test in place of the one that the SDK reads.

Our own operations and the starts of spans are told their time by that clock. The ends of other spans, events, log records and metric
points are dated by the SDK with the real time, and are rewritten here.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    """What a given clock said, and at what real time; all times in ns since 1970.

    A time that lies between the making of the capture and now was read by the SDK; any other was told by somebody and stays.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._real: list[int] = []
        self._told: list[int] = []
        self.now()

    def now(self) -> int:
        """Read the clock."""
        with self._lock:
            told = self._clock()
            self._real.append(time.time_ns())
            self._told.append(told)
            return told

    def of_now(self, real: int) -> int:
        """Return the time of something that happens now and was dated by the SDK a moment ago."""
        return self.now() if self._is_real(real) else real

    def of_past(self, real: int) -> int:
        """Return what the clock had said last when the SDK dated something."""
        if not self._is_real(real):
            return real
        with self._lock:
            return self._told[bisect_right(self._real, real) - 1]

    def _is_real(self, when: int) -> bool:
        return self._real[0] <= when <= time.time_ns()
