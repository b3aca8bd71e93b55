"""Spans with eight attributes, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks.adapters import plain
from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Make the spans and flush them."""
    subject = start(adapter, endpoint)
    return repeat(subject.span, plain.span, subject.flush, size) | {"expected": {"spans": {subject.SPAN: size + WARM_UP}}}
