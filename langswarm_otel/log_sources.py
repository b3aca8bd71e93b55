"""Which loggers never enter the OTLP log pipeline: whatever speaks while telemetry is being exported.

A record of the exporter that is exported makes the exporter speak again, for ever (open-telemetry/opentelemetry-python#4688, #2701). Such
records are still printed where the application prints its lines. The rule stands on the lowest floor because both the log handlers and the
pipelines, which see records of foreign handlers too, must ask it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

EXCLUDED_LOGGERS: Final = ("langswarm_otel", "opentelemetry", "urllib3", "requests", "grpc")
"""Our own logger, OpenTelemetry's and those of the clients that the exporters use, each with everything below it.

``httpx`` is not among them: no exporter uses it, and its lines tell about the application's own calls.
"""


@lru_cache(maxsize=4096)
def is_excluded(logger_name: str) -> bool:
    """Whether records of this logger stay out of the pipeline; ``opentelemetry_shop`` is not ``opentelemetry``."""
    return any(logger_name == name or logger_name.startswith(name + ".") for name in EXCLUDED_LOGGERS)


CONTENT_LOGGERS: Final = ("langswarm", "langswarm_memory")
"""Loggers that write tool arguments, answers, errors and user ids into the text of their lines, as LangSwarm 0.1.0 does at INFO.

LangSwarm also logs under names such as ``session_manager`` and ``tool_executor``, which an application may use itself; our own handler
knows its records by their file, see ``is_langswarm_file``.
"""

LANGSWARM: Final = "langswarm"
"""The logger name under which every record of LangSwarm leaves: its own can hold a user id, and there is one for each session."""

WITHHELD: Final = "text withheld: capture_content is off"
"""What stands in place of such a text while content may not leave the process."""


@lru_cache(maxsize=1024)
def is_langswarm_file(path: str) -> bool:
    """Whether a source file belongs to an installed LangSwarm package."""
    folders = path.replace("\\", "/").split("/")
    return bool({"site-packages", "dist-packages"} & set(folders)) and any(name in folders for name in ("langswarm", "langswarm_memory"))


@lru_cache(maxsize=4096)
def quotes_content(logger_name: str) -> bool:
    """Whether the text of this logger's records has to be taken for content."""
    return any(logger_name == name or logger_name.startswith(name + ".") for name in CONTENT_LOGGERS)
