"""The protobuf wire format, as far as OTLP needs it: varints, fields with a length, and caches that stay small.

A tag is ``number << 3 | type``; it is written out as a byte where it is used, with the name of the field beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.content.texts import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from collections.abc import Callable

_FREQUENT: Final = 4096
"""How many numbers have their varint remembered."""

_TEXTS: Final = 512
MAX_TEXT: Final = 96
"""Characters of a text that is kept; a longer one need not be asked for, which would have it hashed."""

_ONE_BYTE: Final = 1 << 7
_TWO_BYTES: Final = 1 << 14
_LOW: Final = 0x7F
_MORE: Final = 0x80
_MAX_SINT32: Final = (1 << 31) - 1
_WRAP: Final = 1 << 64


def varint(number: int) -> bytes:
    """Return a number from 0 to 2**64 - 1 as a varint.

    Raises:
        OverflowError: it has more than 64 bits.
        ValueError: it is negative.
    """
    if number < _ONE_BYTE:
        return bytes((number,))
    if number < _TWO_BYTES:
        return bytes((number & _LOW | _MORE, number >> 7))
    if number >= _WRAP:
        raise OverflowError("more than 64 bits")
    parts = bytearray()
    while number > _LOW:
        parts.append(number & _LOW | _MORE)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def signed_varint(number: int) -> bytes:
    """Return a number as the varint of an int64 or an enum; negative ones take ten bytes.

    Raises:
        OverflowError: it has more than 64 bits.
    """
    if number >= 0:
        if number > INT64_MAX:
            raise OverflowError("more than 64 bits")
        return varint(number)
    if number < INT64_MIN:
        raise OverflowError("more than 64 bits")
    return varint(number + _WRAP)


def zigzag(number: int) -> bytes:
    """Return a number as the varint of a sint32.

    Raises:
        OverflowError: it has more than 32 bits.
    """
    if not -_MAX_SINT32 - 1 <= number <= _MAX_SINT32:
        raise OverflowError("more than 32 bits")
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


class _Varints(dict[int, bytes]):
    """Varints of lengths and small numbers; filled as they are asked for, so that nothing is computed at import."""

    def __missing__(self, number: int) -> bytes:
        found = varint(number)
        if 0 <= number < _FREQUENT:
            self[number] = found
        return found


VARINTS: Final = _Varints()
"""``VARINTS[n]`` is the varint of ``n``. Shared by all threads: an entry is the same whoever makes it."""


def with_length(tag: bytes, content: bytes) -> bytes:
    """Return a field that carries its length."""
    return tag + VARINTS[len(content)] + content


def text_field(tag: bytes, text: Any) -> bytes:
    """Return a field of text, nothing for an empty one or None.

    Raises:
        UnicodeEncodeError: the text has a lone surrogate.
    """
    return with_length(tag, text.encode()) if text else b""


def counter_field(tag: bytes, number: int) -> bytes:
    """Return a field of a count, nothing for zero."""
    return tag + VARINTS[number] if number else b""


class TextFields(dict[str, bytes]):
    """Fields of texts that come again and again, as names of spans; ask it by ``fields.get(text) or fields.add(text)``, for a ``str`` only.

    Long texts are not kept, and when it is full it starts anew, so that its size has a bound whatever the texts are.
    """

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        """Make an empty one.

        Args:
            make: returns the field of a text.
        """
        super().__init__()
        self._make = make

    def add(self, text: Any) -> bytes:
        """Return the field of a text, and keep it if it is short."""
        field = self._make(text)
        if text.__class__ is str and len(text) <= MAX_TEXT:
            if len(self) >= _TEXTS:
                self.clear()
            self[text] = field
        return field
