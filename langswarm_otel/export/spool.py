"""Durable export: what the endpoint does not take now is kept on disk and sent in order when it does, by this process or by the next one.

Each signal of a destination has a spool with a thread of its own. A batch goes to the endpoint directly while all is well. If it is not
taken, or not answered soon, it is written to disk, and so is every batch after it until the last one there has been sent: a crash then
costs what has been in memory for less than a schedule delay. A batch may arrive twice, if its answer got lost.
"""

from __future__ import annotations

import errno
import threading
import time
from typing import TYPE_CHECKING, Final

from langswarm_otel.export.bell import Bell
from langswarm_otel.export.causes import cause_of
from langswarm_otel.export.delivery import Delivery, Receipt, note
from langswarm_otel.export.spool_file import DamagedFileError
from langswarm_otel.export.spool_marks import SpoolMarks
from langswarm_otel.export.spool_parts import send_in_parts
from langswarm_otel.export.spool_queue import Letter, NoRoomError, SpoolQueue
from langswarm_otel.export.worker_thread import enter_worker_thread
from langswarm_otel.guard import logger, record_fault

if TYPE_CHECKING:
    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.marks import Mark
    from langswarm_otel.export.sender import Sender
    from langswarm_otel.export.spool_account import SpoolAccount
    from langswarm_otel.export.spool_folder import SpoolFolder
    from langswarm_otel.export.spool_space import SpoolSpace

LOOK_S: Final = 30.0
"""How often it is looked whether another process has ended and left something, in seconds."""

FIRST_LOOK_S: Final = 0.5
"""So long after the beginning it is looked again, in seconds, and after twice that, and so on: the configuration before this one, or the
process that is replaced, may just be ending."""

_MARGIN_S: Final = 0.3
"""So long before a deadline nothing is waited for any more: what is in hand is written to disk."""

_PAUSE_S: Final = 1.0
_TOLD_S: Final = 60.0
_PASSING: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EINTR))


class Spool:
    """Takes encoded batches of one signal to one URL, sooner or later."""

    def __init__(self, folder: SpoolFolder, space: SpoolSpace, sender: Sender, *, signal: Signal, patience_s: float) -> None:
        """Begin; nothing is touched on disk yet.

        Args:
            folder: where to keep what is not taken.
            space: how much may be kept.
            sender: tries once, and leaves it to us to try again.
            signal: which signal.
            patience_s: how long an answer may take before the batch is written to disk meanwhile, in seconds.
        """
        self._queue: Final = SpoolQueue(folder, space, signal)
        self._folder: Final = folder
        self._sender: Final = sender
        self._signal: Final = signal
        self._patience_s: Final = patience_s
        self._account: SpoolAccount
        self._marks: Final = SpoolMarks()
        self._changed: Final = self._queue.changed
        self._bell: Final = Bell()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._deadline = float("inf")
        self._look_at = float("-inf")
        self._look_s = FIRST_LOOK_S
        self._told_at = float("-inf")

    # For the lane and its worker.

    def attach(self, account: SpoolAccount) -> None:
        """Tell this account what becomes of what is kept."""
        self._account = account
        self._queue.attach(account)
        if self._sender.breaker is not None:
            self._sender.breaker.watch(self._bell.ring)

    def start(self) -> None:
        """Start the thread, if it can be started: at the end of the interpreter everything goes to disk."""
        if self._thread is None and not self._stopping:
            thread = threading.Thread(target=self._run, name=f"langswarm-otel spool of {self._signal}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return
            self._thread = thread

    def has_left_over(self) -> bool:
        """Whether a process before this one may have left something."""
        return self._folder.has_left_over()

    def take(self, body: bytes, units: int) -> Delivery:
        """Take a batch: send it, or keep it.

        Args:
            body: a request of OTLP.
            units: how many records (data points of metrics) it has.
        """
        self._take_over()
        letter = self._queue.new(body, units)
        if self._goes_directly(letter):
            with self._changed:
                self._changed.wait_for(lambda: letter.outcome or letter.failed or self._stopping, self._patience())
                if letter.outcome is not None:
                    return letter.outcome
        try:
            outcome = self._queue.keep(letter, body)
        except OSError as error:
            return self._hold(letter, str(error) if isinstance(error, NoRoomError) else f"the spool cannot be written ({cause_of(error)})")
        self._bell.ring()
        return outcome or Delivery(kept=True)

    def follow(self, mark: Mark) -> None:
        """Pass a mark when everything before it was sent, or when a try has shown that it will not be for now."""
        if self._thread is None:
            mark.pass_by(ok=not self._queue)
            return
        self._marks.add(mark, self._queue.last_order)
        self.insist()

    def insist(self) -> None:
        """Try once at once: somebody waits."""
        self._sender.insist()
        self._bell.ring()

    def hurry(self, deadline: float | None) -> None:
        """Wait for nothing beyond a moment of ``time.monotonic``."""
        self._deadline = float("inf") if deadline is None else deadline
        self._bell.ring()

    def abort(self) -> None:
        """Send nothing from now on; what comes is kept. Callable from any thread."""
        self._stopping = True
        self._sender.abort()
        self._bell.ring()
        if self._changed.acquire(timeout=_MARGIN_S):
            self._changed.notify_all()
            self._changed.release()

    def shutdown(self) -> None:
        """Send what is kept for as long as it is taken and there is time, then leave it to the next process."""
        with self._changed:
            while self._queue and not self._stopping and not self._sender.left_alone_s():
                left = len(self._queue)
                if not self._changed.wait_for(lambda left=left: len(self._queue) < left or self._stopping, self._patience()):  # type: ignore[misc]
                    break
        self.abort()
        self._marks.refuse()
        self._queue.close()

    def _patience(self) -> float:
        return max(0.0, min(self._patience_s, self._deadline - time.monotonic() - _MARGIN_S))

    def _goes_directly(self, letter: Letter) -> bool:
        """Give a batch to the thread as it is, if nothing is to be sent before it and the endpoint is not left alone."""
        with self._changed:
            if self._queue or self._thread is None or self._stopping or self._sender.left_alone_s():
                return False
            self._queue.append(letter)
        self._bell.ring()
        return True

    def _hold(self, letter: Letter, cause: str) -> Delivery:
        """Leave a batch in memory, as without a spool: there it is tried again."""
        if time.monotonic() - self._told_at > _TOLD_S:
            self._told_at = time.monotonic()
            logger.warning("%s; what cannot be sent waits in memory", cause)
        with self._changed:
            while letter is self._queue.sending and not (letter.outcome or letter.failed or self._stopping):
                self._changed.wait(_PAUSE_S)
            if letter.outcome is not None:
                return letter.outcome
            if letter in self._queue:
                self._queue.forget(letter)
            else:
                self._changed.wait_for(lambda: not self._queue or self._stopping, self._patience())
            if not self._stopping and (letter.failed or self._sender.left_alone_s()):
                self._changed.wait(_PAUSE_S)  # it comes again at once, and there is nowhere to go with it
        return Delivery(fault="send", again=True, untried=not letter.failed, cause=cause)

    # The thread.

    def _run(self) -> None:
        enter_worker_thread()
        while not self._stopping:
            try:
                self._step()
            except Exception as error:  # noqa: BLE001, PERF203 - the thread must live
                record_fault("Spool.step", error)
                self._bell.wait(_PAUSE_S)

    def _step(self) -> None:
        """Send the oldest batch, or wait for a reason to."""
        self._take_over()
        if not self._queue:
            self._marks.pass_before(self._queue.first_order)
            self._bell.wait(self._look_at - time.monotonic())
        elif left_alone_s := self._sender.left_alone_s():
            self._marks.refuse()
            self._bell.wait(left_alone_s)
        else:
            with self._queue.sending_first() as letter:
                if letter is not None:
                    self._send(letter)

    def _send(self, letter: Letter) -> None:
        try:
            body = self._queue.read(letter)
        except (DamagedFileError, OSError) as error:
            if getattr(error, "errno", None) in _PASSING:
                raise
            self._set_aside(letter, f"a batch in the spool cannot be read ({cause_of(error)})")
            return
        delivery = self._sender.send(body)
        if delivery.again:
            if not delivery.untried:
                self._fail(letter, delivery.cause)
            return
        with self._changed:
            if self._queue.is_closed:
                return  # it is left to whoever comes next, who may send it once more
            if letter.file is None:
                self._queue.forget(letter, delivery)
            elif delivery.fault != "too_large":
                self._settle(letter, delivery)
        if letter.file is not None and delivery.fault == "too_large":
            self._divide(letter, body)
        self._marks.pass_before(self._queue.first_order)

    def _fail(self, letter: Letter, cause: str | None) -> None:
        """Note that a batch was not taken, and see to it that it is not tried again at once."""
        with self._changed:
            letter.failed = True
            self._changed.notify_all()
        if self._stopping:
            return
        self._account.fail(cause)
        if not self._sender.left_alone_s():
            self._bell.wait(_PAUSE_S)

    def _settle(self, letter: Letter, delivery: Delivery) -> None:
        """Write down what became of a batch that is on disk."""
        receipt = Receipt()
        note(receipt, delivery, letter.units)
        self._queue.drop(letter, receipt)
        if receipt.failed:
            self._account.fail(receipt.cause)

    def _divide(self, letter: Letter, body: bytes) -> None:
        """Send a batch that is on disk in parts; what is left of it stays there."""
        receipt, left, units = send_in_parts(self._sender, body, self._signal, letter.units, lambda: self._stopping)
        with self._changed:
            if self._queue.is_closed:
                return
            if left:
                self._queue.shorten(letter, receipt, left, units)
            else:
                self._queue.drop(letter, receipt)
        if receipt.failed:
            self._fail(letter, receipt.cause)

    def _set_aside(self, letter: Letter, cause: str) -> None:
        receipt = Receipt()
        receipt.drop("spool_damaged", letter.units, cause)
        self._queue.set_aside(letter, receipt)
        logger.warning("%s; what is left of it is in the folder 'aside' of the spool", cause)

    def _take_over(self) -> None:
        """Now and then, take over what other processes have left."""
        with self._changed:
            if time.monotonic() >= self._look_at and not self._stopping:
                self._look_at = time.monotonic() + self._look_s
                self._look_s = min(2 * self._look_s, LOOK_S)
                self._queue.take_over()
