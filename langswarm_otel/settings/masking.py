"""How a setting is shown to people: as it is, but for what is secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langswarm_otel import endpoints
from langswarm_otel.settings.rules import MASK


def shown(field: str, value: Any) -> Any:
    """Return the value with secrets masked: header values (their names stay), the salt, and what a URL carries in its query.

    Args:
        field: name of the setting; of a signal's own settings the part after the dot counts.
        value: its value.
    """
    name = field.rpartition(".")[2]
    if name == "headers":
        return dict.fromkeys(value, MASK) if isinstance(value, Mapping) else value and MASK
    if name == "user_hash_salt":
        return MASK if value else value
    if name == "endpoint" and isinstance(value, str):
        return endpoints.mask(value)
    return value
