"""The intake: takes what callers have put down, prepares each record once and hands it to every lane it is meant for.

It does no I/O, so a place in its queue is reached soon whatever the exporters do. That is what makes a re-configuration exact: it is an
entry in the same queue, and what was put down before it goes to the old lanes, what comes after to the new ones.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from langswarm_otel.export.accounting import SIGNALS, Signal
from langswarm_otel.export.bell import Bell
from langswarm_otel.export.marks import Closing
from langswarm_otel.export.parcel import Parcel
from langswarm_otel.export.polite import walk
from langswarm_otel.export.worker_thread import enter_worker_thread
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langswarm_otel.export.lane import Lane
    from langswarm_otel.export.ledger import Ledger
    from langswarm_otel.export.marks import Mark

Entry: TypeAlias = "tuple[Signal, Any, int, int]"
"""A signal, a record of it (or a ``MetricsData``), its estimated bytes, and how many records it counts as."""

LINGER_S: Final = 0.5
"""How long a full batch waits for the burst that filled it to pass, in seconds, while the queue is less than a quarter full: the work of
sending takes the interpreter lock from the application, which wants it most just then."""

_SLICE: Final = 1024
"""Records that are handed on together. Few large slices: a thread that waits for the ledger's lock gives the interpreter lock away too, and
where the application keeps that busy it gets it back only after a round of all threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """From here on the records go to these lanes."""

    lanes: tuple[Lane, ...]
    """The new lanes; those of before that are among them go on."""

    mark: Mark
    """Passed when the old lanes have been closed."""


class Intake:
    """The queue that callers append to, and the thread that empties it."""

    def __init__(self, ledger: Ledger, prepare: Mapping[Signal, Callable[[Any], Any]]) -> None:
        self.queue: Final[deque[Entry | Mark | Change]] = deque()
        """Callers append to it and do nothing else with it."""
        self.idle = True
        """True when nobody will look at the queue unless ``rouse`` is called."""
        self.is_open = False
        """Whether there are targets."""
        self.lanes: tuple[Lane, ...] = ()
        """The present lanes."""
        self.schedule_delay_s = 1.0
        self.max_batch = 512
        self._ledger: Final = ledger
        self._prepare: Final = prepare
        self._lanes_of: dict[Signal, list[Lane]] = {signal: [] for signal in SIGNALS}
        self._bell: Final = Bell()
        self._urgent = False
        self._full = False
        self._thread: threading.Thread | None = None
        self._starting: Final = threading.Lock()
        self._stepping: Final = threading.Lock()

    # Called by callers, after an append.

    def rouse(self) -> None:
        """Make sure that somebody looks at the queue before long; never waits."""
        if not self.is_open:
            self.step(wait=False)  # only counts: there is no lane
        elif self._thread is None:
            self._start()
        else:
            self._bell.ring()

    def hasten(self) -> None:
        """Make somebody look at the queue now; never waits."""
        self._urgent = True
        if self._thread is None:
            self.rouse()
        else:
            self._bell.ring()

    def fill(self) -> None:
        """Tell that there is enough for a batch: somebody will look soon, though not in the middle of a burst; never waits."""
        if not self._full:
            self._full = True
            if self._thread is not None:
                self._bell.ring()

    def _start(self) -> None:
        """Start the threads, unless that is being done already."""
        if self._thread is not None or not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="langswarm-otel intake", daemon=True)
                # Before the interpreter ends every worker must be there: later none can be started any more (Python 3.12).
                self.idle = False
                if all(lane.start() for lane in self.lanes):
                    self._thread = thread
                    thread.start()
        except RuntimeError:
            # No more threads: flush and shutdown do the work in their caller's thread. Another try is made at each edge only.
            self._thread = None
        finally:
            self._starting.release()

    # Called by the hub.

    @property
    def is_running(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None

    def change(self, change: Change, *, is_open: bool) -> None:
        """Put a change into the queue and see that it is dealt with."""
        with self._starting:
            self.is_open = is_open
            self.queue.append(change)
            running = self._thread is not None
        if running:
            self.hasten()
            return
        self.step()
        if is_open and any(lane.is_loaded for lane in self.lanes):
            self._start()  # an offer that came meanwhile could not start them

    def put(self, mark: Mark) -> None:
        """Put a mark into the queue and see that it is dealt with."""
        self.queue.append(mark)
        if self._thread is None:
            self.step()
        else:
            self.hasten()

    def install(self, lanes: tuple[Lane, ...]) -> None:
        """Set the lanes of an intake that has none, in a child after fork: what is in the queue already is for them."""
        with self._stepping:
            self._set_lanes(lanes)
            self.is_open = True

    # The work.

    def _run(self) -> None:
        enter_worker_thread()
        while True:
            if not self.queue and self._rest():
                return
            if not self._urgent and not self._full:
                self._bell.wait(self.schedule_delay_s)  # let a batch gather
            if not self._urgent and self._full:
                self._bell.wait(min(LINGER_S, self.schedule_delay_s))
            self._urgent = self._full = False
            try:
                self.step()
                self._ledger.speak_of_losses()
            except Exception as error:  # noqa: BLE001 - the thread must live
                record_fault("Intake.step", error)

    def _rest(self) -> bool:
        """Wait for something to do; True if there will be nothing, so that the thread may end."""
        if not self.is_open:
            with self._starting:
                if self.is_open or self.queue:
                    return False
                self._thread = None
                self.idle = True
            self.step(wait=False)  # for what came in just before `idle` was set
            return True
        self.idle = True
        if not self.queue:
            self._bell.wait(None)
        self.idle = False
        return False

    def step(self, *, wait: bool = True) -> bool:
        """Deal with everything in the queue; in the thread, or in place of one that does not run.

        Args:
            wait: False gives up at once where another thread is at it already.

        Returns:
            Whether the queue was dealt with.
        """
        lock = self._ledger.lock
        if not wait:
            # A span may end in a finaliser that runs while this very thread holds the lock.
            if not lock.acquire(blocking=False):
                return False
            lock.release()
        if not self._stepping.acquire(blocking=wait):
            return False
        try:
            while self.queue:
                if self.queue[0].__class__ is tuple:
                    self._distribute()
                else:
                    self._pass(self.queue.popleft())
        finally:
            self._stepping.release()
        for lane in self.lanes:
            lane.ring_if_loaded()
        return True

    def _distribute(self) -> None:
        """Hand the next records, up to a mark, to the lanes."""
        queue: deque[Any] = self.queue
        entries: list[Entry] = []
        while queue and len(entries) < _SLICE and queue[0].__class__ is tuple:
            entries.append(queue.popleft())
        for signal in SIGNALS:
            of_signal = [entry for entry in entries if entry[0] is signal]
            if of_signal:
                _, records, sizes, units = map(list, zip(*of_signal, strict=True))
                self._hand_over(signal, Parcel(records, sizes, units))

    def _hand_over(self, signal: Signal, offered: Parcel) -> None:
        """Prepare records of one signal and give them to its lanes."""
        lanes = self._lanes_of[signal]
        parcel = self._prepared(signal, offered) if lanes else offered
        held = [(lane, lane.packed(parcel)) for lane in lanes]
        ledger, size, units = self._ledger, offered.size, offered.count
        with ledger.lock:
            ledger.taken[signal] += units
            ledger.taken_bytes[signal] += size
            # A caller's record was charged once, alive; from here on each lane that holds it is, for what it holds.
            released = size
            for lane, packed in held:
                ledger.give_up(lane.tally, "unencodable", units - packed.count)
                packed_size = packed.size
                released += lane.accept(packed, packed_size) - packed_size
            ledger.release(released)
            if not self.is_open and not lanes:
                ledger.give_up(ledger.past("", signal), "after_shutdown", units)
        for lane in lanes:
            lane.ring_if_full()

    def _prepared(self, signal: Signal, parcel: Parcel) -> Parcel:
        """Prepare records, each for itself; leave out those that cannot go on."""
        prepare = self._prepare.get(signal)
        if prepare is None:
            return parcel
        prepared = [self._prepare_one(prepare, record, signal) for record in walk(parcel.records, self._ledger.has_time)]
        fit = [record is not None for record in prepared]
        if all(fit):
            return Parcel(prepared, parcel.sizes, parcel.units)
        return Parcel(*(list(compress(values, fit)) for values in (prepared, parcel.sizes, parcel.units)))

    @staticmethod
    def _prepare_one(prepare: Callable[[Any], Any], record: Any, signal: Signal) -> Any:
        try:
            return prepare(record)
        except Exception as error:  # noqa: BLE001 - one bad record costs that record
            record_fault(f"prepare {signal}", error)
            return None

    def _pass(self, entry: Any) -> None:
        """Deal with a mark or a change."""
        if isinstance(entry, Change):
            self._switch(entry)
            return
        entry.expect(len(self.lanes))
        for lane in self.lanes:
            lane.put(entry)
        entry.pass_by()

    def _switch(self, change: Change) -> None:
        with self._ledger.lock:
            leaving = [lane for lane in self.lanes if lane not in change.lanes]
            self._ledger.attribute_refusals(self.lanes)
            self._ledger.take_leave(leaving)
            self._set_lanes(change.lanes)
        change.mark.expect(len(leaving))
        for lane in leaving:
            lane.start()
            lane.put(Closing(change.mark))
        if self._thread is not None:
            for lane in change.lanes:
                lane.start()
        change.mark.pass_by()

    def _set_lanes(self, lanes: tuple[Lane, ...]) -> None:
        self.lanes = lanes
        self._lanes_of = {signal: [lane for lane in lanes if lane.signal == signal] for signal in SIGNALS}
