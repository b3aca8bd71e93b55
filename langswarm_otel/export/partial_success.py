"""What an OTLP answer says beside its status, read without protobuf.

All three messages have field 1, ``partial_success``, in which field 1 is the number of rejected records and field 2 a sentence.
"""

from __future__ import annotations

from typing import Final

from langswarm_otel.export.causes import shorten
from langswarm_otel.export.delivery import Delivery

_VARINT: Final = 0
_EIGHT_BYTES: Final = 1
_LENGTH: Final = 2
_FOUR_BYTES: Final = 5
_LONGEST_VARINT: Final = 10
_NEGATIVE: Final = 1 << 63
_ALL_BITS: Final = (1 << 64) - 1


def taken(body: bytes) -> Delivery:
    """Return what has become of a batch that the server answered with success and this body."""
    rejected, message = read_partial_success(body)
    return Delivery(rejected=rejected, cause=shorten(message) or ("rejected by the Collector" if rejected else None))


def read_partial_success(body: bytes) -> tuple[int, str]:
    """Return how many records were rejected and why; ``(0, "")`` for bytes that are no such message."""
    rejected, message = 0, b""
    try:
        for number, kind, inner in read_fields(body):
            if (number, kind) != (1, _LENGTH) or not isinstance(inner, bytes):
                continue
            for part, part_kind, value in read_fields(inner):
                if (part, part_kind) == (1, _VARINT) and isinstance(value, int):
                    rejected = value - (1 << 64) if value & _NEGATIVE else value
                elif (part, part_kind) == (2, _LENGTH) and isinstance(value, bytes):
                    message = value
    except (ValueError, IndexError):
        return 0, ""
    return rejected, message.decode(errors="replace")


def read_fields(data: bytes) -> list[tuple[int, int, int | bytes]]:
    """Return number, wire type and value of each field."""
    found: list[tuple[int, int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | bytes
        if kind == _VARINT:
            value, at = _varint(data, at)
        elif kind == _LENGTH:
            length, at = _varint(data, at)
            value, at = _bytes(data, at, length)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            value, at = _bytes(data, at, 8 if kind == _EIGHT_BYTES else 4)
        else:
            raise ValueError(kind)
        found.append((number, kind, value))
    return found


def _bytes(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(data):
        raise ValueError(length)
    return data[at:end], end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return value & _ALL_BITS, at + place + 1
    raise ValueError(at)
