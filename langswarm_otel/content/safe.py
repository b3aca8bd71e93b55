"""Safe values: whatever the caller hands us becomes something that every OTLP encoder and every backend can take.

The SDK keeps lone surrogates, integers beyond 64 bits and unsupported objects, and its OTLP encoder then loses the attribute, the record
or the whole batch. These functions run at our edge and once more before encoding; a value that is safe already comes back as the very
same object, which is the fast path.

The rules, which hold for attributes (``nested=False``) unless stated otherwise:

* strings: lone surrogates become U+FFFD (a split pair is joined), cut to ``max_length`` code points, as OpenTelemetry counts;
* booleans, floats (NaN and infinities too) and integers of 64 bits stay; larger integers become their digits;
* ``None`` means absent;
* lists and tuples of one primitive type stay lists, everything mixed or nested becomes JSON text (a JSON number cannot be NaN: it becomes
  a string); sets become sorted lists;
* mappings, dataclasses and objects with ``model_dump`` become JSON text; with ``nested=True`` (log bodies and log attributes) they and
  nested lists stay trees;
* bytes become base64 text up to 1 KiB, and their size beyond;
* an enum member counts as its value, other numbers as ``int`` or ``float``, times as ISO 8601, anything else as its ``str``; objects
  without a ``str`` of their own as ``<module.Type>``, so that no memory address gets into telemetry.

Depth, items, characters and cycles are bounded. Nothing here raises, whatever ``__str__`` or ``__iter__`` of a value does.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import json
import math
import numbers
from collections import UserString
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from opentelemetry.util.types import AnyValue

MAX_ITEMS: Final = 4096
"""Items of a flat list that are kept."""

MAX_NODES: Final = 2000
"""Values of one nested value that are kept."""

MAX_SIBLINGS: Final = 500
"""Values of one collection inside a nested value that are kept."""

MAX_DEPTH: Final = 16
"""Levels of a nested value that are kept; OTLP decoders give up at about 30."""

MAX_CHARACTERS: Final = 2**20
"""Characters of one nested value that are kept."""

MAX_BYTES_AS_TEXT: Final = 1024
"""Bytes that are shown as base64; of more, only the size is shown."""

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_PRIMITIVES: Final = frozenset({str, bool, int, float})
_LISTS: Final = frozenset({list, tuple})
_MORE: Final = "..."


def safe_text(text: str) -> str:
    """Return ``text`` without lone surrogates; the same object if it has none."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def safe_value(value: object, *, max_length: int | None = None, nested: bool = False) -> AnyValue:
    """Return ``value`` in a form that every OTLP encoder takes; ``None`` means that the attribute is absent.

    Args:
        value: anything.
        max_length: longest string, and longest JSON text, in characters; None leaves strings uncut.
        nested: keep mappings and lists as trees, as log bodies and log attributes may be, instead of writing JSON text.
    """
    kind = type(value)
    if kind is str:
        return _fit(cast("str", value), max_length)
    if kind is bool or kind is float or value is None:
        return cast("bool | float | None", value)
    if kind is int:
        number = cast("int", value)
        return number if _INT64_MIN <= number <= _INT64_MAX else _digits(number)
    try:
        if kind in _LISTS and (flat := _flat(cast("Sequence[Any]", value), max_length)) is not None:
            return flat
        return _convert(value, max_length, nested)
    except Exception:  # noqa: BLE001 - the value's own code ran
        return _fit(_type_name(value), max_length)


def safe_attributes(attributes: Mapping[Any, Any] | None, *, max_length: int | None = None, nested: bool = False) -> Mapping[str, AnyValue]:
    """Return ``attributes`` with safe keys and values; the same object if nothing had to change.

    Keys that are no strings become text (an existing string key of that text wins); empty keys and absent values are left out. A mapping
    that cannot be read counts as empty.

    Args:
        attributes: any mapping.
        max_length: as in ``safe_value``.
        nested: as in ``safe_value``.
    """
    if attributes is None:
        return {}
    # The SDK's attributes are a proxy over a mapping in Python: iterating it costs five times the one C copy.
    present = attributes if type(attributes) is dict else snapshot(attributes)
    try:
        for key, value in present.items():
            if not key or ((type(key) is not str or not key.isascii()) and _key(key) is not key):
                return _rebuild(present, max_length, nested)
            if type(value) is str and value.isascii() and (max_length is None or len(value) <= max_length):
                continue
            if value is None or safe_value(value, max_length=max_length, nested=nested) is not value:
                return _rebuild(present, max_length, nested)
    except RuntimeError:  # another thread changed the caller's dict meanwhile
        return _rebuild(present, max_length, nested)
    return attributes if present or type(attributes) is dict else present


def _rebuild(attributes: dict[Any, Any], max_length: int | None, nested: bool) -> dict[str, AnyValue]:
    result: dict[str, AnyValue] = {}
    for key, value in attributes.copy().items():
        name = _key(key)
        safe = safe_value(value, max_length=max_length, nested=nested)
        if name and safe is not None and (name is key or name not in attributes):
            result[name] = safe
    return result


def snapshot(attributes: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return a plain copy of any mapping, quickly for the SDK's; empty if the mapping cannot be read."""
    try:
        copy = getattr(attributes, "copy", None)
        copied = copy() if copy is not None else None
        return copied if type(copied) is dict else dict(attributes)
    except Exception:  # noqa: BLE001 - the mapping's own code ran
        return {}


def json_text(value: object, *, max_length: int | None = None) -> str:
    """Return ``value`` as JSON text that never exceeds ``max_length`` characters.

    Strings inside are shortened first, then long lists, so that the text nearly always remains valid JSON; at worst it is cut.
    """
    return _write(_Tree(max_length=max_length, for_json=True).build(value), max_length)


def _write(tree: object, max_length: int | None) -> str:
    text = _dump(tree)
    if max_length is None or len(text) <= max_length:
        return text
    for share, items in ((max_length // 4, MAX_NODES), (max_length // 32, MAX_NODES), (64, 32), (32, 8), (16, 2)):
        shorter = _dump(_shorten(tree, share, items))
        if len(shorter) <= max_length:
            return shorter
    return text[:max_length]


def _fit(text: str, max_length: int | None) -> str:
    if max_length is not None and len(text) > max_length:
        text = text[:max_length]
    return text if text.isascii() else safe_text(text)


def _key(key: object) -> str:
    if key is None:
        return ""
    if isinstance(key, str):
        return safe_text(key) if type(key) is str else safe_text(str.__str__(key))
    key_text = safe_value(key, max_length=MAX_BYTES_AS_TEXT)
    return key_text if type(key_text) is str else str(key_text)


def _convert(value: object, max_length: int | None, nested: bool) -> AnyValue:
    """Convert what is neither None, nor of an exact primitive type, nor a list of one."""
    simple = _simplify(value)
    if type(simple) in _LISTS:
        if simple is not value and (flat := _flat(simple, max_length)) is not None:
            return flat
    elif not isinstance(simple, Mapping):
        return safe_value(simple, max_length=max_length)
    tree = _Tree(max_length=max_length, for_json=not nested).build(simple)
    # A collection that could not be read has become the name of its type.
    return cast("AnyValue", tree) if nested or type(tree) is str else _write(tree, max_length)


def _flat(items: Sequence[Any], max_length: int | None) -> Sequence[Any] | None:
    """Return a list of one primitive type, the same object if it is safe; None if it is not of one primitive type."""
    if len(items) > MAX_ITEMS:
        items = items[:MAX_ITEMS]
    kinds = set(map(type, items))
    if len(kinds) > 1 or not kinds <= _PRIMITIVES:
        return None
    if str in kinds:
        fitted = [_fit(item, max_length) for item in items]
        return items if all(map(_same, fitted, items)) else fitted
    if int in kinds and (min(items) < _INT64_MIN or max(items) > _INT64_MAX):
        return [_digits(item) for item in items]
    return items


def _same(one: object, other: object) -> bool:
    return one is other


def _simplify(value: Any) -> Any:
    """Return an exact primitive, a list or a mapping that stands for ``value``; runs the value's own code, so it may raise."""
    for kinds, simplify in _SIMPLIFIERS:
        if isinstance(value, kinds):
            return simplify(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if callable(getattr(type(value), "model_dump", None)):
        return value.model_dump()
    own: Any = type(value)
    return _type_name(value) if own.__str__ is object.__str__ and own.__repr__ is object.__repr__ else str(value)


def _bytes_as_text(value: Any) -> str:
    view = memoryview(value)
    return base64.b64encode(view).decode() if view.nbytes <= MAX_BYTES_AS_TEXT else f"<{view.nbytes} bytes>"


def _sorted_items(value: AbstractSet[Any]) -> list[Any]:
    items = list(islice(value, MAX_ITEMS))
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=repr)


def _mapping(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return value


def _first_items(value: Iterable[Any]) -> list[Any]:
    return list(islice(value, MAX_ITEMS))


_SIMPLIFIERS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    ((list, tuple), lambda value: value if type(value) in _LISTS else _first_items(value)),
    (dict, _mapping),
    (enum.Enum, lambda value: value.value),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    ((bytes, bytearray, memoryview), _bytes_as_text),
    (Mapping, _mapping),
    (AbstractSet, _sorted_items),
    (UserString, str),
    (Sequence, _first_items),
    ((dt.datetime, dt.date, dt.time), lambda value: value.isoformat()),
    (numbers.Integral, int),
    (numbers.Real, float),
)
"""What stands for which kinds, the first that fits."""


class _Tree:
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
            simple = value if type(value) in _PRIMITIVES or value is None else _simplify(value)
            if isinstance(simple, (list, tuple, Mapping)):
                return self._inside(value, simple)
            return self._leaf(simple)
        except Exception:  # noqa: BLE001 - the value's own code ran
            return self._leaf(_type_name(value))

    def _leaf(self, value: object) -> AnyValue:
        if type(value) is str:
            text = _fit(value, max(0, min(self._max_length, self._characters)))
            self._characters -= len(text)
            return text
        if type(value) is float and self._for_json and not math.isfinite(value):
            return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
        return safe_value(value, max_length=self._max_length)

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
            name = _fit(_key(key), min(self._max_length, MAX_BYTES_AS_TEXT))
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
        return tree[:share]
    if type(tree) is list:
        kept: list[object] = [_shorten(item, share, items) for item in tree[:items]]
        return kept if len(tree) <= items else [*kept, f"<{len(tree) - items} more>"]
    if type(tree) is dict:
        members = {key: _shorten(value, share, items) for key, value in islice(tree.items(), items)}
        return members if len(tree) <= items else {**members, _MORE: f"<{len(tree) - items} more>"}
    return tree


def _digits(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # Python refuses to write more than 4300 digits
        return f"<integer of {number.bit_length()} bits>"


def _type_name(value: object) -> str:
    try:
        kind = type(value)
        return safe_text(f"<{kind.__module__}.{kind.__qualname__}>")
    except Exception:  # noqa: BLE001 - a metaclass' own code ran
        return "<object>"
