"""AnyValue: what an attribute or the body of a log record may hold, in the order of questions of the official encoder."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from langswarm_otel.export.encoding.wire import signed_varint, with_length

pack_double = struct.Struct("<d").pack


def any_value(value: Any) -> bytes:
    """Return the content of an AnyValue.

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
        return _array(value)
    return _by_inheritance(value)


def _by_inheritance(value: Any) -> bytes:  # noqa: PLR0911 - one for each type of OTLP
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
        return _array(value)
    if isinstance(value, Mapping):
        return _mapping(value)
    raise TypeError(f"{type(value).__name__} is no type of OTLP")


def _array(values: Sequence[Any]) -> bytes:
    return with_length(b"\x2a", b"".join([with_length(b"\x0a", any_value(value)) for value in values]))  # array_value; values


def _mapping(mapping: Mapping[Any, Any]) -> bytes:
    pairs = [
        with_length(b"\x0a", with_length(b"\x0a", str(key).encode()) + with_length(b"\x12", any_value(value)))  # values; key; value
        for key, value in mapping.items()
    ]
    return with_length(b"\x32", b"".join(pairs))  # kvlist_value
