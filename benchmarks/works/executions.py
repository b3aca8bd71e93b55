"""Agent executions with all signals, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Make the executions and flush them."""
    subject = start(adapter, endpoint)
    figures = repeat(subject.execution, subject.flush, size)
    return figures | {"expected": {"spans": dict.fromkeys(subject.EXECUTION_SPANS, size + WARM_UP), "lines": size + WARM_UP}}
