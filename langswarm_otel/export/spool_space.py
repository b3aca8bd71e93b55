"""How much a spool may take of the disk: one bound for its directory, whoever writes there."""

from __future__ import annotations

import os
import shutil
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from langswarm_otel.export.spool_file import blocks
from langswarm_otel.export.spool_folder import ASIDE, drop_oldest_orphan

if TYPE_CHECKING:
    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.spool_file import SpoolFile

_FRESH_S: Final = 1.0
"""For how long, at least, what others have written is not looked at anew."""

_SHARE: Final = 50
"""Looking takes at most one part in so many of the time."""


class Holder(Protocol):
    """Something that has files in the directory."""

    @property
    def signal(self) -> Signal:
        """Which signal they are of."""
        ...

    def oldest(self) -> int | None:
        """Number of the oldest file that it can spare; None if it has none."""
        ...

    def give_up_oldest(self) -> int:
        """Remove that file, count its records as lost, and return the bytes that became free."""
        ...

    def count_lost(self, units: int) -> None:
        """Count records as lost that a process which has ended left behind."""
        ...


class SpoolSpace:
    """The bound; threads of all signals ask it.

    The oldest goes first: of what the process has itself, of all signals, and of what ended ones have left, for whatever destination; what
    living ones have is theirs. Processes that write at the same moment may each pass the bound by a batch.
    """

    def __init__(self, directory: str, max_bytes: int) -> None:
        self.directory: Final = directory
        self.max_bytes: Final = max_bytes
        self._holders: weakref.WeakSet[Holder] = weakref.WeakSet()
        self._lock: Final = threading.Lock()
        self._used = 0
        self._look_at = float("-inf")
        self._look_for_orphans_at = float("-inf")

    def join(self, holder: Holder) -> None:
        """Let a holder be asked for its oldest file when there is no room."""
        with self._lock:
            self._holders.add(holder)

    def make_room(self, size: int) -> bool:
        """Make room for a file of so many bytes; False if there is none."""
        size = blocks(size)
        if size > self.max_bytes:
            return False
        while self.used() + size > self.max_bytes:
            freed = self._give_up_oldest()
            if not freed:
                return False
            self.add(-freed)
        return True

    def add(self, size: int) -> None:
        """Note bytes that were written, or that have gone."""
        with self._lock:
            self._used += size

    def used(self) -> int:
        """Return what the directory takes; what others have changed within the last second or so may be missing."""
        with self._lock:
            begin = time.monotonic()
            if begin >= self._look_at:
                self._used = _size_of(self.directory)
                self._look_at = _next_look(begin)
            return self._used

    def _give_up_oldest(self) -> int:
        """Remove the oldest batch, and return the bytes that became free; 0 if there is none to spare."""
        freed = _forget_aside(self.directory)
        if freed:
            return freed
        with self._lock:
            holders = list(self._holders)
        aged = [(oldest, holder) for holder in holders if (oldest := holder.oldest()) is not None]
        age, oldest_holder = min(aged, key=lambda pair: pair[0], default=(time.time_ns(), None))
        orphan = self._drop_orphan(age)
        if orphan is not None:
            signal, file = orphan
            next((holder for holder in holders if holder.signal == signal), holders[0]).count_lost(file.units)
            return file.size
        return oldest_holder.give_up_oldest() if oldest_holder is not None else 0

    def _drop_orphan(self, older_than: int) -> tuple[str, SpoolFile] | None:
        begin = time.monotonic()
        if begin < self._look_for_orphans_at:
            return None
        dropped = drop_oldest_orphan(self.directory, older_than)
        if dropped is None:
            self._look_for_orphans_at = _next_look(begin)
        return dropped


def _next_look(begin: float) -> float:
    """Return when to look again after a look that began at a moment and ends now."""
    now = time.monotonic()
    return now + max(_FRESH_S, _SHARE * (now - begin))


def _size_of(directory: str) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += blocks(Path(folder, name).lstat().st_size)
            except OSError:  # noqa: PERF203 - gone meanwhile
                continue
    return total


def _forget_aside(directory: str) -> int:
    """Remove what could not be read, since room is needed for what can."""
    freed = 0
    for aside in Path(directory).glob(f"*/{ASIDE}"):
        freed += _size_of(str(aside))
        shutil.rmtree(aside, ignore_errors=True)
    return freed
