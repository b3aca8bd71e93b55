"""Log records made and copied as the SDK makes and copies them, at a fifth of the cost.

The objects are the SDK's own public classes with their public attributes. Their constructors look up what the caller knows already
(``LogRecord``) and set each field by a detour because they are frozen (``ReadableLogRecord``); ``copy.copy`` pickles a record halfway.
The tests compare each with what the SDK makes, attribute by attribute, so that one that a new SDK adds is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord

from langswarm_otel.content.texts import INT64_MAX, INT64_MIN
from langswarm_otel.export.sdk_private import api_logs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs import LogRecordLimits
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext
    from opentelemetry.util.types import AnyValue

NO_CONTEXT: Final = Context()
"""The context of a record that waits: its own may hold large things alive."""

_KINDS: Final = frozenset({str, int, bool, float, type(None)})
_new: Final = object.__new__
_set: Final = object.__setattr__
_record_class: Final = api_logs.LogRecord


def new_record(
    *,
    timestamp: int | None,
    observed_timestamp: int,
    span: SpanContext,
    severity_text: str | None,
    severity_number: SeverityNumber | None,
    body: AnyValue | None,
    attributes: Mapping[str, AnyValue],
    event_name: str | None,
) -> LogRecord:
    """Return a log record that does not hold its context."""
    record: LogRecord = _new(_record_class)
    record.timestamp = timestamp
    record.observed_timestamp = observed_timestamp
    record.context = NO_CONTEXT
    record.trace_id = span.trace_id
    record.span_id = span.span_id
    record.trace_flags = span.trace_flags
    record.severity_text = severity_text
    record.severity_number = severity_number
    record.body = body
    record.attributes = attributes
    record.event_name = event_name
    record.exception = None
    return record


def copy_without_context(original: LogRecord) -> LogRecord:
    """Return a copy that does not hold the original's context; of the original's class, with all that it has."""
    record: LogRecord = _new(type(original))
    vars(record).update(vars(original))
    record.context = NO_CONTEXT
    return record


def readable(
    record: LogRecord, resource: Resource, instrumentation_scope: InstrumentationScope | None, limits: LogRecordLimits | None
) -> ReadableLogRecord:
    """Return what exporters take."""
    result = _new(ReadableLogRecord)
    _set(result, "log_record", record)
    _set(result, "resource", resource)
    _set(result, "instrumentation_scope", instrumentation_scope)
    _set(result, "limits", limits)
    return result


def plain_copy(attributes: Any, limits: LogRecordLimits) -> dict[str, AnyValue] | None:
    """Return a copy of attributes that the SDK would take as they are; None for any that it would change, drop or complain about."""
    if attributes is None:
        return {}
    if attributes.__class__ is not dict:
        return None
    copied: dict[str, AnyValue] = attributes.copy()
    longest, most = limits.max_log_record_attribute_length, limits.max_log_record_attributes
    if most is not None and len(copied) > most:
        return None
    for key, value in copied.items():
        if key.__class__ is not str or not key:
            return None
        kind = value.__class__
        if kind not in _KINDS or (kind is str and longest is not None and len(value) > longest):  # type: ignore[arg-type]
            return None
    return copied


def are_plain(attributes: dict[str, AnyValue], longest: int | None = None) -> bool:
    """Whether values can be sent as they are, for sure: all of them primitive, encodable, and no text longer than so many characters."""
    for value in attributes.values():
        kind = value.__class__
        if kind is str:
            if (longest is not None and len(value) > longest) or not value.isascii():  # type: ignore[arg-type,union-attr]
                return False
        elif kind is int:
            if not INT64_MIN <= value <= INT64_MAX:  # type: ignore[operator]
                return False
        elif kind is not bool and kind is not float:
            return False
    return True


def fit_limits(attributes: dict[str, AnyValue], max_length: int | None, limits: LogRecordLimits) -> bool:
    """Whether attributes can be sent as they are, for sure: plain, with plain names, and within every limit.

    Args:
        attributes: of a record in the making.
        max_length: longest text, in characters, beside that of the limits.
        limits: of the provider.
    """
    longest, most = limits.max_log_record_attribute_length, limits.max_log_record_attributes
    if longest is None or (max_length is not None and max_length < longest):
        longest = max_length
    if most is not None and len(attributes) > most:
        return False
    for key in attributes:
        if key.__class__ is not str or not key or not key.isascii():
            return False
    return are_plain(attributes, longest)
