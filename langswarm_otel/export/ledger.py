"""The one account book of a hub: what was offered, what is where, and how many bytes that holds."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import TYPE_CHECKING, Final

from langswarm_otel.export.accounting import SIGNALS, Cell, Cells, DropReason, Signal, State, Tally
from langswarm_otel.export.loss_lines import LossLines
from langswarm_otel.export.noise import here
from langswarm_otel.export.sizes import SPAN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langswarm_otel.export.breaker import Breaker
    from langswarm_otel.export.exporter_health import ExporterHealth
    from langswarm_otel.export.lane import Lane

_EDGE_BYTES: Final = 256 * 1024
_EDGES_A_BOUND: Final = 128
_EDGES_A_BATCH: Final = 4
_PAST_ACCOUNTS: Final = 64
_EARLIER: Final = "(earlier)"


class ThreadCells(threading.local):
    """The three cells of the calling thread; a worker of any hub has none, so that what exporters do is not exported in turn."""

    def __init__(self, cells: dict[Signal, Cells]) -> None:
        self.traces: Cell | None = None
        self.metrics: Cell | None = None
        self.logs: Cell | None = None
        if not here.exporting:
            # The leases keep other threads from these cells for as long as this one lives.
            self._leases = [cells[signal].lease() for signal in SIGNALS]
            self.traces, self.metrics, self.logs = (lease.cell for lease in self._leases)


class Ledger:
    """Counts of a hub, exact to the unit.

    A caller's thread writes to its own cells and reads ``total_bytes``, nothing else. Whatever workers change they change under
    ``lock``, which is never held during I/O or a callback.
    """

    def __init__(self, max_bytes: int, max_batch: int) -> None:
        self.lock: Final = threading.Lock()
        self._every_cell: Final[list[Cell]] = []
        self.cells: Final = {signal: Cells(signal, self._every_cell) for signal in SIGNALS}
        self.mine: Final = ThreadCells(self.cells)
        self.taken: Final[dict[Signal, int]] = dict.fromkeys(SIGNALS, 0)
        """Records that have left the callers' queue."""
        self.taken_bytes: Final[dict[Signal, int]] = dict.fromkeys(SIGNALS, 0)
        """Bytes that have left it."""
        self.limit_bytes = 0
        """The bound over all signals and targets."""
        self.door_bytes = 0
        """Where callers are refused: below the bound by what two threads may have added since the last look."""
        self.total_bytes = 0
        """Bytes that are held, as of the last look: at most an edge a thread behind."""
        self._edge_bytes = 0
        self._released_bytes = 0
        self._lost = 0
        self._to_tell: dict[DropReason, int] = {}
        self._lines: Final = LossLines()
        self._waiting = 0
        self._attributed: dict[Signal, tuple[int, int]] = dict.fromkeys(SIGNALS, (0, 0))
        self._past: dict[tuple[str, Signal], Tally] = {}
        self._leaving: list[Lane] = []
        self.set_limit(max_bytes, max_batch)

    def set_limit(self, max_bytes: int, max_batch: int) -> None:
        """Set the bound, and how often a thread looks at it: some times for each batch of so many records."""
        self.limit_bytes = max_bytes
        self._edge_bytes = min(_EDGE_BYTES, max_bytes // _EDGES_A_BOUND, max_batch * SPAN_BYTES // _EDGES_A_BATCH)
        self.door_bytes = max_bytes - 2 * self._edge_bytes
        self.look()

    def look(self) -> None:
        """Refresh ``total_bytes``: without a lock, since a stale value only shifts the bound by an edge until the next look."""
        self.total_bytes = sum([cell.bytes for cell in self._every_cell]) - self._released_bytes

    def come_to_edge(self, cell: Cell) -> None:
        """Look, because a caller has added much since it last did."""
        cell.edge = cell.bytes + self._edge_bytes
        self.look()

    @contextlib.contextmanager
    def somebody_waiting(self) -> Iterator[None]:
        """While this lasts, workers do not rest."""
        with self.lock:
            self._waiting += 1
        try:
            yield
        finally:
            with self.lock:
                self._waiting -= 1

    def has_time(self) -> bool:
        """Whether workers may rest: nobody waits for them, and less than a quarter of the bound is held."""
        return not self._waiting and self.total_bytes * 4 < self.limit_bytes

    def speak_of_losses(self) -> None:
        """Say what has been lost, if it is time to; called by workers."""
        lost = dict(self._to_tell)
        for cells in self.cells.values():
            lost["queue_full"] = lost.get("queue_full", 0) + cells.full()
            lost["too_large"] = lost.get("too_large", 0) + cells.oversize()
        self._lines.say(lost)

    # From here on the lock is held by the caller.

    def release(self, size: int) -> None:
        """Give bytes back; negative where a record goes to several targets."""
        self._released_bytes += size
        self.look()

    def give_up(self, tally: Tally, reason: DropReason, count: int, *, is_told: bool = False) -> None:
        """Count records as lost; ``is_told`` if people hear of it in another way."""
        tally.drop(reason, count)
        self._lost += count
        if count and not is_told:
            self._to_tell[reason] = self._to_tell.get(reason, 0) + count

    def losses(self) -> int:
        """Return a number that grows whenever a record is lost."""
        return self._lost + sum(cells.full() + cells.oversize() for cells in self.cells.values())

    def past(self, name: str, signal: Signal, *, is_needed: bool = False) -> Tally:
        """Return the account that outlives a target; beyond a bound the targets share one, so that re-configuring leaves nothing behind.

        ``is_needed`` for one that has records on disk, which it will be asked for when somebody sends there again.
        """
        known = (name, signal) in self._past or len(self._past) < _PAST_ACCOUNTS or not name or is_needed
        return self._past.setdefault((name if known else _EARLIER, signal), Tally())

    def attribute_refusals(self, lanes: Sequence[Lane]) -> None:
        """Write what callers were refused since the last time to the accounts of these targets, which are those it was meant for."""
        for signal in SIGNALS:
            cells, before = self.cells[signal], self._attributed[signal]
            now = self._attributed[signal] = (cells.full(), cells.oversize())
            full, oversize = now[0] - before[0], now[1] - before[1]
            if full or oversize:
                tallies = [lane.tally for lane in lanes if lane.signal == signal] or [self.past("", signal)]
                for tally in tallies:
                    tally.drop("queue_full", full)
                    tally.drop("too_large", oversize)

    def take_leave(self, lanes: Iterable[Lane]) -> None:
        """Keep the accounts of lanes that get nothing any more."""
        self._leaving += lanes

    def rows(self, lanes: Sequence[Lane]) -> tuple[ExporterHealth, ...]:
        """Return the account of every target and signal, present and past, as one snapshot."""
        self.attribute_refusals(lanes)
        for lane in [lane for lane in self._leaving if lane.is_settled]:
            self._leaving.remove(lane)
            self.past(lane.target.name, lane.signal, is_needed=lane.tally.spooled != 0).add(lane.tally)
        past = dict(self._past)
        present = [self._present_row(lane, past.pop((lane.target.name, lane.signal), None)) for lane in lanes]
        leaving = [self._row(lane.target.name, lane.signal, lane.tally, "disabled") for lane in self._leaving]
        gone = [self._row(name, signal, tally, "disabled") for (name, signal), tally in past.items()]
        return (*present, *leaving, *(row for row in gone if row.made))

    def _present_row(self, lane: Lane, past: Tally | None) -> ExporterHealth:
        # What was taken changes under the lock, which is held; what callers added only grows: their difference is never negative.
        signal, tally = lane.signal, lane.tally
        waiting = -self.taken[signal] + self.cells[signal].accepted()
        waiting_bytes = -self.taken_bytes[signal] + self.cells[signal].accepted_bytes()
        if past is not None:
            tally = dataclasses.replace(tally, dropped=dict(tally.dropped))
            tally.add(past)
        return self._row(lane.target.name, signal, tally, tally.state, waiting, waiting_bytes, lane.breaker)

    def _row(
        self,
        name: str,
        signal: Signal,
        tally: Tally,
        state: State,
        waiting: int = 0,
        waiting_bytes: int = 0,
        breaker: Breaker | None = None,
    ) -> ExporterHealth:
        from langswarm_otel.export.exporter_health import ExporterHealth  # noqa: PLC0415 - a program that starts need not wait for it

        return ExporterHealth(
            target=name,
            signal=signal,
            state=state,
            queued=tally.queued + waiting,
            in_flight=tally.in_flight,
            queued_bytes=tally.held_bytes + waiting_bytes,
            capacity_bytes=self.limit_bytes,
            spooled=tally.spooled,
            spooled_bytes=tally.spooled_bytes,
            recovered=tally.recovered,
            exported=tally.exported,
            dropped=dict(tally.dropped),
            last_error=tally.last_error,
            last_error_at=tally.last_error_at,
            last_success_at=tally.last_success_at,
            circuit=None if breaker is None else breaker.state,
            next_try_in_s=0.0 if breaker is None else breaker.wait_s(),
        )
