"""Names that callers give, fit for span names and metric labels."""

from __future__ import annotations

from typing import Final

from langswarm_otel import semconv
from langswarm_otel.content.safe import safe_value

MAX_LENGTH: Final = 200
"""Characters of a name; longer ones are cut."""


def named(name: object) -> str:
    """Return a name as text that every encoder takes; nothing raises, and what is no name at all becomes ``_OTHER``."""
    if type(name) is str and name and name.isascii() and len(name) <= MAX_LENGTH:
        return name
    text = safe_value(name, max_length=MAX_LENGTH)
    return str(text) if text not in (None, "") else semconv.OTHER


def named_or_none(name: object) -> str | None:
    """Return a name as ``named`` does, or None where there is none."""
    return None if name is None else named(name)
