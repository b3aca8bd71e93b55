"""What LangSwarm's API tells of its metrics, read from the statistics that the handle keeps anyway."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from langswarm_otel import current, override
from langswarm_otel.compat.data import MetricPoint, MetricType
from langswarm_otel.compat.notes import say_once
from langswarm_otel.components.settling import settle
from langswarm_otel.guard import guarded
from langswarm_otel.pipelines.capture_reading import captured_statistics, captured_text
from langswarm_otel.pipelines.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.observability import Observability
    from langswarm_otel.pipelines.capture import Capture
    from langswarm_otel.pipelines.statistics import SeriesStatistics

_MS = 1000.0


def statistics() -> Statistics:
    """Return the statistics of the capture in force, else of the current handle; empty without either."""
    capture = cast("Capture[Any] | None", override.active())
    if capture is not None:
        settle()
        return captured_statistics(capture)
    handle = cast("Observability | None", current.current_handle())
    return Statistics(series=()) if handle is None else handle.statistics()


class Readings:
    """The reading half of ``provider.metrics``."""

    def get_counter_value(self, name: str, **tags: Any) -> float:
        """Return the sum of a counter; 0 if there is none with these tags."""
        found = _one(name, tags)
        return 0.0 if found is None or found.sum is None else found.sum

    def get_gauge_value(self, name: str, **tags: Any) -> float | None:
        """Return the last value of a gauge; None if there is none with these tags."""
        found = _one(name, tags)
        return None if found is None else found.last

    def get_histogram_stats(self, name: str, **tags: Any) -> dict[str, float]:
        """Return count, minimum, maximum, mean, median, p95, p99 and standard deviation of one series; empty if there is none.

        Percentiles and deviation are estimated from buckets.
        """
        found = _one(name, tags)
        return {} if found is None else _described(found, 1.0, "")

    def get_timer_stats(self, name: str, **tags: Any) -> dict[str, float]:
        """Return the same of a timer, in milliseconds, with names that end in ``_ms``."""
        found = _one(name, tags)
        return {} if found is None else _described(found, _MS, "_ms")

    def get_all_metrics(self) -> dict[str, dict[str, Any]]:
        """Return every series by kind, under ``name#tag=value,...``; histograms of seconds are timers."""
        found: dict[str, dict[str, Any]] = {"counters": {}, "gauges": {}, "histogram_stats": {}, "timer_stats": {}}
        for one in _all():
            kind = _kind(one)
            if kind == MetricType.COUNTER:
                found["counters"][_key(one)] = one.sum
            elif kind == MetricType.GAUGE:
                found["gauges"][_key(one)] = one.last
            elif kind == MetricType.TIMER:
                found["timer_stats"][_key(one)] = _described(one, _MS, "_ms")
            else:
                found["histogram_stats"][_key(one)] = _described(one, 1.0, "")
        return found

    def export_metrics(self) -> list[MetricPoint]:
        """Return one point for every series; nothing is sent or forgotten by it."""
        now = datetime.now(tz=timezone.utc).replace(tzinfo=None)
        return [
            MetricPoint(name=one.metric, value=_value(one), metric_type=_kind(one), timestamp=now, tags=dict(one.attributes))
            for one in _all()
        ]

    def export_prometheus_format(self) -> str:
        """Return every series as Prometheus text; needs the extra ``prometheus``.

        Raises:
            ConfigurationError: the extra is not installed.
        """
        capture = cast("Capture[Any] | None", override.active())
        if capture is not None:
            settle()
            return captured_text(capture)
        handle = cast("Observability | None", current.current_handle())
        return "" if handle is None else handle.prometheus_text()


@guarded("compat.statistics", Statistics(series=()))
def _all() -> Statistics:
    return statistics()


@guarded("compat.statistics", cast("SeriesStatistics | None", None))
def _one(name: str, tags: Mapping[str, Any]) -> SeriesStatistics | None:
    from langswarm_otel.compat.metrics import fitted_name, labels_of  # noqa: PLC0415 - which is made of these readings

    labels = labels_of(tags, current.telemetry())
    metric = fitted_name(name)
    found = [one for one in statistics().find(metric) if all(one.attributes.get(key) == value for key, value in labels.items())]
    exact = [one for one in found if len(one.attributes) == len(labels)]
    if len(exact) == 1 or len(found) == 1:
        return (exact or found)[0]
    if found:
        say_once(f"several series of a metric have the tags {sorted(tags)}; name more of them")
    return None


def _kind(one: SeriesStatistics) -> MetricType:
    if one.count is not None:
        return MetricType.TIMER if one.unit == "s" else MetricType.HISTOGRAM
    return MetricType.COUNTER if one.sum is not None else MetricType.GAUGE


def _value(one: SeriesStatistics) -> float:
    if one.count is None:
        return one.sum or one.last or 0.0
    return (one.mean or 0.0) * (_MS if one.unit == "s" else 1.0)


def _key(one: SeriesStatistics) -> str:
    tags = ",".join(f"{key}={one.attributes[key]}" for key in sorted(one.attributes))
    return f"{one.metric}#{tags}" if tags else one.metric


def _described(one: SeriesStatistics, factor: float, ending: str) -> dict[str, float]:
    percentiles = {"median": one.median, "p95": one.p95, "p99": one.p99}
    numbers = {
        "min": one.min,
        "max": one.max,
        "mean": one.mean,
        "stddev": one.stddev,
        **{name: None if found is None else found.value for name, found in percentiles.items()},
    }
    scaled = {f"{name}{ending}": number * factor for name, number in numbers.items() if number is not None}
    return {"count": one.count or 0, **scaled}


def series_bytes(found: Statistics) -> int:
    """Return about how many bytes the series take: their attributes, and the numbers that are kept of each."""
    return sum(
        sys.getsizeof(dict(one.attributes))
        + sum(sys.getsizeof(key) + sys.getsizeof(value) for key, value in one.attributes.items())
        + _NUMBERS
        for one in found
    )


_NUMBERS = 400
"""Bytes of one series' numbers: a histogram's buckets, sum and extremes."""
