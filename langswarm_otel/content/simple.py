"""What stands for a value of any kind: a primitive, a list or a mapping.

Bytes become base64 text up to 1 KiB, and their size beyond; an enum member counts as its value, other numbers as ``int`` or ``float``,
times as ISO 8601, sets as sorted lists, dataclasses and objects with ``model_dump`` as mappings, functions and classes as their names,
anything else as its ``str``; objects without a ``str`` of their own as ``<module.Type>``. Iterators are not consumed.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import numbers
from collections import UserString
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any, Final

from langswarm_otel.content.texts import type_name

MAX_ITEMS: Final = 4096
"""Items of a flat list that are kept."""

MAX_BYTES_AS_TEXT: Final = 1024
"""Bytes that are shown as base64; of more, only the size is shown."""

PRIMITIVES: Final = frozenset({str, bool, int, float})
"""Exact types of single values."""

LISTS: Final = frozenset({list, tuple})
"""Exact types of lists."""

_MOST_STEPS: Final = 8


def simplify(value: Any) -> Any:
    """Return None, or what stands for ``value``: of a type in ``PRIMITIVES`` or ``LISTS``, or a mapping.

    It runs the value's own code, so it may raise; ``TypeError`` if that leads nowhere.
    """
    simple = value
    for _ in range(_MOST_STEPS):
        if simple is None or type(simple) in PRIMITIVES or type(simple) in LISTS or isinstance(simple, Mapping):
            return simple
        simple = _step(simple)
    raise TypeError(type_name(value))


def _step(value: Any) -> Any:
    for kinds, simple in _SIMPLE:
        if isinstance(value, kinds):
            return simple(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if callable(getattr(type(value), "model_dump", None)):
        return value.model_dump()
    own: Any = type(value)
    return type_name(value) if own.__str__ is object.__str__ and own.__repr__ is object.__repr__ else str(value)


def _bytes_as_text(value: Any) -> str:
    view = memoryview(value)
    return base64.b64encode(view).decode() if view.nbytes <= MAX_BYTES_AS_TEXT else f"<{view.nbytes} bytes>"


def _sorted_items(value: AbstractSet[Any]) -> list[Any]:
    items = list(islice(value, MAX_ITEMS))
    try:
        return sorted(items)
    except TypeError:
        return sorted(items, key=repr)


def _first_items(value: Iterable[Any]) -> list[Any]:
    return list(islice(value, MAX_ITEMS))


_SIMPLE: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    ((list, tuple), _first_items),
    (enum.Enum, lambda value: value.value),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    ((bytes, bytearray, memoryview), _bytes_as_text),
    (AbstractSet, _sorted_items),
    (UserString, str),
    (Sequence, _first_items),
    ((dt.datetime, dt.date, dt.time), lambda value: value.isoformat()),
    (numbers.Integral, int),
    (numbers.Real, float),
)
"""What stands for which kinds, the first that fits."""
