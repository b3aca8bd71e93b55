"""Spans that the sampler drops, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks.adapters import plain
from benchmarks.works.repeating import repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Make the spans."""
    subject = start(adapter, endpoint, sampled=False)
    return repeat(subject.span, plain.span, subject.flush, size) | {"expected": {"spans": {subject.SPAN: 0}}}
