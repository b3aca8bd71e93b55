"""When a request is sent again: the rules of OpenTelemetry's own OTLP/HTTP exporters since 1.45."""

from __future__ import annotations

import math
import random
import time
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import Final

MOST_ATTEMPTS: Final = 6
"""So many attempts for one batch, if there is time for them."""

RETRYABLE: Final = frozenset((429, 502, 503, 504))
"""Statuses that may pass."""

_JITTER: Final = 0.2


def back_off_s(attempt: int) -> float:
    """Return how long to wait after an attempt, the first of which is 0: about 1, 2, 4 ... seconds."""
    return float(2**attempt * random.uniform(1 - _JITTER, 1 + _JITTER))  # noqa: S311 - so that clients do not come all at once


def retry_after_s(value: str | None) -> float | None:
    """Return what a header ``Retry-After`` asks for in seconds, given as seconds or as a date; None if it is neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds_until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return max(moment.timestamp() - time.time(), 0.0)
    except (TypeError, ValueError, OverflowError, IndexError):  # what the parser raises for garbage has changed over the years
        return None
