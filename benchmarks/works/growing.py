"""What memory a long run would add: the bytes alive on the heap, seen again and again when everything has been sent.

Resident memory moves by more in a minute than a leak of a few bytes an execution would add, so the allocator is asked what is in use. The
row sets PYTHONMALLOC=malloc, so that this is every object, and switches off glibc's caches of a thread, whose free blocks count as in use.
"""

from __future__ import annotations

import ctypes
import gc
import statistics
from typing import Any

from benchmarks.works.starting import start

_RATE = 200
_DAY_S = 86_400
_SETTLING = 10
_TURNS = 10
_BETWEEN_FLUSHES = 250


class _Mallinfo2(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    )


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Make executions in ten turns, after ten to settle; return megabytes that a day of 200 a second would add."""
    subject = start(adapter, endpoint)
    mallinfo2 = ctypes.CDLL("libc.so.6").mallinfo2
    mallinfo2.restype = _Mallinfo2
    alive: list[int] = []
    for turn in range(_SETTLING + _TURNS):
        for number in range(size // _TURNS):
            subject.execution(turn * size + number)
            if number % _BETWEEN_FLUSHES == 0:
                subject.flush()
        subject.flush()
        gc.collect()
        info = mallinfo2()
        alive.append(info.uordblks + info.hblkhd)
    bytes_each = slope(alive[_SETTLING:]) / (size // _TURNS)
    return {"day_mb": bytes_each * _RATE * _DAY_S / 1e6, "bytes_each": bytes_each, "lacks": getattr(subject, "LACKS", ())}


def slope(values: list[int]) -> float:
    """Return the growth from one value to the next: the median over all pairs, which a single jump does not move."""
    return statistics.median((values[j] - values[i]) / (j - i) for i in range(len(values)) for j in range(i + 1, len(values)))
