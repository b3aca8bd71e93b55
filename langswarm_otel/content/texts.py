"""Strings and integers that every OTLP encoder takes."""

from __future__ import annotations

from typing import Final

INT64_MIN: Final = -(2**63)
"""Smallest integer of an OTLP attribute."""

INT64_MAX: Final = 2**63 - 1
"""Largest integer of an OTLP attribute."""


def safe_text(text: str) -> str:
    """Return ``text`` without lone surrogates; the same object if it has none."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def fit(text: str, max_length: int | None) -> str:
    """Return ``text`` safe and cut to so many code points, as OpenTelemetry counts; the same object if nothing has to change."""
    if max_length is not None and len(text) > max_length:
        text = text[:max_length]
    return text if text.isascii() else safe_text(text)


def whole(number: int) -> int | str:
    """Return an integer of 64 bits as it is, and a larger one as text."""
    return number if INT64_MIN <= number <= INT64_MAX else digits(number)


def digits(number: int) -> str:
    """Return an integer as text."""
    try:
        return str(number)
    except ValueError:  # Python refuses to write more than 4300 digits
        return f"<integer of {number.bit_length()} bits>"


def type_name(value: object) -> str:
    """Return the name of a value's type in angle brackets, which shows no memory address and runs none of the value's own code."""
    try:
        kind = type(value)
        return safe_text(f"<{kind.__module__}.{kind.__qualname__}>")
    except Exception:  # noqa: BLE001 - a metaclass' own code ran
        return "<object>"
