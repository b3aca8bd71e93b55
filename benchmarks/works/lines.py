"""structlog lines with three fields, to a file and over OTLP, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks.adapters import plain
from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Log the lines and flush them."""
    subject = start(adapter, endpoint)
    return repeat(subject.line, plain.line, subject.flush, size) | {"expected": {"lines": size + WARM_UP}}
