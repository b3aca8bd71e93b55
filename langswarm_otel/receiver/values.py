"""OTLP values and attributes as Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langswarm_otel.receiver.records import Attributes, Value


def value_of(any_value: Any) -> Value:
    """Return an ``AnyValue`` as a Python value; protobuf has already bounded its depth."""
    field = any_value.WhichOneof("value")
    if field is None:
        return None
    held = getattr(any_value, field)
    if field == "array_value":
        return tuple(value_of(item) for item in held.values)
    if field == "kvlist_value":
        return attributes_of(held.values)
    return cast("Value", held)


def attributes_of(pairs: Iterable[Any]) -> Attributes:
    """Return key-value pairs as a mapping."""
    return {pair.key: value_of(pair.value) for pair in pairs}
