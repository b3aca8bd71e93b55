"""The official encoder, for a record that ours does not know. Nothing of it is imported before the first such record.

Its requests consist of one repeated field, and such messages may be put one after the other: what it makes of one record is a piece of a
body like any other.
"""

# ruff: noqa: PLC0415 - each import brings protobuf

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.export.encoding.errors import EncodingError
from langswarm_otel.export.encoding.group import COMPLETE, Group
from langswarm_otel.guard import record_fault
from langswarm_otel.late import importing

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan


def encode_span(span: ReadableSpan, cause: Exception) -> tuple[Group, bytes]:
    """Return a span as a piece of a body; the first for each kind of cause is also a line in the log.

    Raises:
        EncodingError: the official encoder cannot encode it, either, or is not installed.
    """
    return _encode("a span", _span_request, span, cause)


def encode_log(record: ReadableLogRecord, cause: Exception) -> tuple[Group, bytes]:
    """Return a log record as a piece of a body; otherwise as ``encode_span``."""
    return _encode("a log record", _log_request, record, cause)


def encode_metric(data: MetricsData, cause: Exception) -> tuple[Group, bytes]:
    """Return a single metric as a piece of a body; otherwise as ``encode_span``."""
    return _encode("a metric", _metric_request, data, cause)


def _span_request(span: ReadableSpan) -> Any:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    return encode_spans([span])


def _log_request(record: ReadableLogRecord) -> Any:
    from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs

    return encode_logs([record])


def _metric_request(data: MetricsData) -> Any:
    from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics

    return encode_metrics(data)


def _encode(what: str, request: Callable[[Any], Any], record: Any, cause: Exception) -> tuple[Group, bytes]:
    try:
        with importing():  # the first time it imports protobuf, in a worker
            message = request(record)
        piece: bytes = message.SerializeToString()
    except Exception as error:  # noqa: BLE001 - whatever it raises, the record cannot be encoded
        raise EncodingError(f"{what} cannot be encoded ({type(cause).__name__}, then {type(error).__name__})") from None
    record_fault(f"encoding of {what}, done by the official encoder because of {type(cause).__name__}", cause)
    return COMPLETE, piece
