"""Where a capture keeps its spans and log records: in memory, bounded, as the SDK's public objects."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadWriteLogRecord
    from opentelemetry.sdk.metrics.export import DataPointT, Metric, ScopeMetrics

    from langswarm_otel.pipelines.capture_clock import Timeline

T = TypeVar("T")


class Store(Generic[T]):
    """The records of a capture; those beyond the limit, and those after the end, are counted and dropped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: list[T] = []
        self.dropped = 0
        """How many records found no room or came too late."""
        self.open = True
        """Whether records are still kept."""

    def add(self, record: T) -> None:
        """Keep a record if there is room."""
        if self.open and len(self._records) < self._limit:
            self._records.append(record)
        else:
            self.dropped += 1

    def records(self) -> tuple[T, ...]:
        """Return what is kept, in the order in which it came."""
        return tuple(self._records)


class SpanSink(SpanProcessor):
    """Keeps every span that ends."""

    def __init__(self, store: Store[ReadableSpan], timeline: Timeline | None) -> None:
        self._store = store
        self._timeline = timeline

    def on_end(self, span: ReadableSpan) -> None:
        """Keep the span."""
        self._store.add(span if self._timeline is None else _retimed_span(span, self._timeline))


class LogSink(LogRecordProcessor):
    """Keeps every log record."""

    def __init__(self, store: Store[ReadableLogRecord], timeline: Timeline | None) -> None:
        self._store = store
        self._timeline = timeline

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Keep a copy of the record, which later processors may still change."""
        record = copy.copy(log_record.log_record)
        if self._timeline is not None:
            now = self._timeline.of_now(record.observed_timestamp)
            if record.timestamp is not None and self._timeline.of_past(record.timestamp) != record.timestamp:
                record.timestamp = now
            record.observed_timestamp = now
        self._store.add(
            ReadableLogRecord(
                log_record=record,
                resource=log_record.resource,  # type: ignore[arg-type] # an SDK logger always gives one
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        """Do nothing: what was kept stays readable."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Do nothing: nothing is ever waiting."""
        return True


class SequentialIds(IdGenerator):
    """Trace ids 1, 2, 3 and span ids 1, 2, 3, in the order in which spans are started."""

    def __init__(self) -> None:
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        return next(self._traces)

    def generate_span_id(self) -> int:
        """Return the next span id."""
        return next(self._spans)


def _retimed_span(span: ReadableSpan, timeline: Timeline) -> ReadableSpan:
    """Return an ended span as the capture's clock saw it; called when it ends."""
    end = span.end_time
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[Event(event.name, event.attributes, timeline.of_past(event.timestamp)) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=None if end is None else timeline.of_now(end),
        instrumentation_scope=span.instrumentation_scope,
    )


def retimed_metrics(data: MetricsData, timeline: Timeline) -> MetricsData:
    """Return metrics with the times that the capture's clock had told."""

    def point(one: DataPointT) -> DataPointT:
        # A gauge has no start.
        start = one.start_time_unix_nano and timeline.of_past(one.start_time_unix_nano)
        return dataclasses.replace(one, start_time_unix_nano=start, time_unix_nano=timeline.of_past(one.time_unix_nano))

    def metric(one: Metric) -> Metric:
        points: Any = [point(each) for each in one.data.data_points]
        return dataclasses.replace(one, data=dataclasses.replace(one.data, data_points=points))

    def scope(one: ScopeMetrics) -> ScopeMetrics:
        return dataclasses.replace(one, metrics=[metric(each) for each in one.metrics])

    return MetricsData(
        resource_metrics=[
            dataclasses.replace(one, scope_metrics=[scope(each) for each in one.scope_metrics]) for one in data.resource_metrics
        ]
    )
