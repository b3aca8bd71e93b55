"""Adding to a counter and recording into a histogram, with three attributes, back to back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import inputs
from benchmarks.adapters import plain
from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start

if TYPE_CHECKING:
    from collections.abc import Callable


def run(adapter: str, endpoint: str, size: int, series: int = 10) -> dict[str, Any]:
    """Measure over so many sets of attributes."""
    subject = start(adapter, endpoint)
    labels = [inputs.labels_of(number, series) for number in range(series)]

    def choosing(measure: Callable[[dict[str, Any]], None]) -> Callable[[int], None]:
        return lambda number: measure(labels[number % series])

    figures = repeat(choosing(subject.measure), choosing(plain.measure), subject.flush, size)
    return figures | {"expected": {"count": size + WARM_UP}}
