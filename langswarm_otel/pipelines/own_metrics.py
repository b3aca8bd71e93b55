"""Metrics of our own pipeline: what became of every record, as OpenTelemetry's conventions for SDKs name it.

They come from one snapshot of the account book, so in every export they add up: what was *processed*, for whatever end, and what is in the
*queue* is all that was made; and of what was processed without an error all was *exported*, for whatever end, or is *in flight*. No
instrument is behind them: nothing is measured in the application's threads, and ``statistics()`` and captures do not show them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel import semconv
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.sdk.resources import Resource

    from langswarm_otel.export.exporter_health import ExporterHealth

_SCOPE: Final = InstrumentationScope(semconv.SCOPE_NAME, __version__)
_BEFORE_THE_EXPORTER: Final = frozenset(("queue_full", "after_shutdown", "unencodable"))
"""Reasons for which a record is lost before an exporter has it; the others are an exporter's."""

_STANDARD: Final[Mapping[str, str]] = {"after_shutdown": "already_shutdown"}
"""What the conventions call a reason of ours."""

_Value = tuple[semconv.Metric, int, dict[str, str | int]]


class OwnMetrics:
    """Turns snapshots into metrics; used by one thread at a time."""

    def __init__(self) -> None:
        self._started_at = time.time_ns()
        self._collected_at = self._started_at
        self._before: dict[tuple[str, frozenset[tuple[str, str | int]]], int] = {}
        self._said: dict[tuple[str, str], ExporterHealth] = {}

    def added_to(
        self, data: MetricsData | None, rows: Sequence[ExporterHealth], resource: Resource, *, is_delta: bool = False
    ) -> MetricsData | None:
        """Return metrics with those of the pipeline beside them; as they were if nothing has been made yet.

        Args:
            data: what was collected, or None.
            rows: the account of each target and signal, as one snapshot.
            resource: what it is about.
            is_delta: whether counters carry what came since the last time.
        """
        rows = [row for row in rows if self._is_news(row)]
        if not any(row.made or row.recovered for row in rows):
            return data
        now = time.time_ns()
        values: dict[str, tuple[semconv.Metric, list[NumberDataPoint]]] = {}
        for metric, value, attributes in (value for row in rows for value in _values_of(row)):
            points = values.setdefault(metric.name, (metric, []))[1]
            points.append(self._point(metric, value, attributes, now, is_delta=is_delta))
        self._collected_at = now
        metrics = [_metric(metric, points, is_delta=is_delta) for metric, points in values.values()]
        own = ScopeMetrics(scope=_SCOPE, metrics=metrics, schema_url="")
        if data is not None and data.resource_metrics:
            first = data.resource_metrics[0]
            with_own = ResourceMetrics(resource=first.resource, scope_metrics=[*first.scope_metrics, own], schema_url=first.schema_url)
            return MetricsData(resource_metrics=[with_own, *data.resource_metrics[1:]])
        return MetricsData(resource_metrics=[ResourceMetrics(resource=resource, scope_metrics=[own], schema_url=resource.schema_url)])

    def _is_news(self, row: ExporterHealth) -> bool:
        """Whether a row is of a target in use, or has changed since it was last exported: former targets are not spoken of for ever."""
        key = (row.target, row.signal)
        known, self._said[key] = self._said.get(key), row
        return row.state != "disabled" or row != known

    def _point(self, metric: semconv.Metric, value: int, attributes: dict[str, str | int], now: int, *, is_delta: bool) -> NumberDataPoint:
        start = self._started_at
        if metric.kind == "counter":
            key = (metric.name, frozenset(attributes.items()))
            before, self._before[key] = self._before.get(key, 0), value
            if is_delta:
                value, start = value - before, self._collected_at
        return NumberDataPoint(attributes=attributes, start_time_unix_nano=start, time_unix_nano=now, value=value)


def _metric(metric: semconv.Metric, points: list[NumberDataPoint], *, is_delta: bool) -> Metric:
    is_counter = metric.kind == "counter"
    temporality = AggregationTemporality.DELTA if is_delta and is_counter else AggregationTemporality.CUMULATIVE
    data = Sum(data_points=points, aggregation_temporality=temporality, is_monotonic=is_counter)
    return Metric(name=metric.name, description=metric.description, unit=metric.unit, data=data)


def _values_of(row: ExporterHealth) -> Iterator[_Value]:
    processed, queue, exported, inflight, spooled = semconv.PIPELINE_METRICS[row.signal]
    part, exporter = _parts_of(row)
    lost_before = {reason: count for reason, count in row.dropped.items() if reason in _BEFORE_THE_EXPORTER}
    yield processed, row.made + row.recovered - row.queued - sum(lost_before.values()), part
    for reason, count in lost_before.items():
        yield processed, count, {**part, semconv.ERROR_TYPE: _STANDARD.get(reason, reason)}
    yield queue, row.queued, part
    yield exported, row.exported, exporter
    for reason, count in row.dropped.items():
        if reason not in lost_before:
            yield exported, count, {**exporter, semconv.ERROR_TYPE: reason}
    yield inflight, row.in_flight + row.spooled, exporter
    yield spooled, row.spooled, exporter


def _parts_of(row: ExporterHealth) -> tuple[dict[str, str | int], dict[str, str | int]]:
    """Return the attributes of the queue and of the exporter of a row."""
    kind = "otlp_http" if row.circuit is not None else "otlp" if "://" in row.target else row.target
    word = {"traces": "span", "logs": "log", "metrics": "metric"}[row.signal]
    name = f"{row.target or 'none'}/{row.signal}"
    part: dict[str, str | int] = {semconv.COMPONENT_NAME: name, semconv.COMPONENT_TYPE: f"langswarm_queue_{word}_processor"}
    exporter: dict[str, str | int] = {semconv.COMPONENT_NAME: name, semconv.COMPONENT_TYPE: f"{kind or 'none'}_{word}_exporter"}
    where = urlsplit(row.target) if "://" in row.target else None
    if where is not None and where.hostname:
        exporter[semconv.SERVER_ADDRESS] = where.hostname
        if where.port:
            exporter[semconv.SERVER_PORT] = where.port
    return part, exporter
