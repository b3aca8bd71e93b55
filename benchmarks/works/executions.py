"""Agent executions with all signals, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks.adapters import plain
from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Make the executions and flush them."""
    subject = start(adapter, endpoint)
    figures = repeat(subject.execution, plain.execution, subject.flush, size)
    lacks = getattr(subject, "LACKS", ())
    expected = {"spans": dict.fromkeys(subject.EXECUTION_SPANS, size + WARM_UP), "lines": 0 if lacks else size + WARM_UP}
    return figures | {"expected": expected, "lacks": lacks}
