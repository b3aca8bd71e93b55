"""Metrics, as the body of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    Gauge,
    Histogram,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from langswarm_otel.export.encoding.errors import EncodingError, UnknownError
from langswarm_otel.export.encoding.group import Group, Groups, assemble
from langswarm_otel.export.encoding.official import encode_metric
from langswarm_otel.export.encoding.points import PointEncoder
from langswarm_otel.export.encoding.wire import VARINTS, text_field, with_length

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_HEADS: Final = 2048
"""Names, descriptions and units of metrics that are remembered."""


class MetricEncoder:
    """Encodes what a metric reader has collected.

    Threads: for one at a time; make one for each thread that encodes.
    """

    def __init__(self) -> None:
        self._points = PointEncoder()
        self._groups = Groups(self._points.attributes)
        self._heads: dict[tuple[Any, Any, Any], bytes] = {}

    def encode(self, data: MetricsData) -> bytes:
        """Return the body of an ExportMetricsServiceRequest.

        What is not in our tables goes to the official encoder, which is imported only then.

        Raises:
            EncodingError: a metric cannot be encoded: a number out of range, a name with a lone surrogate.
        """
        self._points.sets.begin()
        return assemble(self._records(data))

    def _records(self, data: MetricsData) -> Iterator[tuple[Group, bytes]]:
        for resource_metrics in data.resource_metrics:
            for scope_metrics in resource_metrics.scope_metrics:
                for metric in scope_metrics.metrics:
                    yield self._record(resource_metrics, scope_metrics, metric)

    def _record(self, resource_metrics: ResourceMetrics, scope_metrics: ScopeMetrics, metric: Metric) -> tuple[Group, bytes]:
        try:
            group = self._groups.of(resource_metrics.resource, scope_metrics.scope)
            return group, with_length(b"\x12", self._head(metric) + self._data(metric.data))  # metrics
        except (UnicodeEncodeError, OverflowError) as error:
            raise EncodingError(f"a metric cannot be encoded ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - the official encoder may know what we do not
            return encode_metric(_only(resource_metrics, scope_metrics, metric), error)

    def _head(self, metric: Metric) -> bytes:
        key = (metric.name, metric.description, metric.unit)
        head = self._heads.get(key)
        if head is None:
            head = text_field(b"\x0a", metric.name) + text_field(b"\x12", metric.description) + text_field(b"\x1a", metric.unit)
            if len(self._heads) >= _MAX_HEADS:
                self._heads.clear()
            self._heads[key] = head
        return head

    def _data(self, data: Any) -> bytes:
        """Return the data of a metric; without any point nothing, as the official encoder does."""
        points, parts = self._points, [b""]
        if isinstance(data, Sum):
            tag, parts = b"\x3a", [points.sum_point(point) for point in data.data_points]
        elif isinstance(data, Histogram):
            tag, parts = b"\x4a", [points.histogram_point(point) for point in data.data_points]
        elif isinstance(data, Gauge):
            tag, parts = b"\x2a", [points.gauge_point(point) for point in data.data_points]
        elif isinstance(data, ExponentialHistogram):
            tag, parts = b"\x52", [points.exponential_point(point) for point in data.data_points]
        else:
            raise UnknownError("kind of metric data")
        if not parts:
            return b""
        if not isinstance(data, Gauge):
            parts.append(b"\x10" + VARINTS[data.aggregation_temporality])
            if isinstance(data, Sum) and data.is_monotonic:
                parts.append(b"\x18\x01")
        return with_length(tag, b"".join(parts))


def _only(resource_metrics: ResourceMetrics, scope_metrics: ScopeMetrics, metric: Metric) -> MetricsData:
    scope = ScopeMetrics(scope=scope_metrics.scope, metrics=[metric], schema_url=scope_metrics.schema_url)
    resource = ResourceMetrics(resource=resource_metrics.resource, scope_metrics=[scope], schema_url=resource_metrics.schema_url)
    return MetricsData(resource_metrics=[resource])
