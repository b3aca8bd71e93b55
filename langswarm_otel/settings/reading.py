"""From the text of an environment variable to a value, in the variable's own units and spelling."""

from __future__ import annotations

import math
import re
from typing import Final
from urllib.parse import unquote

from langswarm_otel.settings.rules import LONGEST_S, MOST_DOLLARS

NOTHING: Final = object()
"""What a variable yields that is not set or does not concern us; None is a value of some fields."""

# The character sets of the OTLP exporter specification, which are those of W3C Baggage, as in opentelemetry.util.re. Its parser logs and
# skips what it does not like (with its value), where we raise (without).
_HEADER: Final = re.compile(
    r"[\x21\x23-\x27\x2a\x2b\x2d\x2e\x30-\x39\x41-\x5a\x5e-\x7a\x7c\x7e]+\s*=\s*[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
)


class MalformedError(ValueError):
    """The text of a variable cannot be read; the message is the mend."""


def plain(text: str) -> str:
    """The text itself, for rules that read texts."""
    return text


def lower(text: str) -> str:
    """The text in lower case, for names that OpenTelemetry writes in either."""
    return text.lower()


def flag(text: str) -> bool:
    """``true`` or ``false`` in any case, as OpenTelemetry spells them; it takes anything else for false, we ask."""
    if text.lower() not in ("true", "false"):
        raise MalformedError("write true or false")
    return text.lower() == "true"


def _number(text: str, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise MalformedError(f"write a positive number of {unit}") from None
    if math.isnan(value) or value <= 0:
        raise MalformedError(f"write a positive number of {unit}")
    return value


def _bounded(value: float, highest: float, unit: str) -> float:
    if value > highest:
        raise MalformedError(f"write at most {highest:.0f} {unit}")
    return value


def seconds(text: str) -> float:
    """A time in seconds."""
    return _bounded(_number(text, "seconds"), LONGEST_S, "seconds")


def seconds_or_zero(text: str) -> float:
    """A time in seconds that may be 0."""
    return 0.0 if re.fullmatch(r"\+?0+(\.0*)?", text) else seconds(text)


def milliseconds(text: str) -> float:
    """A time in milliseconds, as the batch processors and metric readers have it; returned in seconds."""
    return _bounded(_number(text, "milliseconds"), LONGEST_S * 1000, "milliseconds") / 1000


def milliseconds_or_never(text: str) -> float | None:
    """A time in milliseconds, where ``inf`` is never; returned in seconds."""
    return None if _number(text, "milliseconds") == math.inf else milliseconds(text)


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise MalformedError("write a whole number") from None


def limit(text: str) -> int | None:
    """A whole number; the SDK takes an empty text for no limit."""
    return None if not text else whole(text)


def ratio(text: str) -> float:
    """A share from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise MalformedError("write a share of traces from 0.0 to 1.0, for the sampler that OTEL_TRACES_SAMPLER names")
    return value


def dollars(text: str) -> float:
    """An amount in US dollars, which may be 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= MOST_DOLLARS:
        raise MalformedError("write a number of US dollars that is not negative")
    return value


def names(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def flag_or_names(text: str) -> bool | tuple[str, ...]:
    """``true``, ``false``, or names separated by commas."""
    return flag(text) if text.lower() in ("true", "false") else names(text)


def capture_mode(text: str) -> bool:
    """Whether content is recorded, in the words of OpenTelemetry's GenAI utilities."""
    if text.upper() in ("SPAN_ONLY", "SPAN_AND_EVENT"):
        return True
    if text.upper() == "NO_CONTENT":
        return False
    if text.upper() == "EVENT_ONLY":
        raise MalformedError(
            "content is recorded on spans here; write SPAN_ONLY or SPAN_AND_EVENT, or NO_CONTENT, or pass capture_content="
        )
    raise MalformedError("write SPAN_ONLY, SPAN_AND_EVENT or NO_CONTENT (true and false are no longer read by OpenTelemetry either)")


def instrumented(text: str) -> object:
    """False if ours is in the list of instrumentations that are off; else the list does not concern us."""
    return False if {"langswarm", "*"} & set(names(text)) else NOTHING


def headers(text: str) -> dict[str, str]:
    """Headers as ``name=value``, separated by commas, values percent-encoded; what is plainly not encoded is taken as it is.

    No message repeats a value.
    """
    found: dict[str, str] = {}
    for position, item in enumerate(text.split(","), start=1):
        pair = item.strip()
        if not pair:
            continue
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise MalformedError(f"item {position} is not written as name=value; a comma inside a value is written %2C")
        encoded = _HEADER.fullmatch(pair) is not None
        found[(unquote(name) if encoded else name).strip().lower()] = (unquote(value) if encoded else value).strip()
    return found


def attributes(text: str) -> dict[str, str]:
    """Attributes as ``name=value``, separated by commas, values percent-encoded."""
    found: dict[str, str] = {}
    for position, item in enumerate(text.split(","), start=1):
        if not item.strip():
            continue
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise MalformedError(f"item {position} ({item.strip()!r}) is not written as name=value; a comma inside a value is written %2C")
        found[name.strip()] = unquote(value.strip())
    return found
