"""What waits in a lane, and its account: parcels and marks in the order in which they came."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Final

from langswarm_otel.export.marks import Closing, Mark, mark_of
from langswarm_otel.export.parcel import Parcel

if TYPE_CHECKING:
    from langswarm_otel.export.accounting import DropReason, Share, Tally
    from langswarm_otel.export.ledger import Ledger


class Backlog:
    """The queue of one lane; but for ``is_loaded`` it is used under the ledger's lock only."""

    def __init__(self, ledger: Ledger, tally: Tally, share: Share) -> None:
        self._ledger: Final = ledger
        self._tally: Final = tally
        self._share: Final = share
        self._entries: deque[Parcel | Mark | Closing] = deque()
        self.max_batch = 1
        """Records of a batch."""
        self.max_queued = sys.maxsize
        """Most records that wait."""

    @property
    def is_loaded(self) -> bool:
        """Whether there is anything in it."""
        return bool(self._entries)

    @property
    def marks(self) -> list[Mark | Closing]:
        """The marks in it."""
        return [entry for entry in self._entries if not isinstance(entry, Parcel)]

    def accept(self, parcel: Parcel, size: int) -> int:
        """Queue a parcel of so many bytes, and return the bytes of what is refused."""
        tally, share = self._tally, self._share
        refused = 0
        if tally.queued + parcel.count > self.max_queued:
            parcel, rest = parcel.split(max(0, self.max_queued - tally.queued))
            self._ledger.give_up(tally, "queue_full", rest.count)
            refused = rest.size
        if share.held_bytes + size - refused > share.limit_bytes:
            parcel, rest = parcel.split_by_size(share.limit_bytes - share.held_bytes)
            self._ledger.give_up(tally, "queue_full", rest.count)
            refused += rest.size
        if parcel:
            self._entries.append(parcel)
            tally.queued += parcel.count
            tally.held_bytes += size - refused
            share.held_bytes += size - refused
        return refused

    def put(self, entry: Mark | Closing) -> None:
        """Queue a mark behind what was accepted before."""
        # Marks of flushes that have given up would pile up behind a request that hangs.
        while self._entries and getattr(self._entries[-1], "expired", False):
            self._entries.pop()
        self._entries.append(entry)

    def take(self) -> Parcel | None:
        """Take the next batch into the worker's hands; None if a mark is next, or nothing."""
        entries, batch = self._entries, None
        while entries and isinstance(entries[0], Parcel) and (batch is None or len(batch) < self.max_batch):
            parcel = entries[0]
            entries.popleft()
            room = self.max_batch - (len(batch) if batch else 0)
            if len(parcel) > room:
                parcel, rest = parcel.split(room)
                entries.appendleft(rest)
            batch = batch + parcel if batch else parcel
        if batch is not None:
            units = batch.count
            self._tally.queued -= units
            self._tally.in_flight += units
        return batch

    def take_mark(self) -> Mark | Closing | None:
        """Take the mark that is next, if one is."""
        if not self._entries or isinstance(self._entries[0], Parcel):
            return None
        mark = self._entries.popleft()
        return mark if not isinstance(mark, Parcel) else None

    def put_back(self, left: Parcel) -> None:
        """Queue again what may be sent later, before all else; its bytes have not been given back."""
        self._entries.appendleft(left)
        self._tally.queued += left.count

    def give_back(self, size: int) -> None:
        """Give back the bytes of what is held no longer."""
        self._tally.held_bytes -= size
        self._share.held_bytes -= size
        self._ledger.release(size)

    def refuse_marks(self) -> None:
        """Tell the marks that what is before them was not delivered, and let them pass it."""
        marks = self.marks
        for mark in marks:
            mark_of(mark).ok = False
        self._entries = deque([*marks, *(entry for entry in self._entries if isinstance(entry, Parcel))])

    def drop_records(self, reason: DropReason) -> None:
        """Give up what waits; marks stay."""
        parcels = [entry for entry in self._entries if isinstance(entry, Parcel)]
        if parcels:
            self._entries = deque(entry for entry in self._entries if not isinstance(entry, Parcel))
            units = sum(parcel.count for parcel in parcels)
            self._tally.queued -= units
            self.give_back(sum(parcel.size for parcel in parcels))
            self._ledger.give_up(self._tally, reason, units)

    def abandon(self) -> tuple[int, list[Mark | Closing]]:
        """Give up everything, what is in the worker's hands too, as ``deadline``; return how many records that were, and the marks."""
        lost, marks = self._tally.queued + self._tally.in_flight, self.marks
        self._entries.clear()
        self.give_back(self._tally.held_bytes)
        self._tally.queued = self._tally.in_flight = 0
        self._ledger.give_up(self._tally, "deadline", lost)
        return lost, marks
