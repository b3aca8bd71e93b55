"""Count what is in OTLP request bodies, decoded by opentelemetry-proto and by nothing of ours."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

_INFLATE = {"": bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}
_DELTA = 1
_LINES = ("bench.line", "bench.answered")
"""Log lines; logfire sends each as a span of this name."""


def count(bodies: Iterable[tuple[str, str, bytes]]) -> dict[str, object]:
    """Return how many spans of each name, log lines of ours and counts arrived, in how many requests and bytes.

    Args:
        bodies: path, content encoding and body of each request, in order of arrival.
    """
    spans: Counter[str] = Counter()
    totals: dict[Any, float] = {}
    lines = requests = size = 0
    for path, encoding, body in bodies:
        requests, size = requests + 1, size + len(body)
        plain = _INFLATE[encoding](body)
        if path.endswith("/v1/traces"):
            spans.update(_span_names(plain))
        elif path.endswith("/v1/logs"):
            lines += _lines(plain)
        elif path.endswith("/v1/metrics"):
            _add_totals(plain, totals)
    lines += sum(spans[name] for name in _LINES)
    return {"spans": dict(spans), "lines": lines, "count": sum(totals.values()), "requests": requests, "bytes": size}


def _span_names(body: bytes) -> Iterable[str]:
    request = ExportTraceServiceRequest.FromString(body)
    return (span.name for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans)


def _lines(body: bytes) -> int:
    """Count the lines of the benchmark: those that say "bench." in body or attributes, whatever else a library sends."""
    request = ExportLogsServiceRequest.FromString(body)
    records = (record for resource in request.resource_logs for scope in resource.scope_logs for record in scope.log_records)
    return sum(b"bench." in record.SerializeToString() for record in records)


def _add_totals(body: bytes, totals: dict[Any, float]) -> None:
    """Add up the counter ``bench.count``: of running totals the last one holds."""
    request = ExportMetricsServiceRequest.FromString(body)
    for resource in request.resource_metrics:
        for metric in (metric for scope in resource.scope_metrics for metric in scope.metrics if metric.name == "bench.count"):
            for point in metric.sum.data_points:
                key = (tuple(sorted(str(pair) for pair in point.attributes)), point.start_time_unix_nano)
                value = point.as_int or point.as_double
                totals[key] = totals.get(key, 0) + value if metric.sum.aggregation_temporality == _DELTA else value
