"""Log records, as the fields of a ScopeLogs."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export.encoding.attributes import AttributeFields
from langswarm_otel.export.encoding.errors import EncodingError
from langswarm_otel.export.encoding.group import COMPLETE, Group, Groups
from langswarm_otel.export.encoding.official import encode_log
from langswarm_otel.export.encoding.values import any_value
from langswarm_otel.export.encoding.wire import MAX_TEXT, VARINTS, TextFields, counter_field, signed_varint, text_field, with_length
from langswarm_otel.export.sdk_private import plain_attributes

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord

_OUTSIDE: Final = struct.Struct("<BQBQBI").pack
_IN_SPAN: Final = struct.Struct("<BQBQBIH16sH8s").pack

# Tag, or tag and length as one little-endian number.
_TIME: Final = 0x09  # 1, fixed64
_OBSERVED: Final = 0x59  # 11, fixed64
_FLAGS: Final = 0x45  # 8, fixed32
_TRACE_ID: Final = 0x104A  # 9, 16 bytes
_SPAN_ID: Final = 0x0852  # 10, 8 bytes

_NOTHING: Final = object()
"""What no record has."""


class LogEncoder:
    """Encodes log records, one by one.

    Threads: for one at a time; make one for each thread that encodes.
    """

    def __init__(self) -> None:
        self._attributes = AttributeFields()
        self._groups = Groups(self._attributes)
        self._severities: dict[int, tuple[Any, bytes]] = {}
        self._severity_texts = TextFields(partial(text_field, b"\x1a"))
        self._event_names = TextFields(partial(text_field, b"\x62"))
        self._bodies = TextFields(_body)
        self._last: tuple[Any, Any, Group] = (_NOTHING, _NOTHING, COMPLETE)

    def encode(self, record: ReadableLogRecord) -> tuple[Group, bytes]:
        """Return what a log record is sent under, and its field in a ScopeLogs.

        What is not in our tables goes to the official encoder, which is imported only then.

        Raises:
            EncodingError: the record cannot be encoded: a lone surrogate in a text other than an attribute, a body of no type of OTLP or
                with an integer beyond 64 bits, an id or a time out of range.
        """
        try:
            return self._encode(record)
        except (UnicodeEncodeError, OverflowError) as error:
            raise EncodingError(f"a log record cannot be encoded ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - the official encoder may know what we do not
            return encode_log(record, error)

    def _encode(self, record: ReadableLogRecord) -> tuple[Group, bytes]:
        log: Any = record.log_record
        trace_id, span_id, time, observed = log.trace_id, log.span_id, log.timestamp or 0, log.observed_timestamp or 0
        if trace_id and span_id:
            fixed = _IN_SPAN(
                _TIME,
                time,
                _OBSERVED,
                observed,
                _FLAGS,
                log.trace_flags,
                _TRACE_ID,
                trace_id.to_bytes(16, "big"),
                _SPAN_ID,
                span_id.to_bytes(8, "big"),
            )
        else:
            fixed = _OUTSIDE(_TIME, time, _OBSERVED, observed, _FLAGS, log.trace_flags) + _half_context(trace_id, span_id)
        body = log.body
        if body.__class__ is str:
            body_field = (self._bodies.get(body) if len(body) <= MAX_TEXT else None) or self._bodies.add(body)
        else:
            body_field = _body(body)
        fields = [b"".join((fixed, self._words(log), body_field))]
        attributes = log.attributes
        if attributes:
            self._attributes.append(fields, plain_attributes(attributes))
        content = b"\x32".join(fields)  # attributes
        dropped = getattr(attributes, "dropped", 0)
        if dropped:
            content += counter_field(b"\x38", record.dropped_attributes)
        resource, scope = record.resource, record.instrumentation_scope
        known_resource, known_scope, group = self._last
        if resource is not known_resource or scope is not known_scope:
            group = self._groups.of(resource, scope)
            self._last = (resource, scope, group)
        return group, b"".join((b"\x12", VARINTS[len(content)], content))

    def _severity(self, severity: Any) -> bytes:
        """Return a severity, and remember its field by identity: the hash of an enum's member is a function in Python."""
        number = getattr(severity, "value", None) or 0
        field = b"\x10" + signed_varint(number) if number else b""
        if len(self._severities) > 64:  # noqa: PLR2004 - there are 25; whatever else comes must not stay
            self._severities.clear()
        self._severities[id(severity)] = (severity, field)
        return field

    def _words(self, log: Any) -> bytes:
        """Return severity, its text and the name of the event."""
        severity, text, name = log.severity_number, log.severity_text, log.event_name
        known = self._severities.get(id(severity))
        field = self._severity(severity) if known is None else known[1]
        if text:
            field += (self._severity_texts.get(text) if text.__class__ is str else None) or self._severity_texts.add(text)
        if name:
            field += (self._event_names.get(name) if name.__class__ is str else None) or self._event_names.add(name)
        return field


def _body(body: Any) -> bytes:
    return with_length(b"\x2a", any_value(body))


def _half_context(trace_id: int | None, span_id: int | None) -> bytes:
    """Return the ids of a record that has but one of them, or none."""
    return (with_length(b"\x4a", trace_id.to_bytes(16, "big")) if trace_id else b"") + (
        with_length(b"\x52", span_id.to_bytes(8, "big")) if span_id else b""
    )
