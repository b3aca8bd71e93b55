"""Make some spans and end; the runner measures how long the end takes."""

from __future__ import annotations

from typing import Any

from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Make so many spans."""
    subject = start(adapter, endpoint)
    for number in range(size):
        subject.span(number)
    return {}
