"""What is counted of every record on its way out, and how it is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

Signal = Literal["traces", "metrics", "logs"]
"""One of OpenTelemetry's three signals. Metrics are counted in data points, the other two in records."""

SIGNALS: Final[tuple[Signal, ...]] = ("traces", "metrics", "logs")

State = Literal["idle", "ok", "failing", "disabled"]
"""Of a target and signal: nothing tried yet, the last try worked, the last try failed, in use no longer or turned off for a while."""

DropReason = Literal[
    "queue_full",
    "too_large",
    "unencodable",
    "rejected",
    "export_failed",
    "deadline",
    "after_shutdown",
    "spool_full",
    "spool_damaged",
    "unsupported",
]
"""Why a record was given up.

``queue_full``: the bound in bytes was reached. ``too_large``: bigger than the whole bound, or than what the Collector takes.
``unencodable``: this record alone could not be prepared or encoded. ``rejected``: the Collector took the request but not this record.
``export_failed``: the exporter gave its batch up. ``deadline``: a shutdown or re-configuration had no time left for it.
``after_shutdown``: made while there was no target. ``spool_full``: the oldest on disk, thrown out when the spool had reached its bound.
``spool_damaged``: a file of the spool could not be read. ``unsupported``: the endpoint has no place for this signal.
"""


@dataclass(slots=True, kw_only=True)
class Tally:
    """The running account of one target and signal; changed under the ledger's lock only."""

    queued: int = 0
    """Records that wait."""

    in_flight: int = 0
    """Records in the worker's hands."""

    held_bytes: int = 0
    """Estimated bytes of both."""

    spooled: int = 0
    """Records that are kept on disk."""

    spooled_bytes: int = 0
    """What these take there."""

    recovered: int = 0
    """Records that an earlier process had kept on disk; they are in the other numbers too."""

    exported: int = 0
    """Records that the target took."""

    dropped: dict[DropReason, int] = field(default_factory=dict)
    """Records given up, by reason."""

    state: State = "idle"
    """What became of the last try."""

    last_error: str | None = None
    """Cause of the last failure."""

    last_error_at: float | None = None
    """Seconds since the epoch."""

    last_success_at: float | None = None
    """Seconds since the epoch."""

    def drop(self, reason: DropReason, count: int) -> None:
        """Count records that are given up."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count

    def add(self, other: Tally) -> None:
        """Add what another account of the same target has exported, dropped and left on disk."""
        self.exported += other.exported
        self.spooled += other.spooled
        self.spooled_bytes += other.spooled_bytes
        self.recovered += other.recovered
        for reason, count in other.dropped.items():
            self.drop(reason, count)
        if (other.last_error_at or 0.0) > (self.last_error_at or 0.0):
            self.last_error, self.last_error_at = other.last_error, other.last_error_at
        self.last_success_at = max(self.last_success_at or 0.0, other.last_success_at or 0.0) or None


@dataclass(slots=True, kw_only=True)
class Share:
    """What one target may hold of the common bound; changed under the ledger's lock only."""

    limit_bytes: float = float("inf")
    """With one target the bound at the door is enough; with several, each has its part: one that hangs leaves room to the others."""

    held_bytes: int = 0
    """Estimated bytes in the lanes of the target."""


class Cell:
    """What one thread has offered of one signal; only that thread writes it, so no count needs a lock."""

    __slots__ = ("accepted", "bytes", "edge", "full", "oversize", "signal")

    def __init__(self, signal: Signal) -> None:
        self.signal: Final = signal
        self.accepted = 0
        self.bytes = 0
        self.edge = 0
        """The value of ``bytes`` at which this thread looks at the shared total again."""
        self.full = 0
        self.oversize = 0


class Cells:
    """The cells of one signal. A thread that ends hands its cell on, so there are as many as there ever were threads at once."""

    def __init__(self, signal: Signal, everything: list[Cell]) -> None:
        """Begin with none.

        Args:
            signal: which signal.
            everything: where the cells of all signals are listed.
        """
        self._signal: Final = signal
        self._everything: Final = everything
        self._mine: list[Cell] = []
        self._free: deque[Cell] = deque()

    def lease(self) -> Lease:
        """Return a cell for the calling thread."""
        try:
            cell = self._free.pop()
        except IndexError:
            cell = Cell(self._signal)
            self._mine.append(cell)
            self._everything.append(cell)
        return Lease(cell, self._free)

    def accepted(self) -> int:
        """Return how many records were taken into the queue."""
        return sum([cell.accepted for cell in self._mine])

    def accepted_bytes(self) -> int:
        """Return their estimated bytes."""
        return sum([cell.bytes for cell in self._mine])

    def full(self) -> int:
        """Return how many were refused because the bound was reached."""
        return sum([cell.full for cell in self._mine])

    def oversize(self) -> int:
        """Return how many were refused because they alone exceed the bound."""
        return sum([cell.oversize for cell in self._mine])


class Lease:
    """Holds a cell for as long as its thread lives."""

    __slots__ = ("_free", "cell")

    def __init__(self, cell: Cell, free: deque[Cell]) -> None:
        self.cell = cell
        self._free = free

    def __del__(self) -> None:
        self._free.append(self.cell)
