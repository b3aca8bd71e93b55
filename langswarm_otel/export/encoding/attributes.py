"""Attributes: each as a KeyValue with its length, taken from a cache where the same pair was there before.

The tag in front depends on the message that holds the attribute, so it is no part of what is kept: ``tag.join([b"", *fields])``.

Only texts are kept: ``1``, ``True`` and ``1.0`` are equal and hash equal, and so are ``0.0`` and ``-0.0``; a number is quick to add to what
its key has ready. A key whose values hardly ever repeat keeps the few it has and encodes the others each time. Everything is bounded: long
texts are neither kept nor hashed, and a full cache starts anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export.encoding.values import any_value, pack_double
from langswarm_otel.export.encoding.wire import VARINTS, with_length
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TEXT: Final = 64
"""Characters of a value that is kept; also bytes of a key."""

MAX_VALUES: Final = 64
"""Kept values of a key."""

MAX_ENTRIES: Final = 4096
"""Kept values of a cache, some 300 bytes each, and its keys, which count for several."""

_KEY_ENTRIES: Final = 4

_FIVE_BYTES: Final = 1 << 35
"""Numbers below this have a varint of at most five bytes."""

_MISSES: Final = 1024
"""Values a full key has met since, after which it forgets the ones it keeps: they may be of an hour ago."""


class _Key:
    """An attribute key and its latest values."""

    __slots__ = ("double", "false", "head", "ints", "misses", "texts", "true")

    def __init__(self, name: bytes) -> None:
        self.head = with_length(b"\x0a", name) + b"\x12"  # key; value
        self.texts: dict[str, bytes] = {}
        self.ints = tuple(self.field(b"\x18" + bytes(size))[:-size] if size else b"" for size in range(6))  # by the bytes of a varint
        self.true = self.field(b"\x10\x01")
        self.false = self.field(b"\x10\x00")
        self.double = self.field(b"\x21" + bytes(8))[:-8]
        self.misses = 0

    def field(self, value: bytes) -> bytes:
        """Return the pair of this key and the content of an AnyValue, with its length."""
        size = VARINTS[len(value)]
        return VARINTS[len(self.head) + len(size) + len(value)] + self.head + size + value

    def text(self, value: str) -> bytes:
        """Return the pair of this key and a text; as ``field`` of ``any_value``, in one go."""
        data = value.encode()
        size = VARINTS[len(data)]
        outer = VARINTS[1 + len(size) + len(data)]
        return b"".join((VARINTS[len(self.head) + len(outer) + 1 + len(size) + len(data)], self.head, outer, b"\x0a", size, data))


class AttributeFields:
    """A cache of encoded attributes.

    Threads: for one at a time. Used by several at once it may hold a few entries more than it should, never a wrong one.
    """

    def __init__(self) -> None:
        self._keys: dict[Any, _Key] = {}
        self._entries = 0

    def append(self, parts: list[bytes], attributes: Mapping[str, Any]) -> None:  # noqa: C901 - no calls in here, it is the hot path
        """Append each attribute to ``parts``.

        One that cannot be encoded is left out, as the official encoder does, and counted as a fault.
        """
        keys = self._keys
        for key, value in attributes.items():
            known = keys.get(key)
            if known is None:
                known = self._new_key(key)
                if known is None:
                    continue
            kind = value.__class__
            if kind is str:
                field = known.texts.get(value) if len(value) <= MAX_TEXT else None
            elif kind is int:
                if 0 <= value < _FIVE_BYTES:
                    digits = VARINTS[value]
                    field = known.ints[len(digits)] + digits
                else:
                    field = None
            elif kind is bool:
                field = known.true if value else known.false
            elif kind is float:
                field = known.double + pack_double(value)
            else:
                field = None
            if field is None:
                field = self._miss(known, value)
                if field is None:
                    continue
            parts.append(field)

    def joined(self, tag: bytes, attributes: Mapping[str, Any]) -> bytes:
        """Return attributes as fields of a message that knows them by this tag."""
        parts = [b""]
        self.append(parts, attributes)
        return tag.join(parts)

    def _new_key(self, key: Any) -> _Key | None:
        try:
            name = key.encode() if isinstance(key, str) else _name_in_bytes(key)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a key costs this attribute only
            record_fault("encoding of an attribute", error)
            return None
        known = _Key(name)
        if key.__class__ is str and len(name) <= MAX_TEXT:
            self._make_room(_KEY_ENTRIES)
            self._keys[key] = known
        return known

    def _miss(self, known: _Key, value: Any) -> bytes | None:
        try:
            field = known.text(value) if value.__class__ is str else known.field(any_value(value))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a value costs this attribute only
            record_fault("encoding of an attribute", error)
            return None
        if value.__class__ is str and len(value) <= MAX_TEXT:
            self._keep(known, value, field)
        return field

    def _keep(self, known: _Key, value: str, field: bytes) -> None:
        kept = known.texts
        if len(kept) < MAX_VALUES:
            self._make_room(1)
            kept[value] = field
            return
        known.misses += 1
        if known.misses >= _MISSES:
            known.misses = 0
            self._entries -= len(kept)
            kept.clear()

    def _make_room(self, entries: int) -> None:
        self._entries += entries
        if self._entries > MAX_ENTRIES:
            self._entries = entries
            self._keys.clear()


def _name_in_bytes(key: Any) -> bytes:
    """Return a key that is text already encoded, which protobuf takes, too."""
    if not isinstance(key, bytes):
        raise TypeError(f"{type(key).__name__} is no type of a key")
    key.decode()
    return key
