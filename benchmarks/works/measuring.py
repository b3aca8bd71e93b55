"""Adding to a counter and recording into a histogram, with three attributes, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks import inputs
from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int, series: int = 10) -> dict[str, Any]:
    """Measure over so many sets of attributes."""
    subject = start(adapter, endpoint)
    labels = [inputs.labels_of(number, series) for number in range(series)]
    measure = subject.measure
    return repeat(lambda number: measure(labels[number % series]), subject.flush, size) | {"expected": {"count": size + WARM_UP}}
