"""What one counter or histogram has measured since it was last asked: added up in the caller's thread, about a sixth of the SDK's work.

Nothing here waits. The lock of a tally is tried, not awaited: when another thread holds it, or this very thread in the middle of a
measurement that a signal handler or a finaliser has interrupted, the measurement is put on a list, which whoever holds the lock next works
off. When that list is full, the SDK's own instrument takes the measurement: it goes the same way out, so that nothing is lost or doubled.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from time import time_ns
from typing import TYPE_CHECKING, Final, Generic

from opentelemetry.trace import INVALID_SPAN, TraceFlags, get_current_span

from langswarm_otel.guard import record_fault
from langswarm_otel.pipelines.series_index import SeriesIndex, SeriesT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics.export import DataPointT
    from opentelemetry.util.types import AnyValue, Attributes

    from langswarm_otel.pipelines.fold import Key
    from langswarm_otel.pipelines.streams import Stream
    from langswarm_otel.pipelines.tally_series import Sample

LARGEST: Final = sys.float_info.max
"""What is larger is infinite, or an integer that no float can hold; the SDK deals with it."""

MAX_POSTPONED: Final = 1024
"""Measurements that may wait for the lock of one instrument."""

WORKED_OFF: Final = 32
"""How many of them one measurement works off, at most: some microseconds."""

_SAMPLED: Final = int(TraceFlags.SAMPLED)

PATIENCE_S: Final = 1.0
"""How long a collection waits for the lock, which is held for a few microseconds at a time, in seconds.

It is not had in that time when the collection runs in a signal handler that has interrupted a measurement; the next one finds everything.
"""


class Tally(Generic[SeriesT]):
    """The series of one instrument; a caller measures, the reader takes."""

    def __init__(
        self,
        stream: Stream,
        make: Callable[[Key, Mapping[str, AnyValue]], SeriesT],
        *,
        limit: int,
        least: float,
        sampled: Callable[[float, Context | None], Sample | None] | None,
        by_sdk: Callable[[float, Attributes, Context | None], None],
    ) -> None:
        """Make a tally.

        Args:
            stream: what its points belong to.
            make: makes a series.
            limit: how many series an export may have. Between two collections there may be as many again: in totals those that came first
                keep their places, and an export of deltas has places for new ones.
            least: the smallest amount that the instrument takes.
            sampled: what makes a measurement a candidate for an exemplar; None if nothing does.
            by_sdk: measures with the SDK's own instrument.
        """
        self.stream = stream
        self._make = make
        self._limit = limit
        self._least = least
        self._sampled = sampled
        self._by_sdk = by_sdk
        self.renew()

    def renew(self) -> None:
        """Start from nothing, with a lock that nobody holds: for another resource, and for a child after fork."""
        self._lock = threading.Lock()
        self._not_had: threading.Lock | None = None
        self._postponed: deque[tuple[SeriesT, float, Sample | None]] = deque()
        self._touched: list[SeriesT] = []
        self._index: SeriesIndex[SeriesT] = SeriesIndex(self._make, 2 * self._limit)
        self._known = self._index.known
        self._taken_at: int | None = None

    def measure(self, amount: float, attributes: Attributes, context: Context | None) -> None:
        """Take in one measurement; what is no plain number in range, or has no mapping for attributes, is left to the SDK. Never raises."""
        try:
            if not (isinstance(amount, (int, float)) and self._least <= amount <= LARGEST):
                self._by_sdk(amount, attributes, context)
                return
            try:
                series = self._known.get(() if attributes is None else tuple(attributes.items()))
            except Exception:  # noqa: BLE001 - no mapping, or values that cannot be compared
                series = None
            if series is None:
                series = self._index.find(attributes)
                if series is None:
                    self._by_sdk(amount, attributes, context)
                    return
            sample = None if self._sampled is None else self._sampled(amount, context)
            lock = self._lock
            if lock.acquire(False):  # noqa: FBT003 - by name it takes twice as long
                try:
                    if series.idle:
                        self._touched.append(series)
                        series.idle = False
                    series.add(amount, sample)
                    if self._postponed:
                        self._work_off(WORKED_OFF)
                finally:
                    lock.release()
            elif len(self._postponed) < MAX_POSTPONED:
                self._postponed.append((series, amount, sample))
            else:
                self._by_sdk(amount, attributes, context)
        except Exception as error:  # noqa: BLE001 - telemetry must not hurt its caller
            record_fault("Tally.measure", error)

    def _work_off(self, number: int) -> None:
        """Take in what had to wait; the lock is held."""
        postponed = self._postponed
        for _ in range(min(number, len(postponed))):
            series, amount, sample = postponed.popleft()
            if series.idle:
                self._touched.append(series)
                series.idle = False
            series.add(amount, sample)

    def take(self, now: int) -> list[tuple[Key, DataPointT]]:
        """Return points of what was measured since it was last asked, series by series; what cannot be had stays for the next time.

        Args:
            now: the time of this collection, in nanoseconds since 1970.
        """
        lock = self._lock
        if not lock.acquire(timeout=PATIENCE_S):
            record_fault("Tally.take", TimeoutError("a measurement is not coming to its end"))
            if self._not_had is lock:
                # Twice in a row: what a signal handler raised came between `acquire` and `try`, and nobody will ever release it.
                self._lock = threading.Lock()
            self._not_had = lock
            return []
        self._not_had = None
        try:
            self._work_off(len(self._postponed))
            touched, self._touched = self._touched, []
            taken = [(series, series.take()) for series in touched]
            since, self._taken_at = self._taken_at, now
            if len(self._index) > self._limit:
                self._index.make_room(self._limit)
        finally:
            lock.release()
        return [(series.key, series.point(had, since or series.born_ns, now)) for series, had in taken]


def under_sampled_span(amount: float, context: Context | None) -> Sample | None:
    """Return a sample if the measurement is made under a span that is sampled; the SDK's filter ``trace_based``."""
    span = get_current_span(context or None)
    if span is INVALID_SPAN:
        return None
    span_context = span.get_span_context()
    return (amount, time_ns(), span_context) if span_context.trace_flags & _SAMPLED else None


def always(amount: float, context: Context | None) -> Sample:
    """Return a sample; the SDK's filter ``always_on``."""
    span = get_current_span(context or None)
    return (amount, time_ns(), None if span == INVALID_SPAN else span.get_span_context())
