"""What arrived, bounded: the oldest requests give way, and what they held is counted."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.receiver.records import Record, Signal

_OVERHEAD: Final = 1024
"""Bytes that a request counts beside its body, so that empty ones are bounded too."""


class RecordStore:
    """Records of the three signals in the order they arrived; safe to use from any thread."""

    def __init__(self, max_bytes: int) -> None:
        """Keep requests up to a sum of decoded body bytes; as Python objects they take several times that."""
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._requests: deque[tuple[Signal, tuple[Record, ...], int]] = deque()
        self._bytes = 0
        self._evicted = 0

    def add(self, signal: Signal, records: tuple[Record, ...], size: int) -> None:
        """Keep the records of one request; the newest request is kept however large it is."""
        with self._changed:
            self._requests.append((signal, records, size + _OVERHEAD))
            self._bytes += size + _OVERHEAD
            while self._bytes > self._max_bytes and len(self._requests) > 1:
                _, gone, freed = self._requests.popleft()
                self._bytes -= freed
                self._evicted += len(gone)
            self._changed.notify_all()

    def records(self, signal: Signal) -> tuple[Record, ...]:
        """Return the kept records of one signal, oldest first."""
        with self._changed:
            requests = tuple(self._requests)
        return tuple(record for kind, records, _ in requests if kind == signal for record in records)

    @property
    def evicted(self) -> int:
        """How many records gave way to newer ones."""
        with self._changed:
            return self._evicted

    def clear(self) -> None:
        """Forget everything that arrived."""
        with self._changed:
            self._requests.clear()
            self._bytes = 0
            self._evicted = 0

    def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition on what arrived holds; asked anew at each arrival, which waits meanwhile."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)
