"""From measurements to ratios: medians, spread, and whether a figure may be told at all."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SPREAD_BOUND = 0.25
"""Rounds whose middle half (of fewer than four: all) is wider than this share of the median disagree: no figure is told."""
EXPONENT_BOUND = 1.1
"""A cost that grows with a power of the work above this is worse than linear; the tenth is for noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One figure over the rounds."""

    median: float
    low: float
    high: float
    spread: float
    """Width of the middle half, as a share of the median."""
    rounds: int

    @property
    def disagrees(self) -> bool:
        """Whether the rounds disagree by more than the bound."""
        return self.spread > SPREAD_BOUND


def summarise(values: Sequence[float]) -> Summary:
    """Return what to tell of some values, of which there is one at least."""
    return Summary(median=statistics.median(values), low=min(values), high=max(values), spread=spread(values), rounds=len(values))


def spread(values: Sequence[float]) -> float:
    """Return the width of the middle half, or of all where there are fewer than four, as a share of the median."""
    middle = abs(statistics.median(values))
    if len(values) < 2 or middle == 0:
        return 0.0
    if len(values) < 4:
        return (max(values) - min(values)) / middle
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / middle


def ratios(values: Mapping[int, float], baseline: Mapping[int, float]) -> list[float]:
    """Return the ratio to the baseline of the same round, for each round that has both."""
    return [value / baseline[round_] for round_, value in sorted(values.items()) if baseline.get(round_)]


def above(values: Mapping[int, float], plain: Mapping[int, float]) -> dict[int, float]:
    """Return what is above the plain program of the same round."""
    return {round_: value - plain[round_] for round_, value in values.items() if round_ in plain}


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the power of the size that the cost grows with: the slope of a line through the logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    return statistics.linear_regression(x, y).slope
