"""Count, extremes, mean and percentiles of every series, out of what the metrics already hold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint, Gauge, HistogramDataPoint, MetricsData, NumberDataPoint

from langswarm_otel.pipelines.percentiles import Percentile, filled_buckets, percentile, standard_deviation
from langswarm_otel.tree import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.sdk.metrics.export import DataPointT, Metric

__all__ = ["Percentile", "SeriesStatistics", "Statistics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesStatistics:
    """What is known of one series: all of it for a histogram, the sum for a counter, the last value for a gauge."""

    metric: str
    """Name of the metric."""
    unit: str
    """Its unit, as everything below has it but the count."""
    attributes: Mapping[str, Any]
    """What tells the series from the others of its metric."""
    count: int | None = None
    """How many values were recorded; of a histogram."""
    sum: float | None = None
    """Their sum; of a histogram or a counter."""
    last: float | None = None
    """The newest value; of a gauge."""
    min: float | None = None
    """The smallest value; None where extremes are not recorded."""
    max: float | None = None
    """The greatest value; None where extremes are not recorded."""
    mean: float | None = None
    """The mean, exact."""
    median: Percentile | None = None
    """The value in the middle, with its bounds; of two middle values the lower."""
    p95: Percentile | None = None
    """The value that 95 of 100 do not exceed, with its bounds."""
    p99: Percentile | None = None
    """The value that 99 of 100 do not exceed, with its bounds."""
    stddev: float | None = None
    """An estimate of the standard deviation; coarse where buckets are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The statistics of every series since the process, or the handle, started."""

    series: tuple[SeriesStatistics, ...]
    """One entry a series, by metric name."""

    @classmethod
    def of(cls, data: MetricsData) -> Statistics:
        """Compute them from metrics, cumulative ones for totals; an empty series is left out."""
        series = [
            _series_of(metric, point)
            for resource_metrics in data.resource_metrics
            for scope_metrics in resource_metrics.scope_metrics
            for metric in scope_metrics.metrics
            for point in metric.data.data_points
        ]
        return cls(series=tuple(sorted((one for one in series if one.count != 0), key=_order)))

    def find(self, metric: str | None = None, /, **attributes: Any) -> tuple[SeriesStatistics, ...]:
        """Return the series of a metric, or of all, that have these attributes among theirs."""
        return tuple(one for one in self.series if metric in (None, one.metric) and _has(one.attributes, attributes))

    def get(self, metric: str, /, **attributes: Any) -> SeriesStatistics | None:
        """Return the one series of a metric that has these attributes, or None if there is none.

        A series with no further attributes is preferred.

        Raises:
            LookupError: several series have them; name more attributes or use ``find``.
        """
        found = self.find(metric, **attributes)
        exact = [one for one in found if len(one.attributes) == len(attributes)]
        if len(exact) == 1 or len(found) == 1:
            return (exact or list(found))[0]
        if not found:
            return None
        raise LookupError(f"{len(found)} series of {metric!r} have the attributes {attributes!r}; name more of them, or use find()")

    def __iter__(self) -> Iterator[SeriesStatistics]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    def __str__(self) -> str:
        if not self.series:
            return "nothing has been recorded"
        return "\n".join(_table(self.series))


_TITLES = ("count", "mean", "p50", "p95", "p99", "max", "sum")
_WIDEST_SERIES = 60


def _series_of(metric: Metric, point: DataPointT) -> SeriesStatistics:
    unit, attributes = metric.unit or "", dict(point.attributes or {})
    if isinstance(point, NumberDataPoint):
        if isinstance(metric.data, Gauge):
            return SeriesStatistics(metric=metric.name, unit=unit, attributes=attributes, last=point.value)
        return SeriesStatistics(metric=metric.name, unit=unit, attributes=attributes, sum=point.value)
    return _distribution(metric.name, unit, attributes, point)


def _distribution(
    name: str, unit: str, attributes: Mapping[str, Any], point: HistogramDataPoint | ExponentialHistogramDataPoint
) -> SeriesStatistics:
    if not point.count:
        return SeriesStatistics(metric=name, unit=unit, attributes=attributes, count=0, sum=point.sum)
    buckets = filled_buckets(point)
    mean = point.sum / point.count
    return SeriesStatistics(
        metric=name,
        unit=unit,
        attributes=attributes,
        count=point.count,
        sum=point.sum,
        min=point.min if math.isfinite(point.min) else None,
        max=point.max if math.isfinite(point.max) else None,
        mean=mean,
        median=percentile(buckets, 0.5),
        p95=percentile(buckets, 0.95),
        p99=percentile(buckets, 0.99),
        stddev=standard_deviation(buckets, mean),
    )


def _has(attributes: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(key in attributes and attributes[key] == value for key, value in wanted.items())


def _order(one: SeriesStatistics) -> tuple[str, str]:
    return one.metric, _attributes_text(one.attributes)


def _attributes_text(attributes: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={attributes[key]}" for key in sorted(attributes, key=str)) or "-"


def _table(series: tuple[SeriesStatistics, ...]) -> Iterator[str]:
    """Yield a line for each metric and, below it, one for each of its series; people read this, programs the fields."""
    rows = [(one, _short_attributes(one), _cells(one)) for one in series]
    widths = [max(len(title), *(len(cells[column]) for _, _, cells in rows)) for column, title in enumerate(_TITLES)]
    first = min(max(len(text) for _, text, _ in rows) + 2, _WIDEST_SERIES)
    yield " " * first + "".join(f"  {title:>{width}}" for title, width in zip(_TITLES, widths, strict=True))
    metric = None
    for one, text, cells in rows:
        if one.metric != metric:
            metric = one.metric
            yield f"{metric} ({one.unit})" if one.unit else metric
        numbers = "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"  {_cut(text, first - 2):<{first - 2}}{numbers}".rstrip()


def _short_attributes(one: SeriesStatistics) -> str:
    """Return the values of the attributes; which is which, a person sees."""
    return " ".join(str(one.attributes[key]) for key in sorted(one.attributes, key=str)) or "-"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cells(one: SeriesStatistics) -> tuple[str, ...]:
    percentiles = (found and found.value for found in (one.median, one.p95, one.p99))
    whole = one.sum if one.sum is not None else one.last
    return (
        "-" if one.count is None else str(one.count),
        *(_quantity(value, one.unit) for value in (one.mean, *percentiles, one.max, whole)),
    )


def _quantity(value: float | Percentile | None, unit: str) -> str:
    """Return a number as people would say it; seconds in the unit that fits."""
    if value is None or isinstance(value, Percentile):
        return "-"
    return duration_text(value * 1e9) if unit == "s" else f"{value:.4g}"
