"""AnyValue: what an attribute or the body of a log record may hold, in the order of questions of the official encoder."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from langswarm_otel.export.encoding.wire import signed_varint, with_length

pack_double: Final = struct.Struct("<d").pack

_OF_AN_ARRAY: Final = 2
"""Messages that an array puts around an item: itself and the value."""

_OF_A_MAPPING: Final = 3
"""Messages that a mapping puts around an item: itself, the pair and the value."""


DEPTH: Final = 95
"""Messages that a value may have inside each other.

Readers of protobuf stop at 100, of which a request, its entries, the record and the pair take five. What is deeper costs the whole request
of the official encoder, or the attribute if it is deeper still; here it always costs the attribute.
"""


def any_value(value: Any, depth: int = DEPTH) -> bytes:
    """Return the content of an AnyValue.

    Args:
        value: what an attribute or a body may hold.
        depth: how many messages may still be inside each other.

    Raises:
        TypeError: OTLP has no such type.
        OverflowError: an integer with more than 64 bits.
        UnicodeEncodeError: a text with a lone surrogate.
        RecursionError: nested too deeply, or a cycle.
    """
    kind = value.__class__
    if kind is str:
        return with_length(b"\x0a", value.encode())  # string_value
    if kind is int:
        return b"\x18" + signed_varint(value)  # int_value
    if kind is tuple:
        return _array(value, depth)
    return _by_inheritance(value, depth)


def _by_inheritance(value: Any, depth: int) -> bytes:  # noqa: PLR0911 - one for each type of OTLP
    if value is None:
        return b""
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"  # bool_value
    if isinstance(value, str):
        return with_length(b"\x0a", str.encode(value))  # string_value
    if isinstance(value, int):
        return b"\x18" + signed_varint(int.__index__(value))  # int_value, also of an IntEnum
    if isinstance(value, float):
        return b"\x21" + pack_double(value)  # double_value
    if isinstance(value, bytes):
        return with_length(b"\x3a", value)  # bytes_value
    if isinstance(value, Sequence):
        return _array(value, depth)
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    raise TypeError(f"{type(value).__name__} is no type of OTLP")


def _array(values: Sequence[Any], depth: int) -> bytes:
    if depth < _OF_AN_ARRAY:
        raise RecursionError("nested too deeply")
    items = [with_length(b"\x0a", any_value(value, depth - _OF_AN_ARRAY)) for value in values]  # values
    return with_length(b"\x2a", b"".join(items))  # array_value


def _mapping(mapping: Mapping[Any, Any], depth: int) -> bytes:
    if depth < _OF_A_MAPPING:
        raise RecursionError("nested too deeply")
    pairs = [
        with_length(b"\x0a", str(key).encode()) + with_length(b"\x12", any_value(value, depth - _OF_A_MAPPING))  # key; value
        for key, value in mapping.items()
    ]
    return with_length(b"\x32", b"".join([with_length(b"\x0a", pair) for pair in pairs]))  # kvlist_value; values
