"""Values that are too large, cut so that what is missing can still be told: how long it was, and a digest by which two can be compared."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DIGESTED: Final = 512 * 1024
"""The digest of a longer text is of so many characters at its beginning and its end: the rest would take the caller's time."""

_CUT: Final = "... [cut: "
_LONGEST_END: Final = 80
_NUMBERS: Final = frozenset((int, float, bool))

LEAST: Final = 256
"""Bytes of a value that a budget leaves in any case."""

MAX_RECORD_BYTES: Final = 1024 * 1024
"""What the texts of one span or log record may take: well below the 4 MB that gRPC takes for a whole request."""


def digest(text: str) -> str:
    """Return the first 16 hexadecimal digits of a SHA-256."""
    if len(text) > 2 * DIGESTED:
        text = text[:DIGESTED] + text[-DIGESTED:]
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def cut_text(text: str, max_length: int) -> str:
    """Return a text of at most so many characters; the end of one that was cut says how long it was and gives its digest."""
    if len(text) <= max_length:
        return text
    end = f"{_CUT}{len(text)} characters, sha256 {digest(text)}]"
    return text[: max_length - len(end)] + end if max_length > 2 * len(end) else text[:max_length]


def cut_again(text: str, max_length: int) -> str:
    """Return a text, which may have been cut before, of at most so many characters: what its end says of the whole stays."""
    if len(text) <= max_length:
        return text
    end = text.rfind(_CUT, len(text) - _LONGEST_END)
    if end < 0 or not text.endswith("]"):
        return cut_text(text, max_length)
    told = text[end:]
    return text[: max_length - len(told)] + told if max_length > 2 * len(told) else text[:max_length]


def size_of(value: Any) -> int:
    """Return the bytes of a value's text, as nearly as its characters tell; numbers count as nothing."""
    if value.__class__ is str:
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, (list, tuple)):
        return sum(map(size_of, value))
    if isinstance(value, dict):
        return sum(len(str(key)) + size_of(item) for key, item in value.items())
    return len(value) if isinstance(value, bytes) else 0


def is_small(attributes: Mapping[str, Any], body: Any, budget: int) -> bool:
    """Whether attributes and a body surely keep to a budget, seen quickly."""
    total = 0 if body is None else len(body) if body.__class__ is str else budget
    for value in attributes.values():
        if value.__class__ is str:
            total += len(value)
        elif value.__class__ not in _NUMBERS:
            return False
    return total * 4 <= budget


def within_budget(mappings: Sequence[Mapping[str, Any]], budget: int) -> list[Mapping[str, Any]] | None:
    """Return the attributes of one record so that all their texts keep to a budget: the largest are cut, evenly.

    Returns:
        The mappings, those that need no change as they are; None if all may stay.
    """
    sizes = [size_of(value) for mapping in mappings for value in mapping.values()]
    if sum(sizes) <= budget:
        return None
    longest = share(sizes, budget)
    return [
        {key: cut_value(value, longest) if size_of(value) > longest else value for key, value in mapping.items()} for mapping in mappings
    ]


def share(sizes: Iterable[int], budget: int) -> int:
    """Return the size to which the largest have to be cut so that all together keep to a budget; it is not below ``LEAST``."""
    ordered = sorted(sizes)
    left = budget
    for place, size in enumerate(ordered):
        if size * (len(ordered) - place) > left:
            return max(LEAST, left // (len(ordered) - place))
        left -= size
    return budget


def cut_value(value: Any, size: int) -> Any:
    """Return a value of at most so many bytes: a text with its digest, of a list the first items, else a note of what it was."""
    if value.__class__ is str:
        return _cut_to_bytes(value, size)
    if isinstance(value, (list, tuple)):
        kept: list[Any] = []
        for item in value:
            size -= max(size_of(item), 1)
            if size < 0:
                break
            kept.append(item)
        return kept
    return f"<{size_of(value)} bytes, left out>"


def _cut_to_bytes(text: str, size: int) -> str:
    if text.isascii():
        return cut_text(text, size)
    end = f"{_CUT}{len(text)} characters, sha256 {digest(text)}]"
    return text.encode("utf-8", "replace")[: max(0, size - len(end))].decode("utf-8", "ignore") + end
