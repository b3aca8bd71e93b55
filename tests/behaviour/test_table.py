"""The table of behaviours is whole: forty modules, each with a verdict on both sides or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

import behaviours
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "behaviours.md"
MODULES = behaviours.modules()


def test_all_forty_have_a_module():
    """One each."""
    assert [module.number for module in MODULES] == list(range(1, 41))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.path.stem)
def test_each_speaks_of_both(module):
    """A test says what ours does; one says what the plain SDK does, or the module says why that cannot be asked; the pain stands above."""
    assert len(module.title) > 15
    assert module.calls("ours")
    assert module.calls("plain") or module.constant("PLAIN_CANNOT")


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.path.stem)
def test_the_page_is_of_these_tests(module):
    """The committed table has the behaviour, under the title that its module has now, and it holds."""
    rows = [line for line in PAGE.read_text().splitlines() if f"({'../tests/behaviour/' + module.path.name})" in line]
    assert len(rows) == 1, "run `make behaviours`"
    assert f"| {module.title.replace('|', chr(92) + '|')} |" in rows[0]
    assert "**fails**" not in rows[0]
