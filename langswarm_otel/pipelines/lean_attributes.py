"""Attributes as the SDK would keep them, found out in one pass; what is not plain is left to the SDK."""

from __future__ import annotations

import sys
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.attributes import BoundedAttributes

from langswarm_otel.content.safe import safe_attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanLimits

PLAIN: Final = frozenset({str, int, float, bool, bytes, NoneType})
"""Types of values that the SDK keeps as they are, but for the length of texts."""

_PLAIN_NUMBERS: Final = PLAIN - {str}


def plain(attributes: Any, longest: int | None) -> dict[str, Any] | None:
    """Return a copy of attributes as the SDK would keep them, or None where that needs the SDK's own cleaning."""
    if type(attributes) is not dict:
        return None
    own: dict[str, Any] = attributes.copy()
    bound = sys.maxsize if longest is None else longest
    for key, value in own.items():
        kind = type(value)
        if kind is str:
            if len(value) > bound:
                return None
        elif kind not in _PLAIN_NUMBERS:
            if kind is not tuple and kind is not list:
                return None
            own[key] = items = tuple(value)
            if not _all_plain(items, bound):
                return None
        if type(key) is not str or not key:
            return None
    return own


def _all_plain(items: tuple[Any, ...], bound: int) -> bool:
    return all(type(item) in PLAIN and (type(item) is not str or len(item) <= bound) for item in items)


def first_attributes(attributes: Any, limits: SpanLimits) -> Any:
    """Return what a new span keeps of those that it is started with: a dictionary, or the SDK's container if that had to drop something."""
    if not attributes:
        return {}
    most = limits.max_span_attributes
    own = plain(attributes, limits.max_span_attribute_length)
    if own is not None and (most is None or len(own) <= most):
        return own
    try:
        bounded = BoundedAttributes(most, attributes, immutable=False, max_value_len=limits.max_span_attribute_length)
    except Exception:  # noqa: BLE001 - a value's own code ran, or one holds itself
        safe = safe_attributes(attributes)
        bounded = BoundedAttributes(most, safe, immutable=False, max_value_len=limits.max_span_attribute_length)
    return bounded if bounded.dropped else bounded.copy()
