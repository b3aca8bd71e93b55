"""A lane: the queue, the thread and the exporter of one target and signal.

Each signal of a target has a lane of its own, so that a request that hangs holds up its own signal only: a flush and a shutdown then have
the whole deadline for each of them.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export.accounting import Share, Signal, Tally
from langswarm_otel.export.backlog import Backlog
from langswarm_otel.export.bell import Bell
from langswarm_otel.export.breaker import Guarded
from langswarm_otel.export.causes import cause_of
from langswarm_otel.export.delivery import Receipt, courier_for
from langswarm_otel.export.marks import Closing, Mark, mark_of
from langswarm_otel.export.packing import EncodesAhead, pack
from langswarm_otel.export.parcel import Parcel
from langswarm_otel.export.polite import PoliteList, polite_metrics
from langswarm_otel.export.sizes import metrics_size, point_count
from langswarm_otel.export.spool_account import SpoolAccount
from langswarm_otel.export.worker_thread import as_worker, enter_worker_thread
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from langswarm_otel.export.ledger import Ledger
    from langswarm_otel.export.noise import Voice
    from langswarm_otel.export.spool import Spool
    from langswarm_otel.export.target import Target

MOST_TRIES: Final = 20
"""So many failures in a row cost the batch at the head of the queue: one that spoils every request must not hold up the others for ever."""

FIRST_OFF_S: Final = 30.0
"""For how long a signal is turned off that the endpoint has no place for, in seconds, and then twice as long; a new configuration looks."""

LONGEST_OFF_S: Final = 300.0
"""How long at most."""


class Lane:
    """One worker with one exporter, which nobody else calls."""

    def __init__(self, target: Target, signal: Signal, *, ledger: Ledger, share: Share, voice: Voice) -> None:
        self.target: Final = target
        self.signal: Final = signal
        self.tally: Final = Tally()
        self._ledger: Final = ledger
        self._backlog: Final = Backlog(ledger, self.tally, share)
        self._share: Final = share
        self._starting: Final = threading.Lock()
        self._working: Final = threading.Lock()
        self._voice: Final = voice
        self.exporter: Final[Any] = target.exporter(signal)
        self._courier: Final = courier_for(self.exporter, signal, target.timeout_s)
        self._encodes_ahead: Final = signal != "metrics" and isinstance(self.exporter, EncodesAhead)
        self.breaker: Final = self.exporter.breaker if isinstance(self.exporter, Guarded) else None
        self._off_until, self._off_s = 0.0, FIRST_OFF_S
        self._failures = 0
        self._insisting = False
        self._work_until: float | None = None
        self._unflushed = False
        self._bell: Final = Bell()
        self._thread: threading.Thread | None = None
        self._aborting = False
        self._abandoned = False
        self._finished = False
        self._spool_account: Final = SpoolAccount(ledger, self.tally, voice, signal)
        self._spool: Final[Spool | None] = getattr(self.exporter, "spool", None)
        if self._spool is not None:
            self._spool.attach(self._spool_account)
        elif self.breaker is not None:
            self.breaker.watch(self._bell.ring)

    # Called by the intake and the hub.

    def packed(self, parcel: Parcel) -> Parcel:
        """Return the records as this lane holds them: encoded, if its exporter can do that; called from one thread at a time."""
        return pack(self.exporter, parcel, self._ledger.has_time) if self._encodes_ahead else parcel

    def accept(self, parcel: Parcel, size: int) -> int:
        """Queue a parcel of so many bytes, and return the bytes of what is refused. The ledger's lock is held."""
        if self._abandoned:
            self._ledger.give_up(self.tally, "deadline", parcel.count)
            return size
        return self._backlog.accept(parcel, size)

    def put(self, entry: Mark | Closing) -> None:
        """Queue a mark behind what was accepted before."""
        with self._ledger.lock:
            late = self._abandoned or self._finished
            if not late:
                self._backlog.put(entry)
        if late:
            mark_of(entry).pass_by(ok=False)
        elif self.breaker is not None:
            self.exporter.insist()  # a pause before a retry ends now: somebody waits
        self._bell.ring()

    @property
    def is_loaded(self) -> bool:
        """Whether there is anything for the worker."""
        return self._backlog.is_loaded

    def ring_if_loaded(self) -> None:
        """Let the worker look if there is anything for it."""
        if self._backlog.is_loaded:
            self._bell.ring()

    def ring_if_full(self) -> None:
        """Let the worker look if a batch has filled. The ledger's lock is not held, or the worker would wake up to wait for it."""
        if self.tally.queued >= self._backlog.max_batch:
            self._bell.ring()

    def start(self) -> bool:
        """Start the worker if it does not run; False if the interpreter starts no more threads."""
        if self._thread is not None or not self._starting.acquire(blocking=False):
            return True  # or somebody is at it
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"langswarm-otel {self.signal} to {self.target.name}", daemon=True)
                if self._spool is not None:
                    self._spool.start()
                thread.start()
                self._thread = thread
        except RuntimeError:  # at interpreter shutdown since Python 3.12, or out of threads
            return False
        finally:
            self._starting.release()
        return True

    def start_if_left_over(self) -> None:
        """Start the worker now if an earlier process has left something on disk: nobody may ever offer anything here."""
        if self._spool is not None and self._spool.has_left_over():
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether the worker has been started."""
        return self._thread is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is queued or in flight and nothing can come."""
        return self._abandoned or self._finished

    def adjust(self, *, max_batch: int, max_queued: int | None, share_bytes: float) -> None:
        """Take new limits; ``max_queued`` is for signals that are counted one by one, spans and log records."""
        self._backlog.max_batch = 1 if self.signal == "metrics" else max_batch
        self._backlog.max_queued = sys.maxsize if max_queued is None or self.signal == "metrics" else max_queued
        self._share.limit_bytes = share_bytes

    def hurry(self, deadline: float | None) -> None:
        """Let no request begun from now on last beyond a moment of ``time.monotonic``, if the exporter can do that."""
        self._work_until = None if self.is_running else deadline
        hurry = getattr(self.exporter, "hurry", None)
        if hurry is not None:
            # A pause before a retry can be broken from another thread only, and where no worker runs there is none.
            hurry(deadline, may_retry=deadline is None or self.is_running)

    def abort(self) -> None:
        """Break a retry or back-off of the exporter, if it can do that from another thread; what is left counts as ``deadline``."""
        self._aborting = True
        abort = getattr(self.exporter, "abort", None)
        if abort is not None and not self._finished:
            try:
                abort()
            except Exception as error:  # noqa: BLE001 - it was worth a try
                record_fault("Lane.abort", error)
        self._bell.ring()

    def abandon(self) -> None:
        """Give up what is queued and in the worker's hands: the deadline has passed. The worker ends by itself when its request does."""
        with self._ledger.lock:
            if self.is_settled:
                return
            self._abandoned = True
            self._spool_account.is_given_up = True
            lost, marks = self._backlog.abandon()
            trouble = getattr(self.exporter, "trouble", None)
            cause = self._fail(trouble or "no answer before the deadline") if lost else None
        for entry in marks:
            mark_of(entry).pass_by(ok=False)
        if lost:
            self._voice.failed(self.signal, cause)
        self._bell.ring()

    def join(self, timeout_s: float) -> None:
        """Wait for the worker's end."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, timeout_s))

    # The worker.

    def _run(self) -> None:
        enter_worker_thread()
        while not self._finished:
            self._bell.wait(self._left_alone_s() if self._backlog.is_loaded else None)
            try:
                with self._working:
                    self._work()
                self._ledger.speak_of_losses()
            except Exception as error:  # noqa: BLE001 - the worker must live
                record_fault("Lane.work", error)
                self._bell.wait(1.0)  # and not go round and round

    def work(self) -> None:
        """Do the worker's work in the calling thread, if no worker runs."""
        _ = self._ledger.mine.traces  # the thread stays one that may offer
        if self._working.acquire(blocking=False):
            try:
                with as_worker():
                    self._work()
            finally:
                self._working.release()

    def _work(self) -> None:
        """Deal with everything in the queue that is worth trying now."""
        has_tried = False
        while not self._finished:
            with self._ledger.lock:
                if self._aborting and self._spool is None:
                    self._backlog.drop_records("deadline")
                elif self._work_until is not None and time.monotonic() >= self._work_until:
                    return  # in a caller's thread: what is left waits for the next flush, or for `abort`
                if time.monotonic() < self._off_until:
                    self._backlog.drop_records("unsupported")
                if self._left_alone_s() and not self._make_way(has_tried=has_tried):
                    return
                batch = self._backlog.take()
                mark: Any = self._backlog.take_mark() if batch is None and not self._abandoned else None
            if self._abandoned or isinstance(mark, Closing):
                self._close(mark)
            elif batch is not None:
                self._carry(batch)
                has_tried = True
            elif mark is None:
                return
            else:
                self._pass(mark)

    def _left_alone_s(self) -> float:
        """Return for how long the endpoint is left alone since it could not be reached, in seconds; what comes waits in the queue."""
        return 0.0 if self.breaker is None or self._spool is not None or self._abandoned else self.breaker.wait_s()

    def _make_way(self, *, has_tried: bool) -> bool:
        """Decide what to do about an endpoint that is left alone; False if nothing is to be done. The lock is held.

        Somebody who waits is worth one try. After that a flush is told that it has failed, and the records stay; a lane that closes gives
        them up.
        """
        marks = self._backlog.marks
        if not marks:
            return False
        if not has_tried:
            self._insisting = True
            self.exporter.insist()
            return True
        if any(isinstance(mark, Closing) for mark in marks):
            self._backlog.drop_records("export_failed")
        self._backlog.refuse_marks()
        return True

    def _carry(self, batch: Parcel) -> None:
        self._unflushed = True
        try:
            receipt = self._courier.carry(self._payload(batch), self._is_over)
        except BaseException as error:  # noqa: BLE001 - not even a cancelled task inside an exporter may end the worker
            record_fault("Lane.carry", error)
            receipt = Receipt(dropped={"export_failed": batch.count}, cause=cause_of(error), failed=True)
        self._settle(receipt, batch)

    def _is_over(self) -> bool:
        """Whether nothing further may be sent; what has a disk to go to is still brought there."""
        return self._abandoned or (self._aborting and self._spool is None)

    def _payload(self, batch: Parcel) -> Any:
        """Return a batch in the form that the exporter takes, which rests while it is walked if there is something to encode in it."""
        if self._encodes_ahead:
            return batch.records
        has_time = self._ledger.has_time
        return polite_metrics(batch.records[0], has_time) if self.signal == "metrics" else PoliteList(batch.records, has_time)

    def _settle(self, receipt: Receipt, batch: Parcel) -> None:
        """Write down what became of a batch, and say what people should know."""
        with self._ledger.lock:
            if self._abandoned:
                return  # it has been counted already
            if not receipt.untried:
                self._count_failure(has_failed=receipt.failed)
            left = self._put_back(receipt, batch)
            self.tally.in_flight -= batch.count - receipt.kept
            self._backlog.give_back(batch.size - left)
            self.tally.exported += receipt.exported
            for reason, count in receipt.dropped.items():
                given_up = "deadline" if self._aborting and reason == "export_failed" else reason
                self._ledger.give_up(self.tally, given_up, count, is_told=receipt.failed)
            self._note_state(receipt)
        if receipt.unsupported:
            self._voice.turned_off(self.signal, receipt.cause, LONGEST_OFF_S)
        elif receipt.failed:
            self._voice.failed(self.signal, receipt.cause)
        elif receipt.exported:
            self._voice.succeeded(self.signal)

    def _note_state(self, receipt: Receipt) -> None:
        """Note what a batch says of the target. The lock is held."""
        if receipt.failed:
            self._fail(receipt.cause)
        if receipt.unsupported:
            self._off_until, self.tally.state = time.monotonic() + self._off_s, "disabled"
            self._off_s = min(2 * self._off_s, LONGEST_OFF_S)
        if receipt.exported:
            self.tally.last_success_at, self._off_s = time.time(), FIRST_OFF_S
        if not receipt.failed:
            if receipt.exported:
                self.tally.state = "ok"
            if receipt.dropped:
                self.tally.last_error, self.tally.last_error_at = receipt.cause, time.time()

    def _count_failure(self, *, has_failed: bool) -> None:
        """Count failures in a row. The lock is held."""
        if not has_failed:
            self._failures = 0
        elif not self._insisting:  # an application that flushes often in an outage must not use up the tries of a batch
            self._failures += 1
        self._insisting = False

    def _put_back(self, receipt: Receipt, batch: Parcel) -> int:
        """Queue again what may be sent later, and return its bytes; give it up where nothing would wait for that. The lock is held."""
        if not receipt.left:
            return 0
        if self.breaker is None or self._aborting or self._abandoned or self._failures >= MOST_TRIES:
            self._failures = 0
            receipt.drop("export_failed", sum(map(self._courier.units, receipt.left)), receipt.cause)
            return 0
        if self.signal == "metrics":
            points = [point_count(data) for data in receipt.left]
            left = Parcel(receipt.left, [metrics_size(count) for count in points], points)
        else:
            left = batch.split(len(batch) - sum(map(len, receipt.left)))[1]  # a batch is delivered from its beginning
        self._backlog.put_back(left)
        return left.size

    def _fail(self, cause: str | None) -> str | None:
        """Note a failure of the target and return its cause. The lock is held."""
        self.tally.state = "failing"
        self.tally.last_error, self.tally.last_error_at = cause, time.time()
        return cause

    def _pass(self, mark: Mark) -> None:
        """Deal with the mark of a flush."""
        if self._spool is not None:
            self._spool.follow(mark)
        else:
            mark.pass_by(ok=self._flush_exporter())

    def _flush_exporter(self) -> bool:
        if not self._unflushed:
            return True
        self._unflushed = False
        flush = getattr(self.exporter, "force_flush", None)
        try:
            return flush is None or flush(int(self.target.timeout_s * 1000)) is not False
        except Exception as error:  # noqa: BLE001 - exporters may raise anything
            with self._ledger.lock:
                self._fail(cause_of(error))
            return False

    def _close(self, closing: object) -> None:
        """Shut the exporter down, once, and end."""
        try:
            self.exporter.shutdown()
        except Exception as error:  # noqa: BLE001 - exporters may raise anything
            record_fault("Lane.close", error)
        self._finished = True
        if isinstance(closing, Closing):
            closing.mark.pass_by()
