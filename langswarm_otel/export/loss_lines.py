"""One line when records begin to be lost for a reason, and at most one a minute after that; ``health()`` has the exact counts.

Workers say it, never the application's threads. That an endpoint cannot be reached is said by ``noise.Voice``; what is lost through that
is not said again here.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from langswarm_otel.guard import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.accounting import DropReason

QUIET_S: Final = 60.0
"""A reason is not spoken of again within this time, in seconds."""

ADVICE: Final[Mapping[DropReason, str]] = {
    "queue_full": "what waits has reached its bound; raise queue_max_bytes, lower sample_ratio, or set spool_directory",
    "too_large": "a record is larger than the queue or the endpoint takes; lower max_record_bytes",
    "unencodable": "a record cannot be encoded",
    "rejected": "the endpoint took the request and rejected them; its own log says why",
    "spool_full": "the oldest on disk made room; raise spool_max_bytes",
    "spool_damaged": "a file of the spool could not be read",
}
"""What is said of the reasons that are spoken of."""


class LossLines:
    """Speaks of what one hub loses."""

    def __init__(self) -> None:
        self._told: dict[DropReason, tuple[int, float]] = {}
        self._speaking: Final = threading.Lock()

    def say(self, lost: Mapping[DropReason, int]) -> None:
        """Say what has been lost since the last line, if it is time for one; never waits.

        Args:
            lost: how many records, by reason, all in all.
        """
        if not self._speaking.acquire(blocking=False):
            return
        try:
            now = time.monotonic()
            for reason, advice in ADVICE.items():
                count = lost.get(reason, 0)
                before, at = self._told.get(reason, (0, float("-inf")))
                if count > before and now - at >= QUIET_S:
                    self._told[reason] = (count, now)
                    logger.warning("telemetry: %d records lost (%s): %s; health() has the counts", count - before, reason, advice)
        finally:
            self._speaking.release()
