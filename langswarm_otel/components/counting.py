"""Counts that callers give: tokens, records, messages."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Final

from langswarm_otel.guard import record_fault
from langswarm_otel.usage import count

if TYPE_CHECKING:
    from langswarm_otel.usage import Usage

MAX_COUNT: Final = 2**53
"""The greatest count, which a float still holds exactly; one that is beyond would spoil the sum of its series for good."""


def counted(given: object, where: str) -> int | None:
    """Return a count, or None where nothing was given; nothing raises, and what is no count is left out and is one line in the log."""
    if given is None or (type(given) is int and 0 <= given <= MAX_COUNT):
        return given
    try:
        number = count(given)
        if number is not None and number <= MAX_COUNT:
            return int(number)
    except Exception as error:  # noqa: BLE001 - the number's own code ran
        record_fault(where, error)
        return None
    record_fault(where, TypeError("not a count"))
    return None


def counted_usage(usage: Usage, where: str) -> Usage:
    """Return a usage without the numbers that are no counts."""
    given = {field.name: getattr(usage, field.name) for field in fields(usage)}
    wrong = {name: None for name, value in given.items() if value is not None and counted(value, where) is None}
    return replace(usage, **wrong) if wrong else usage
