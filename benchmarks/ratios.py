"""From measurements to ratios: medians, spread, and whether a figure may be stated at all."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.runner import Sample

SPREAD_BOUND = 0.25
"""Rounds whose middle half is wider than this share of the median disagree: no figure is stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One figure of one subject over all rounds."""

    median: float
    """Median of the figure itself."""
    ratio: float | None
    """Median of the ratios to the baseline of the same round; None without a baseline."""
    low: float
    high: float
    """Least and greatest ratio; of the figure itself without a baseline."""
    spread: float
    """Width of the middle half, as a share of the median."""
    rounds: int

    @property
    def disagrees(self) -> bool:
        """Whether the rounds disagree by more than the bound."""
        return self.spread > SPREAD_BOUND


def spread(values: Sequence[float]) -> float:
    """Return the width of the middle half as a share of the median: of two values, of their whole distance."""
    middle = statistics.median(values)
    if len(values) < 2 or middle == 0:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    if len(values) < 4:
        low, high = min(values), max(values)
    return (high - low) / abs(middle)


def by_round(samples: Sequence[Sample], row: str, subject: str, figure: str) -> dict[int, float]:
    """Return one figure of one subject, by round."""
    return {
        sample.round: float(sample.figures[figure])
        for sample in samples
        if sample.row == row and sample.subject == subject and figure in sample.figures
    }


def summarise(values: Mapping[int, float], baseline: Mapping[int, float] | None) -> Summary | None:
    """Return what to say of a figure; None if it was never measured."""
    if not values:
        return None
    shared = {} if baseline is None else {r: value / baseline[r] for r, value in values.items() if baseline.get(r)}
    told = list(shared.values()) or list(values.values())
    return Summary(
        median=statistics.median(values.values()),
        ratio=statistics.median(shared.values()) if shared else None,
        low=min(told),
        high=max(told),
        spread=spread(told),
        rounds=len(values),
    )
