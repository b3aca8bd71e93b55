"""Do something so many times a second, evenly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def pace(do: Callable[[int], Any], rate: int, seconds: int) -> float:
    """Return the rate that was kept: the time between two is slept, and what was late is caught up with."""
    begin = time.perf_counter()
    for number in range(rate * seconds):
        early_s = begin + number / rate - time.perf_counter()
        if early_s > 0:
            time.sleep(early_s)
        do(number)
    return rate * seconds / max(time.perf_counter() - begin, (rate * seconds - 1) / rate)
