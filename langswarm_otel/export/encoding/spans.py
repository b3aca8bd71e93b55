"""Spans, as the fields of a ScopeSpans."""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import SpanKind

from langswarm_otel.export.encoding.attributes import AttributeFields
from langswarm_otel.export.encoding.errors import EncodingError, UnknownError
from langswarm_otel.export.encoding.group import COMPLETE, Group, Groups
from langswarm_otel.export.encoding.official import encode_span
from langswarm_otel.export.encoding.wire import VARINTS, TextFields, counter_field, signed_varint, text_field, with_length
from langswarm_otel.export.sdk_private import parts_of_context, parts_of_span, plain_attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.trace import Link, Status

_ROOT: Final = struct.Struct("<H16sH8sHBQBQHI").pack
_CHILD: Final = struct.Struct("<H16sH8sHBQBQHIH8s").pack
_LINK: Final = struct.Struct("<H16sH8sBI").pack
_EVENT: Final = struct.Struct("<BQ").pack

# Tag and length, or tag and one byte of a value, as one little-endian number.
_TRACE_ID: Final = 0x100A  # 1, 16 bytes
_SPAN_ID: Final = 0x0812  # 2, 8 bytes
_PARENT_SPAN_ID: Final = 0x0822  # 4, 8 bytes
_START: Final = 0x39  # 7, fixed64
_END: Final = 0x41  # 8, fixed64
_FLAGS: Final = 0x0185  # 16, fixed32
_LINK_FLAGS: Final = 0x35  # 6, fixed32
_EVENT_TIME: Final = 0x09  # 1, fixed64

_LOCAL: Final = 0x100
"""SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK."""

_REMOTE: Final = 0x300
"""With SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK."""

_NOTHING: Final = object()
"""What no span has."""

_KINDS: Final = {
    id(kind): 0x30 | number << 8  # 6, varint
    for kind, number in (
        (SpanKind.INTERNAL, 1),
        (SpanKind.SERVER, 2),
        (SpanKind.CLIENT, 3),
        (SpanKind.PRODUCER, 4),
        (SpanKind.CONSUMER, 5),
    )
}
"""By identity: the hash of an enum's member is a function in Python."""


class SpanEncoder:
    """Encodes ended spans, one by one.

    Threads: for one at a time; make one for each thread that encodes.
    """

    def __init__(self) -> None:
        self._attributes = AttributeFields()
        self._groups = Groups(self._attributes)
        self._names = TextFields(partial(text_field, b"\x2a"))
        self._event_names = TextFields(partial(text_field, b"\x12"))
        self._last: tuple[Any, Any, Group] = (_NOTHING, _NOTHING, COMPLETE)
        self._status: tuple[Any, bytes] = (_NOTHING, b"")
        self._state: tuple[Any, bytes] = (_NOTHING, b"")

    def encode(self, span: ReadableSpan) -> tuple[Group, bytes]:
        """Return what a span is sent under, and its field in a ScopeSpans.

        What is not in our tables goes to the official encoder, which is imported only then.

        Raises:
            EncodingError: the span cannot be encoded: a name or a description with a lone surrogate, an id or a time out of range.
        """
        try:
            return self._encode(span)
        except (UnicodeEncodeError, OverflowError) as error:
            raise EncodingError(f"a span cannot be encoded ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - the official encoder may know what we do not
            return encode_span(span, error)

    def _encode(self, span: ReadableSpan) -> tuple[Group, bytes]:
        # fmt: off
        (
            context, parent, name, kind, start, end, attributes, dropped_attributes, events, dropped_events, links, dropped_links,
            status, resource, scope,
        ) = parts_of_span(span)
        # fmt: on
        trace_id, span_id, _, state = parts_of_context(context)
        kind_field = _KINDS.get(id(kind))
        if kind_field is None:
            raise UnknownError("kind of span")
        trace_bytes, span_bytes = trace_id.to_bytes(16, "big"), span_id.to_bytes(8, "big")
        start, end = start or 0, end or 0
        if parent is None:
            fixed = _ROOT(_TRACE_ID, trace_bytes, _SPAN_ID, span_bytes, kind_field, _START, start, _END, end, _FLAGS, _LOCAL)
        else:
            _, parent_id, remote, _ = parts_of_context(parent)
            flags, parent_bytes = _REMOTE if remote else _LOCAL, parent_id.to_bytes(8, "big")
            # fmt: off
            fixed = _CHILD(
                _TRACE_ID, trace_bytes, _SPAN_ID, span_bytes, kind_field, _START, start, _END, end, _FLAGS, flags,
                _PARENT_SPAN_ID, parent_bytes,
            )
            # fmt: on
        fields = [(self._names.get(name) if name.__class__ is str else None) or self._names.add(name)]
        if attributes:
            self._attributes.append(fields, attributes)
        described = b"\x4a".join(fields)  # attributes
        known_status, status_field = self._status
        if status is not known_status:
            status_field = self._status_field(status)
        known_state, rest = self._state
        if state is not known_state:
            rest = self._state_field(state)
        if events or links:
            rest += b"".join([*map(self._event, events), *map(self._link, links)])
        if dropped_attributes or dropped_events or dropped_links:
            rest += (
                counter_field(b"\x50", dropped_attributes) + counter_field(b"\x60", dropped_events) + counter_field(b"\x70", dropped_links)
            )
        size = VARINTS[len(fixed) + len(described) + len(status_field) + len(rest)]
        known_resource, known_scope, group = self._last
        if resource is not known_resource or scope is not known_scope:
            group = self._groups.of(resource, scope)
            self._last = (resource, scope, group)
        return group, b"".join((b"\x12", size, fixed, described, status_field, rest))  # spans

    def _status_field(self, status: Status | None) -> bytes:
        """Return a status, and remember it: most spans share that of the SDK's default argument."""
        if status is None:
            return b""
        code: int = status.status_code.value
        content = (b"\x18" + signed_varint(code) if code else b"") + text_field(b"\x12", status.description)  # code; message
        field = with_length(b"\x7a", content)
        self._status = (status, field)
        return field

    def _state_field(self, state: Any) -> bytes:
        """Return a trace state, and remember it: most spans share the empty one."""
        if state is None:
            return b""
        field = text_field(b"\x1a", ",".join([f"{key}={value}" for key, value in state.items()]))
        self._state = (state, field)
        return field

    def _event(self, event: Event) -> bytes:
        name = event.name
        fields = [(self._event_names.get(name) if name.__class__ is str else None) or self._event_names.add(name)]
        if event.attributes:
            self._attributes.append(fields, plain_attributes(event.attributes))
        content = _EVENT(_EVENT_TIME, event.timestamp or 0) + b"\x1a".join(fields)  # attributes
        dropped = event.dropped_attributes
        return with_length(b"\x5a", content + counter_field(b"\x20", dropped) if dropped else content)

    def _link(self, link: Link) -> bytes:
        trace_id, span_id, remote, _ = parts_of_context(link.context)
        flags = _REMOTE if remote else _LOCAL
        fields = [_LINK(_TRACE_ID, trace_id.to_bytes(16, "big"), _SPAN_ID, span_id.to_bytes(8, "big"), _LINK_FLAGS, flags)]
        if link.attributes:
            self._attributes.append(fields, plain_attributes(link.attributes))
        return with_length(b"\x6a", b"\x22".join(fields) + counter_field(b"\x28", link.dropped_attributes))  # attributes
