"""How much memory a record holds until it is exported: an estimate that costs the caller less than a microsecond.

A span of the SDK takes about eight times its encoded size: 2.7 KB without any attribute, some 40 bytes an attribute, and the characters
of its strings; a lean span of ours a third of that. The bound of the queue is about memory, so this is what it counts.

The estimate is made in the caller's thread and not in the worker: only so is the bound exact at the door. A burst of large records
would otherwise be inside before anybody had looked at the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export.sdk_private import attributes_and_events, plain_attributes

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

SPAN_BYTES: Final = 2700
"""A span without attributes: the object, its context, lists and locks."""

LEAN_SPAN_BYTES: Final = 900
"""The same of a lean span: 513 measured, and what attributes take beyond ``VALUE_BYTES`` for a few of them."""

LOG_BYTES: Final = 1500
"""A log record without attributes and body."""

POINT_BYTES: Final = 400
"""A data point of a metric."""

VALUE_BYTES: Final = 40
"""An attribute, without the characters of a string."""

_DEPTH: Final = 4
_UNKNOWN_BYTES: Final = 200


def span_size(span: ReadableSpan) -> int:
    """Return the estimated bytes of an ended span."""
    attributes, events = attributes_and_events(span)
    size = getattr(span, "bytes_when_bare", SPAN_BYTES) + _plain_size(attributes)
    for event in events:
        size += _UNKNOWN_BYTES + _mapping_size(event.attributes)
    return size


def log_size(record: ReadableLogRecord) -> int:
    """Return the estimated bytes of a log record."""
    log_record = record.log_record
    attributes: Any = log_record.attributes or {}
    if attributes.__class__ is not dict:  # not made by us, but by the SDK
        attributes = plain_attributes(attributes)
    return LOG_BYTES + _value_size(log_record.body) + _plain_size(attributes)


def metrics_size(points: int) -> int:
    """Return the estimated bytes of that many data points."""
    return POINT_BYTES * points


def point_count(data: MetricsData) -> int:
    """Return the number of data points."""
    return sum(
        len(metric.data.data_points)
        for resource_metrics in data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    )


def _plain_size(attributes: Mapping[str, Any]) -> int:
    size = VALUE_BYTES * len(attributes)
    for value in attributes.values():
        kind = value.__class__
        if kind is str:
            size += len(value)
        elif kind is not int and kind is not bool and kind is not float:
            size += _value_size(value)
    return size


def _mapping_size(attributes: Mapping[str, Any] | None) -> int:
    return _plain_size(plain_attributes(attributes)) if attributes else 0


def _value_size(value: Any, depth: int = _DEPTH) -> int:
    if value is None or isinstance(value, (bool, int, float)):
        return 8
    if isinstance(value, (str, bytes)):
        return len(value)
    if depth == 0:
        return _UNKNOWN_BYTES
    if isinstance(value, (list, tuple)):
        return sum(VALUE_BYTES + _value_size(item, depth - 1) for item in value)
    if isinstance(value, Mapping):
        return sum(VALUE_BYTES + len(str(key)) + _value_size(item, depth - 1) for key, item in value.items())
    return _UNKNOWN_BYTES
