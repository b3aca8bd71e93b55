"""What logging is told: level, form of the lines, and where they go."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.signals.otel_logs import DEFAULT_MAX_LENGTH

LogFormat = Literal["console", "json"]
LogOutput = Literal["console", "file", "both", "none"]


class LogSettings(Protocol):
    """What logging needs of a configuration; ``ObservabilityConfig`` has it."""

    @property
    def log_level(self) -> str | int:
        """Least severe level that is logged and emitted."""

    @property
    def log_format(self) -> LogFormat:
        """Pretty lines or JSON."""

    @property
    def log_output(self) -> LogOutput:
        """Where lines go."""

    @property
    def log_file(self) -> str | None:
        """File for ``log_output`` "file" and "both"."""

    @property
    def configure_structlog(self) -> bool:
        """Whether structlog, the console and the root logger's level may be touched."""

    @property
    def max_log_record_attribute_length(self) -> int | None:
        """Longest attribute value, in characters."""

    @property
    def capture_content(self) -> bool:
        """Whether lines that quote message content may be shown and sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingSettings:
    """``LogSettings`` on its own, for use without an ``ObservabilityConfig``."""

    log_level: str | int = "INFO"
    """Least severe level that is logged and emitted: a name or a stdlib number."""

    log_format: LogFormat = "json"
    """``console``: pretty lines on standard error; ``json``: one object a line on standard output."""

    log_output: LogOutput = "console"
    """Where lines go; records are emitted in any case."""

    log_file: str | None = None
    """File to append to, for ``file`` and ``both``."""

    configure_structlog: bool = True
    """False: structlog, the console and the root logger's level stay as they are; only the root logger gets a handler that emits."""

    max_log_record_attribute_length: int | None = DEFAULT_MAX_LENGTH
    """Longest attribute value, in characters; None leaves values uncut."""

    capture_content: bool = False
    """Whether lines that quote message content, as LangSwarm's do, may be shown and sent."""


def level_number(level: str | int) -> int:
    """Return the stdlib number of a level.

    Raises:
        ConfigurationError: there is no such level.
    """
    number: Any = level if isinstance(level, int) else logging.getLevelName(level.strip().upper())
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ConfigurationError("log_level", level, "use DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return number
