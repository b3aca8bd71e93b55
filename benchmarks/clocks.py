"""What a process can say about its own use of the machine. It imports next to nothing, so that an import can be measured after it."""

from __future__ import annotations

import os
import time

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_mb() -> float:
    """Return the memory of this process that is resident, in megabytes (10^6 bytes)."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not imported yet
        return int(file.read().split()[1]) * _PAGE / 1e6


class Clocks:
    """The clocks since this object was made, in seconds."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._thread = time.thread_time()
        self._process = time.process_time()

    def wall(self) -> float:
        """Return elapsed time."""
        return time.perf_counter() - self._wall

    def thread(self) -> float:
        """Return CPU time of the calling thread."""
        return time.thread_time() - self._thread

    def process(self) -> float:
        """Return CPU time of the process."""
        return time.process_time() - self._process
