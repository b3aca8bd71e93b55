"""Places in the stream of records: whoever comes to one knows that everything before it has been dealt with."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


class Mark:
    """Travels behind the records through every lane; reached when all of them have passed it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = 1
        self._reached = threading.Event()
        self.ok = True
        """False if an exporter said that it could not flush."""
        self.expired = False
        """True when nobody waits for it any more."""

    def expect(self, count: int) -> None:
        """Wait for so many more lanes to pass."""
        with self._lock:
            self._left += count

    def pass_by(self, *, ok: bool = True) -> None:
        """Note that one of those expected has passed."""
        with self._lock:
            self._left -= 1
            self.ok = self.ok and ok
            reached = self._left <= 0
        if reached:
            self._reached.set()

    def wait(self, deadline: float) -> bool:
        """Wait until the mark is reached, at most until a moment of ``time.monotonic``. Return whether it was."""
        return self._reached.wait(max(0.0, deadline - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Closing:
    """The last entry of a lane's queue."""

    mark: Mark
    """Passed when the exporter has been shut down."""


def mark_of(entry: Mark | Closing) -> Mark:
    """Return the mark itself."""
    return entry.mark if isinstance(entry, Closing) else entry
