"""Safe values: whatever the caller hands us becomes something that every OTLP encoder and every backend can take.

The SDK keeps lone surrogates, integers beyond 64 bits and unsupported objects, and its OTLP encoder then loses the attribute, the record
or the whole batch. These functions run at our edge and once more before encoding; a value that is safe already comes back as the very
same object, which is the fast path.

* Strings: lone surrogates become U+FFFD (a split pair is joined), cut to ``max_length`` code points, as OpenTelemetry counts.
* Booleans, floats (NaN and infinities too) and integers of 64 bits stay; larger integers become their digits.
* ``None`` means absent.
* Lists and tuples of one primitive type stay lists; everything mixed or nested becomes JSON text, and so do mappings. With
  ``nested=True`` (log bodies and log attributes) they stay trees.
* Anything else counts as what ``simple.py`` says.

Nothing here raises, whatever ``__str__`` or ``__iter__`` of a value does, and nothing is without a bound.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, cast

from langswarm_otel.content.nested import Tree, json_text, text_of_key, write_json
from langswarm_otel.content.simple import LISTS, MAX_ITEMS, PRIMITIVES, simplify
from langswarm_otel.content.texts import INT64_MAX, INT64_MIN, digits, fit, safe_text, type_name, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.util.types import AnyValue

__all__ = ["json_text", "safe_attributes", "safe_text", "safe_value", "snapshot"]


def safe_value(value: object, *, max_length: int | None = None, nested: bool = False) -> AnyValue:
    """Return ``value`` in a form that every OTLP encoder takes; ``None`` means that the attribute is absent.

    Args:
        value: anything.
        max_length: longest string, and longest JSON text, in characters; None leaves strings uncut.
        nested: keep mappings and lists as trees instead of writing JSON text.
    """
    kind = type(value)
    if kind is str:
        return fit(cast("str", value), max_length)
    if kind is bool or kind is float or value is None:
        return cast("bool | float | None", value)
    if kind is int:
        number = whole(cast("int", value))
        return number if type(number) is int else fit(cast("str", number), max_length)
    try:
        if kind in LISTS and (flat := _flat(cast("Sequence[Any]", value), max_length)) is not None:
            return flat
        return _convert(value, max_length, nested)
    except Exception:  # noqa: BLE001 - the value's own code ran
        return fit(type_name(value), max_length)


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
            if not key or ((type(key) is not str or not key.isascii()) and text_of_key(key) is not key):
                return _rebuild(present, max_length, nested)
            kind = type(value)
            if kind is str:
                if value.isascii() and (max_length is None or len(value) <= max_length):
                    continue
            elif kind is bool or kind is float or (kind is int and INT64_MIN <= value <= INT64_MAX):
                continue
            if value is None or safe_value(value, max_length=max_length, nested=nested) is not value:
                return _rebuild(present, max_length, nested)
    except RuntimeError:  # another thread changed the caller's dict meanwhile
        return _rebuild(present, max_length, nested)
    return attributes if present or type(attributes) is dict else present


def _rebuild(attributes: dict[Any, Any], max_length: int | None, nested: bool) -> dict[str, AnyValue]:
    result: dict[str, AnyValue] = {}
    for key, value in attributes.copy().items():
        name = text_of_key(key)
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


def _convert(value: object, max_length: int | None, nested: bool) -> AnyValue:
    """Convert what is neither None, nor of an exact primitive type, nor a list of one."""
    simple = simplify(value)
    if simple is None or type(simple) in PRIMITIVES:
        return safe_value(simple, max_length=max_length)
    if simple is not value and type(simple) in LISTS and (flat := _flat(simple, max_length)) is not None:
        return flat
    tree = Tree(max_length=max_length, for_json=not nested).build(simple)
    # A collection that could not be read has become the name of its type.
    return cast("AnyValue", tree) if nested or type(tree) is str else write_json(tree, max_length)


def _flat(items: Sequence[Any], max_length: int | None) -> Sequence[Any] | None:
    """Return a list of one primitive type, the same object if it is safe; None if it is not of one primitive type."""
    if len(items) > MAX_ITEMS:
        items = items[:MAX_ITEMS]
    kinds = set(map(type, items))
    if len(kinds) > 1 or not kinds <= PRIMITIVES:
        return None
    if str in kinds:
        fitted = [fit(item, max_length) for item in items]
        return items if all(map(operator.is_, fitted, items)) else fitted
    if int in kinds and (min(items) < INT64_MIN or max(items) > INT64_MAX):
        return [fit(digits(item), max_length) for item in items]
    return items
