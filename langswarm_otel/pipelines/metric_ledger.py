"""What our reader remembers between two exports: the interval that is open, the totals since the start, and what was last exported.

The SDK and our own tallies hand counters and histograms over as deltas, whatever the exporter wants. So a look in between loses nothing;
cumulative or delta is a matter of what is written into an export, and may change while the process runs.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Literal, TypeVar

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    Sum,
)

from langswarm_otel.pipelines.fold import OVERFLOW, OVERFLOW_KEY, RESERVOIR_SIZE, Key, add_points, freeze, merge_exemplars, settled
from langswarm_otel.pipelines.streams import Stream, assemble, streams_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import DataPointT
    from opentelemetry.sdk.resources import Resource

Temporality = Literal["cumulative", "delta", "lowmemory"]
"""As in ``OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE``: which instruments are exported as deltas."""

Delta = tuple[Stream, "Sequence[tuple[Key, DataPointT]]"]
"""What the series of one stream have had since the last time."""

_Entry = tuple[Stream, "Sequence[DataPointT]", AggregationTemporality]
_P = TypeVar("_P", bound=NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint)


class SeriesTable:
    """Points by stream and attributes; no stream has more series than the limit, and one for all the rest.

    The SDK's own limit holds for one collection, so every look in between would grant as many series again.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.streams: dict[Stream, dict[Key, DataPointT]] = {}
        """The points, in the order in which series were first seen."""

    def add(self, stream: Stream, points: Iterable[tuple[Key, DataPointT]]) -> None:
        """Add points to their series; those that would be a series too many go to the overflow."""
        series = self.streams.setdefault(stream, {})
        for key, point in points:
            known = series.get(key)
            if known is not None:
                series[key] = add_points(known, point)
            elif key == OVERFLOW_KEY or len(series) - (OVERFLOW_KEY in series) < self._limit:
                series[key] = settled(point)
            else:
                overflow = series.get(OVERFLOW_KEY)
                spilled = dataclasses.replace(point, attributes=OVERFLOW)
                series[OVERFLOW_KEY] = settled(spilled) if overflow is None else add_points(overflow, spilled)

    def forget_exemplars(self) -> None:
        """Take the exemplars off, because each is exported once."""
        for series in self.streams.values():
            for key, point in series.items():
                if point.exemplars:
                    series[key] = dataclasses.replace(point, exemplars=())


class MetricLedger:
    """The state behind one reader; not safe for threads, the reader holds a lock."""

    def __init__(self, limit: int) -> None:
        """Start with nothing.

        Args:
            limit: how many series a counter or a histogram may have, the overflow not counted.
        """
        self._limit = limit
        self._open = SeriesTable(limit)
        self._total = SeriesTable(limit)
        # What instruments that report totals said in the newest collection; what they do not say any more is gone.
        self._current: dict[Stream, list[DataPointT]] = {}
        # Exemplars of those instruments that a look in between has drained from the SDK.
        self._carried: dict[tuple[Stream, Key], Sequence[Exemplar]] = {}
        self._exported: dict[tuple[Stream, Key], float] = {}
        self._resource: Resource | None = None
        self._collected_at: int | None = None
        self._closed_at: int | None = None

    def begin(self) -> None:
        """Make ready for a collection, which may find nothing at all."""
        self._current = {}
        self._collected_at = None

    def receive(self, data: MetricsData) -> None:
        """Take in what one collection found."""
        self.begin()
        for resource_metrics in data.resource_metrics:
            self._resource = resource_metrics.resource
        for stream, points in streams_of(data):
            self._collected_at = points[0].time_unix_nano
            if stream.is_delta:
                keyed = [(freeze(point.attributes), point) for point in points]
                self._open.add(stream, keyed)
                self._total.add(stream, keyed)
            else:
                self._current.setdefault(stream, []).extend(points)
                self._carry(stream, points)

    def add(self, resource: Resource, deltas: Iterable[Delta], now: int) -> None:
        """Take in what was added since the last time, and was aggregated by us; after ``receive``, or without it.

        Args:
            resource: what it is about.
            deltas: points by their series, stream by stream.
            now: time of this collection, in nanoseconds since 1970.
        """
        for stream, keyed in deltas:
            self._resource = resource
            self._collected_at = self._collected_at or now
            self._open.add(stream, keyed)
            self._total.add(stream, keyed)

    def _carry(self, stream: Stream, points: Sequence[DataPointT]) -> None:
        for point in points:
            if point.exemplars:
                series = (stream, freeze(point.attributes))
                self._carried[series] = merge_exemplars(self._carried.get(series, ()), point.exemplars, RESERVOIR_SIZE)

    def close(self, temporality: Temporality) -> MetricsData | None:
        """End the interval and return what is to be exported for it, or None if there is nothing."""
        now = self._now()
        entries = [*self._synchronous(now, is_delta=temporality != "cumulative"), *self._observed(is_delta=temporality == "delta")]
        self._open = SeriesTable(self._limit)
        self._total.forget_exemplars()
        self._carried = {}
        self._closed_at = now
        if not entries or self._resource is None:
            return None
        return assemble(self._resource, entries)

    def running(self) -> MetricsData:
        """Return the totals since the start, whatever is exported; nothing is ended by this."""
        if self._resource is None:
            return MetricsData(resource_metrics=[])
        current = [(stream, points, AggregationTemporality.CUMULATIVE) for stream, points in self._current.items()]
        return assemble(self._resource, [*self._synchronous(self._now(), is_delta=False), *current])

    def _now(self) -> int:
        return time.time_ns() if self._collected_at is None else self._collected_at

    def _synchronous(self, now: int, *, is_delta: bool) -> Iterator[_Entry]:
        """Yield what comes as deltas: of the open interval, or in total with the idle series; what may fall is always a total."""
        for stream, series in self._total.streams.items():
            as_delta = is_delta and (stream.kind is not Sum or stream.monotonic)
            points = self._open.streams.get(stream, {}) if as_delta else series
            if points:
                temporality = AggregationTemporality.DELTA if as_delta else AggregationTemporality.CUMULATIVE
                yield stream, [self._dated(point, now, is_delta=as_delta) for point in points.values()], temporality

    def _observed(self, *, is_delta: bool) -> Iterator[_Entry]:
        """Yield what the SDK reports as totals; of those, only counters can be exported as deltas."""
        for stream, points in self._current.items():
            is_counter = stream.kind is Sum and stream.monotonic
            if not is_counter and not self._carried:
                yield stream, points, AggregationTemporality.CUMULATIVE
                continue
            written = []
            for point in points:
                series = (stream, freeze(point.attributes))
                exported = self._with_carried(point, series)
                if is_counter and isinstance(exported, NumberDataPoint):
                    before = self._exported.get(series, 0)
                    self._exported[series] = exported.value
                    if is_delta:
                        since = self._dated(exported, exported.time_unix_nano, is_delta=True)
                        exported = dataclasses.replace(since, value=exported.value - before)
                written.append(exported)
            yield stream, written, AggregationTemporality.DELTA if is_delta and is_counter else AggregationTemporality.CUMULATIVE

    def _with_carried(self, point: DataPointT, series: tuple[Stream, Key]) -> DataPointT:
        carried = self._carried.get(series)
        return point if carried is None else dataclasses.replace(point, exemplars=carried)

    def _dated(self, point: _P, now: int, *, is_delta: bool) -> _P:
        """Return the point with the times of this export; an end before the start, after the clock was set back, is avoided."""
        start = point.start_time_unix_nano
        if is_delta and self._closed_at is not None:
            start = self._closed_at
        start = min(start, now)
        if start == point.start_time_unix_nano and now == point.time_unix_nano:
            return point
        return dataclasses.replace(point, start_time_unix_nano=start, time_unix_nano=now)
