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
"""Loggers that write tool arguments and answers into the text of their lines, as LangSwarm 0.1.0 does at INFO."""

WITHHELD: Final = "text withheld: capture_content is off"
"""What stands in place of such a text while content may not leave the process."""


@lru_cache(maxsize=4096)
def quotes_content(logger_name: str) -> bool:
    """Whether the text of this logger's records has to be taken for content."""
    return any(logger_name == name or logger_name.startswith(name + ".") for name in CONTENT_LOGGERS)
