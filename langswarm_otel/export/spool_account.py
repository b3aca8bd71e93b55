"""What a spool tells the account book of its lane: the disk is one more place where records are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.accounting import DropReason, Signal, Tally
    from langswarm_otel.export.ledger import Ledger
    from langswarm_otel.export.noise import Voice


class SpoolAccount:
    """The account of one target and signal, as far as its spool writes to it; any thread may call."""

    def __init__(self, ledger: Ledger, tally: Tally, voice: Voice, signal: Signal) -> None:
        self._ledger: Final = ledger
        self._tally: Final = tally
        self._voice: Final = voice
        self._signal: Final = signal
        self.is_given_up = False
        """True when the lane was left behind at a deadline and what was in its worker's hands is counted as lost already."""

    def keep(self, units: int, size: int) -> bool:
        """Move records from the worker's hands to the disk, where they take so many bytes; False if they are counted as lost already."""
        with self._ledger.lock:
            if self.is_given_up:
                return False
            self._tally.in_flight -= units
            self._tally.spooled += units
            self._tally.spooled_bytes += size
            return True

    def take_over(self, units: int, size: int) -> None:
        """Take in records that another process has left, and what they take on the disk."""
        with self._ledger.lock:
            self._tally.recovered += units
            self._tally.spooled += units
            self._tally.spooled_bytes += size

    def settle(
        self,
        units: int,
        size: int,
        *,
        exported: int = 0,
        dropped: Mapping[DropReason, int] | None = None,
        cause: str | None = None,
    ) -> None:
        """Take records off the disk: some were exported, some are lost.

        Args:
            units: how many, all in all.
            size: bytes that became free.
            exported: how many of them the target took.
            dropped: how many were lost, by reason.
            cause: why, for people.
        """
        with self._ledger.lock:
            tally = self._tally
            tally.spooled -= units
            tally.spooled_bytes -= size
            tally.exported += exported
            for reason, count in (dropped or {}).items():
                self._ledger.give_up(tally, reason, count)
            if exported:
                tally.state, tally.last_success_at = "ok", time.time()
            if dropped:
                tally.last_error, tally.last_error_at = cause, time.time()
        if exported:
            self._voice.succeeded(self._signal)

    def fail(self, cause: str | None) -> None:
        """Note that the target was not reached, or refused."""
        with self._ledger.lock:
            self._tally.state = "failing"
            self._tally.last_error, self._tally.last_error_at = cause, time.time()
        self._voice.failed(self._signal, cause)
