"""What is said once in a process: where LangSwarm's API asks for something that is different here."""

from __future__ import annotations

import functools

from langswarm_otel.guard import logger


@functools.lru_cache(maxsize=256)
def say_once(message: str) -> None:
    """Write one line to the log, the first time that it is said."""
    logger.warning("telemetry: %s", message)
