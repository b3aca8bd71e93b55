"""Medians, spread and exponents."""

from __future__ import annotations

import pytest

from benchmarks import ratios
from benchmarks.works import growing


def test_ratio_is_taken_within_a_round():
    """A round in which the machine was slow for both says the same as the others."""
    ours, raw = {0: 5.0, 1: 50.0, 2: 6.0}, {0: 10.0, 1: 100.0, 2: 10.0}
    assert ratios.ratios(ours, raw) == [0.5, 0.5, 0.6]


def test_round_without_a_baseline_says_nothing():
    assert ratios.ratios({0: 5.0, 1: 6.0}, {1: 12.0, 2: 1.0}) == [0.5]
    assert ratios.ratios({0: 5.0}, {0: 0.0}) == []


def test_one_disturbed_round_of_five_is_no_disagreement():
    summary = ratios.summarise([0.50, 0.51, 0.52, 0.53, 2.0])
    assert summary.median == 0.52
    assert (summary.low, summary.high) == (0.50, 2.0)
    assert not summary.disagrees


def test_rounds_disagree_where_their_middle_half_is_wide():
    assert ratios.summarise([0.5, 0.6, 1.0, 1.4, 1.5]).disagrees


@pytest.mark.parametrize(("values", "wide"), [([1.0, 1.2], False), ([1.0, 1.4], True), ([1.0, 1.1, 1.5], True), ([3.0], False)])
def test_of_few_rounds_all_must_agree(values, wide):
    assert ratios.summarise(values).disagrees is wide


def test_nothing_at_all_has_no_spread():
    assert ratios.spread([0.0, 0.0, 0.0]) == 0.0


def test_what_is_above_the_plain_program_is_of_the_same_round():
    assert ratios.above({0: 15.0, 1: 18.0, 2: 9.0}, {0: 1.0, 1: 3.0}) == {0: 14.0, 1: 15.0}


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponent_is_the_power_of_the_size(power):
    sizes = [1_000, 10_000, 100_000]
    assert ratios.exponent(sizes, [3.0 * size**power for size in sizes]) == pytest.approx(power)


def test_growth_ignores_a_single_jump():
    assert growing.slope([100, 110, 120, 5_120, 5_130, 5_140, 5_150, 5_160, 5_170, 5_180]) == pytest.approx(10.0)
