"""The hub: everything between an ended span, an emitted record or collected metrics and their destinations."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export import noise
from langswarm_otel.export.accounting import SIGNALS, Cell, Share, Signal
from langswarm_otel.export.fork import follow_fork
from langswarm_otel.export.intake import Change, Intake
from langswarm_otel.export.lane import Lane
from langswarm_otel.export.ledger import Ledger
from langswarm_otel.export.marks import Mark
from langswarm_otel.export.noise import Voice
from langswarm_otel.export.sizes import log_size, metrics_size, point_count, span_size
from langswarm_otel.export.target import Target
from langswarm_otel.export.ticker import Ticker
from langswarm_otel.guard import record_fault
from langswarm_otel.late import late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

    from langswarm_otel.export.exporter_health import ExporterHealth

__all__ = ["ExportHub", "Target"]

_FIRST_LIMIT: Final = 8 * 1024 * 1024
_ABORT_S: Final = 0.2


def _as_it_is(record: Any) -> Any:
    return record


class ExportHub:
    """Takes records without making anybody wait, and brings them to every target, counted to the unit.

    Threads start with the first record: one intake, and one lane for each target and signal. All are daemons. Nothing is exported before
    the first ``switch``.
    """

    def __init__(
        self,
        *,
        prepare_span: Callable[[ReadableSpan], ReadableSpan | None] = _as_it_is,
        prepare_log: Callable[[ReadableLogRecord], ReadableLogRecord | None] = _as_it_is,
    ) -> None:
        """Make a hub without targets.

        Args:
            prepare_span: applied to each span once, in a worker, before it is encoded; None for one that cannot be sent, which is then
                counted as ``unencodable``, as is one that it raises for.
            prepare_log: the same for log records.
        """
        self._prepare: Final = {"traces": prepare_span, "logs": prepare_log}
        self._ticker: Final = Ticker()
        self._targets: tuple[Target, ...] = ()
        self._schedule_delay_s, self._max_batch = 1.0, 512
        self._max_queued: Mapping[Signal, int] = {}
        self._quiet: tuple[str, ...] = ()
        self._begin(_FIRST_LIMIT)
        follow_fork(self)

    def _begin(self, max_bytes: int) -> None:
        """Begin with an empty queue and no counts: in a new hub, and in a child after fork."""
        self._pid = os.getpid()
        self._control = threading.RLock()
        self._answered = 0
        self._stale = False
        self._ledger = Ledger(max_bytes, self._max_batch)
        self._intake = Intake(self._ledger, self._prepare)  # type: ignore[arg-type]

    # The caller's side: no lock, no I/O, no exception.

    def offer_span(self, span: ReadableSpan) -> None:
        """Queue an ended span; refused and counted if the bound is reached."""
        try:
            self._admit(self._ledger.mine.traces, span, span_size(span), 1)
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("ExportHub.offer_span", error)

    def offer_log(self, record: ReadableLogRecord) -> None:
        """Queue a log record; refused and counted if the bound is reached."""
        try:
            self._admit(self._ledger.mine.logs, record, log_size(record), 1)
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("ExportHub.offer_log", error)

    def offer_metrics(self, data: MetricsData) -> None:
        """Queue collected metrics, counted in data points; refused and counted if the bound is reached."""
        try:
            points = point_count(data)
            if points:
                self._admit(self._ledger.mine.metrics, data, metrics_size(points), points)
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("ExportHub.offer_metrics", error)

    def _admit(self, cell: Cell | None, record: Any, size: int, units: int) -> None:
        if cell is None:
            return  # an exporter's own doings
        ledger, intake = self._ledger, self._intake
        if ledger.total_bytes + size > ledger.door_bytes and not self._has_room(cell, size, units):
            return
        cell.accepted += units
        cell.bytes += size
        intake.queue.append((cell.signal, record, size, units))
        if cell.bytes >= cell.edge:
            self._come_to_edge(cell)
        if intake.idle:
            self._rouse(intake)

    def _has_room(self, cell: Cell, size: int, units: int) -> bool:
        """Look anew whether there is room. If not, count the newest as refused: throwing out the oldest would throw out marks too."""
        ledger = self._ledger
        ledger.look()
        if ledger.total_bytes + size <= ledger.door_bytes:
            return True
        if size > ledger.door_bytes:
            cell.oversize += units
        else:
            cell.full += units
            if not self._stale:
                self._intake.hasten()
        return False

    def _rouse(self, intake: Intake) -> None:
        if self._stale:
            self._renew_lanes()
            if self._stale:
                return  # another thread is at it, and rouses the intake when it is done
        intake.rouse()

    def _come_to_edge(self, cell: Cell) -> None:
        """Do now and then what would be too dear for each record."""
        if os.getpid() != self._pid:
            self.after_fork_in_child()  # forked in C, without Python's hooks
            return
        ledger, intake = self._ledger, self._intake
        ledger.come_to_edge(cell)
        if self._stale:
            return  # a child has no lanes yet: `_rouse` makes them
        if ledger.total_bytes * 4 > ledger.limit_bytes:
            intake.hasten()
        elif len(intake.queue) >= intake.max_batch:
            intake.fill()

    # The owner's side.

    def switch(
        self,
        targets: Sequence[Target],
        *,
        max_bytes: int,
        schedule_delay_s: float,
        max_batch: int,
        timeout_s: float,
        max_queued: Mapping[Signal, int] | None = None,
    ) -> bool:
        """Send to these targets from now on; the first configuration and every later one.

        What was offered before goes to the old targets, what comes after to the new ones, each record once. The old exporters are shut
        down once, by their own workers, when they have taken what was theirs; a target that is among the new ones too goes on. What is
        left for an old one at the deadline is counted as ``deadline``; a request that hangs is left behind with its daemon thread.

        Args:
            targets: where to send; none makes this a shutdown.
            max_bytes: bound on the estimated memory of everything queued and in flight, over all targets and signals.
            schedule_delay_s: how long records may wait for a batch to fill, in seconds.
            max_batch: records in one request.
            timeout_s: how long to wait for the old exporters, in seconds.
            max_queued: most spans and most log records that may wait for one target, beside the bound in bytes; what is beyond is counted
                as ``queue_full``. A signal without a number has no such bound, nor have metrics.

        Returns:
            Whether the old targets got everything that was theirs, in time.
        """
        deadline = time.monotonic() + timeout_s
        self._check_process()
        with self._control:
            self._renew_lanes()
            losses = self._losses()
            old = self._intake.lanes
            self._targets = tuple(targets)
            self._schedule_delay_s, self._max_batch, self._max_queued = schedule_delay_s, max_batch, dict(max_queued or {})
            self._ledger.set_limit(max_bytes, max_batch)
            lanes = self._lanes_for(self._targets, old)
            self._intake.schedule_delay_s, self._intake.max_batch = schedule_delay_s, max_batch
            quiet_before, self._quiet = self._quiet, noise.logger_names(lane.exporter for lane in lanes)
            noise.quieten(self._quiet)
            change = Change(lanes=lanes, mark=Mark())
            self._intake.change(change, is_open=bool(targets))
            leaving = self._set_out(lanes, old)
            with self._ledger.somebody_waiting():
                closed = self._see_off(leaving, change.mark, deadline, min(_ABORT_S, timeout_s / 10))
            if closed:
                # A worker that was left behind must not begin to talk when its request fails at last: its loggers stay quiet.
                noise.restore(quiet_before)
            return closed and self._losses() == losses

    @staticmethod
    def _set_out(lanes: Sequence[Lane], old: Sequence[Lane]) -> list[Lane]:
        """Let new lanes begin with what former processes have left, and return the old ones that are over."""
        for lane in lanes:
            lane.start_if_left_over()
        return [lane for lane in old if lane not in lanes]

    def _lanes_for(self, targets: Sequence[Target], old: Sequence[Lane]) -> tuple[Lane, ...]:
        """Return the lanes for some targets: those of before where a target goes on, else new ones."""
        lanes: list[Lane] = []
        for target in targets:
            kept = [lane for lane in old if lane.target is target]
            share, voice = Share(), Voice(target.name)
            lanes += kept or [
                Lane(target, signal, ledger=self._ledger, share=share, voice=voice)
                for signal in SIGNALS
                if target.exporter(signal) is not None
            ]
        share_bytes = self._ledger.limit_bytes / len(targets) if len(targets) > 1 else float("inf")
        for lane in lanes:
            lane.adjust(max_batch=self._max_batch, max_queued=self._max_queued.get(lane.signal), share_bytes=share_bytes)
        return tuple(lanes)

    def _see_off(self, leaving: list[Lane], mark: Mark, deadline: float, abort_s: float) -> bool:
        """Wait for the old lanes; break their back-off shortly before the deadline, and leave them behind at the deadline."""
        self._hurry(leaving, deadline)
        self._drive(leaving)
        closed = mark.wait(deadline - abort_s)
        if not closed:
            for lane in leaving:
                lane.abort()
            self._drive(leaving)
            closed = mark.wait(deadline)
        for lane in leaving:
            if not closed:
                lane.abandon()
            else:
                lane.join(deadline - time.monotonic())
        if not closed:
            self._intake.step(wait=False)  # what is on its way to a lane that was left behind is counted there
        return closed

    @staticmethod
    def _hurry(lanes: Iterable[Lane], deadline: float | None) -> None:
        for lane in lanes:
            lane.hurry(deadline)

    @staticmethod
    def _drive(lanes: Iterable[Lane]) -> None:
        """Do the work of lanes whose threads cannot be started: the interpreter ends."""
        for lane in lanes:
            if not lane.is_running and not lane.is_settled:
                lane.work()

    def collect_every(self, interval_s: float | None, collect: Callable[[], None]) -> None:
        """Call ``collect`` at intervals, in a thread of its own, so that a callback that blocks holds up no export; None stops that.

        It may be called at any time to change the interval, in seconds; ``shutdown`` stops it too.
        """
        self._ticker.schedule(interval_s, collect)

    def flush(self, timeout_s: float, *, before: Callable[[], None] | None = None) -> bool:
        """Export everything offered so far, all targets and signals in parallel, within one deadline.

        Args:
            timeout_s: how long this may take, in seconds.
            before: collects and offers the metrics; called once, in the thread of ``collect_every``, while spans and logs are on their
                way.

        Returns:
            True only if everything offered before was exported, to every target, and nothing offered since the last flush was lost.
        """
        deadline = time.monotonic() + timeout_s
        self._check_process()
        self._renew_lanes(wait=True)
        answered, intake = self._answered, self._intake
        if not intake.is_open:
            intake.step(wait=False)
            return self._nothing_lost(answered)
        mark = Mark()
        with self._ledger.somebody_waiting():
            if intake.queue:
                intake.hasten()
            collected = before is None or self._ticker.run(before, deadline)
            intake.put(mark)
            if not intake.is_running:
                self._hurry(intake.lanes, deadline)
                self._drive(intake.lanes)
                self._hurry(intake.lanes, None)
            reached = mark.wait(deadline)
        mark.expired = True
        return self._nothing_lost(answered) and reached and mark.ok and collected

    def _losses(self) -> int:
        with self._ledger.lock:
            return self._ledger.losses()

    def _nothing_lost(self, answered: int) -> bool:
        """Tell whether nothing was lost since the answer that is given; later flushes ask since this one."""
        losses = self._losses()
        self._answered = max(self._answered, losses)
        return losses == answered

    def shutdown(self, timeout_s: float) -> bool:
        """Export what is left, shut the exporters down and end the threads, within the deadline; ``switch`` brings the hub back to life.

        What is offered later is counted as ``after_shutdown``. A second call changes nothing.

        Args:
            timeout_s: how long this may take, in seconds.

        Returns:
            Whether nothing was lost since the last flush.
        """
        self._ticker.stop()
        answered = self._answered
        closed = self.switch(
            (),
            max_bytes=self._ledger.limit_bytes,
            schedule_delay_s=self._schedule_delay_s,
            max_batch=self._max_batch,
            timeout_s=timeout_s,
            max_queued=self._max_queued,
        )
        return self._nothing_lost(answered) and closed

    def counts(self) -> tuple[ExporterHealth, ...]:
        """Return what was exported, dropped, queued and is in flight, by target and signal, as one snapshot."""
        self._check_process()
        self._renew_lanes(wait=True)
        if not self._intake.is_open:
            self._intake.step(wait=False)
        late("langswarm_otel.export.exporter_health")  # here, where no lock is held
        with self._ledger.lock:
            return self._ledger.rows(self._intake.lanes)

    # Processes.

    def after_fork_in_child(self) -> None:
        """Begin anew in a child: an empty queue, no counts, no threads; the exporters are renewed at the first record."""
        noise.after_fork_in_child()
        self._begin(self._ledger.limit_bytes)
        self._intake.schedule_delay_s, self._intake.max_batch = self._schedule_delay_s, self._max_batch
        self._stale = bool(self._targets)
        self._ticker.after_fork_in_child()

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            self.after_fork_in_child()

    def _renew_lanes(self, *, wait: bool = False) -> None:
        """Give a child lanes of its own; with ``wait``, not before another thread that is at it is done."""
        if not self._stale or not self._control.acquire(blocking=wait):
            return
        try:
            if self._stale:
                self._targets = tuple(renewed for target in self._targets for renewed in _renewed(target))
                self._intake.install(self._lanes_for(self._targets, ()))
                self._stale = False
                if self._intake.queue:
                    self._intake.rouse()  # for an offer that has found us at it
        finally:
            self._control.release()


def _renewed(target: Target) -> tuple[Target, ...]:
    """Return the target built anew; nothing if that fails, since the sockets of the parent must not be used."""
    if target.renew is None:
        return (target,)
    try:
        return (target.renew(),)
    except Exception as error:  # noqa: BLE001 - this may run in the caller's thread
        record_fault("Target.renew", error)
        return ()
