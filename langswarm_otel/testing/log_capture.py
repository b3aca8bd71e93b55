"""Loggers of structlog and of the standard library, routed into captures while there is one.

Logging is one for the whole process, so all captures share one set-up; which capture gets a record is decided at each record.
"""

from __future__ import annotations

import threading
from typing import Any

from langswarm_otel import current
from langswarm_otel.signals.log_settings import LoggingSettings
from langswarm_otel.signals.log_setup import configure_logging

_lock = threading.Lock()
_users = 0
_setup: Any = None


def route_logs(level: str | int) -> None:
    """Insert our processors and our handler, unless a configured handle has done so; each call is taken back by ``release_logs``.

    Args:
        level: least severe level that is captured; that of the first capture holds for all that overlap.
    """
    global _users, _setup  # noqa: PLW0603 - one logging, one set-up
    with _lock:
        if _users == 0 and not getattr(current.current_handle(), "running", False):
            _setup = configure_logging(LoggingSettings(log_level=level), _nowhere, reach="insert")
        _users += 1


def release_logs() -> None:
    """Take one ``route_logs`` back; the last one restores logging."""
    global _users, _setup  # noqa: PLW0603 - one logging, one set-up
    with _lock:
        _users -= 1
        if _users == 0 and _setup is not None:
            _setup.undo()
            _setup = None


def _nowhere() -> None:
    """Outside of captures the set-up emits nothing."""
