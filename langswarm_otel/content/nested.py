"""Nested values: bounded trees of plain Python values, and their JSON text.

Depth, number of values, characters and cycles are bounded, each with a mark where something was left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence, Sized
from itertools import islice
from typing import Any, Final, cast

from langswarm_otel.content.cutting import cut_again, cut_text
from langswarm_otel.content.media import LEAST, without_media
from langswarm_otel.content.simple import MAX_BYTES_AS_TEXT, PRIMITIVES, simplify
from langswarm_otel.content.texts import digits, fit, safe_text, type_name, whole

MAX_NODES: Final = 2000
"""Values of one nested value that are kept."""

MAX_SIBLINGS: Final = 500
"""Values of one collection inside a nested value that are kept."""

MAX_DEPTH: Final = 16
"""Levels of a nested value that are kept; OTLP decoders give up at about 30."""

MAX_CHARACTERS: Final = 2**20
"""Characters of one nested value that are kept."""

_MORE: Final = "..."


def json_text(value: object, *, max_length: int | None = None) -> str:
    """Return ``value`` as JSON text that never exceeds ``max_length`` characters.

    A JSON number cannot be NaN or infinite: it becomes a string.
    """
    return write_json(Tree(max_length=max_length, for_json=True).build(value), max_length)


def write_json(tree: object, max_length: int | None) -> str:
    """Return the JSON text of what ``Tree`` built.

    If it is too long, strings inside are shortened first, then long lists, so that the text nearly always remains valid JSON; at worst
    it is cut.
    """
    text = _dump(tree)
    if max_length is None or len(text) <= max_length:
        return text
    for share, items in ((max_length // 4, MAX_NODES), (max_length // 32, MAX_NODES), (64, 32), (32, 8), (16, 2)):
        shorter = _dump(_shorten(tree, share, items))
        if len(shorter) <= max_length:
            return shorter
    return text[:max_length]


def text_of_key(key: object) -> str:
    """Return any key of a mapping as safe text; None has none."""
    if key is None:
        return ""
    try:
        simple = simplify(key)
    except Exception:  # noqa: BLE001 - the key's own code ran
        return type_name(key)
    if type(simple) is str:
        return safe_text(simple)
    return digits(simple) if type(simple) is int else json_text(simple, max_length=MAX_BYTES_AS_TEXT)


class Tree:
    """Builds one bounded tree of strings, numbers, booleans, None, lists and dicts out of anything."""

    __slots__ = ("_characters", "_for_json", "_max_length", "_nodes", "_path")

    def __init__(self, *, max_length: int | None, for_json: bool) -> None:
        self._max_length = MAX_CHARACTERS if max_length is None else max_length
        self._for_json = for_json
        self._nodes = MAX_NODES
        self._characters = MAX_CHARACTERS
        self._path: set[int] = set()

    def build(self, value: object) -> object:
        """Return the tree of ``value``."""
        self._nodes -= 1
        try:
            simple = simplify(value)
            if simple is None or type(simple) in PRIMITIVES:
                return self._leaf(simple)
            return self._inside(value, simple)
        except Exception:  # noqa: BLE001 - the value's own code ran
            return self._leaf(type_name(value))

    def _leaf(self, value: object) -> str | bool | float | None:
        if type(value) is str:
            longest = max(0, min(self._max_length, self._characters))
            if len(value) >= LEAST:
                value = without_media(value, longest)
            text = fit(value if len(value) <= longest else cut_text(value, longest), longest)
            self._characters -= len(text)
            return text
        if type(value) is int:
            return whole(value)
        if type(value) is float and self._for_json and not math.isfinite(value):
            return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
        return cast("bool | float | None", value)

    def _inside(self, value: object, simple: Sequence[Any] | Mapping[Any, Any]) -> object:
        if id(value) in self._path:
            return "<cyclic>"
        if len(self._path) >= MAX_DEPTH:
            return "<too deep>"
        self._path.add(id(value))
        try:
            if isinstance(simple, Mapping):
                return self._members(simple)
            items: list[object] = []
            for item in simple:
                if not self._room(items):
                    return [*items, f"<{len(simple) - len(items)} more>"]
                items.append(self.build(item))
            return items
        finally:
            self._path.discard(id(value))

    def _members(self, mapping: Mapping[Any, Any]) -> dict[str, object]:
        # One call into C takes the items of a dict, so that another thread which changes it cannot get in between.
        members = list(islice(mapping.items(), MAX_SIBLINGS + 1))
        tree: dict[str, object] = {}
        for key, value in members:
            if not self._room(tree):
                tree[_MORE] = f"<{len(mapping) - len(tree)} more>"
                break
            name = fit(text_of_key(key), min(self._max_length, MAX_BYTES_AS_TEXT))
            self._characters -= len(name)
            if name or self._for_json:
                tree[name] = self.build(value)
        return tree

    def _room(self, siblings: Sized) -> bool:
        return self._nodes > 0 and self._characters > 0 and len(siblings) < MAX_SIBLINGS


def _dump(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _shorten(tree: object, share: int, items: int) -> object:
    """Cut every string to ``share`` characters and every collection to ``items``."""
    if type(tree) is str:
        return cut_again(tree, share)
    if type(tree) is list:
        kept: list[object] = [_shorten(item, share, items) for item in tree[:items]]
        return kept if len(tree) <= items else [*kept, f"<{len(tree) - items} more>"]
    if type(tree) is dict:
        members = {key: _shorten(value, share, items) for key, value in islice(tree.items(), items)}
        return members if len(tree) <= items else {**members, _MORE: f"<{len(tree) - items} more>"}
    return tree
