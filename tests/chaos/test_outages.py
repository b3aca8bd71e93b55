"""Short forms of what ``make chaos`` shows at length: outages with a spool, exits, and memory with the Collector down."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import exits
import million
import outage


@pytest.mark.parametrize("kind", ["refuse", "hang", "busy"])
def test_an_outage_with_a_spool_loses_nothing(tmp_path, kind):
    """Every line arrives, in order."""
    result = outage.run(kind, 4.0, tmp_path, before_s=1.5)
    assert result.made > 500
    assert result.missing == []
    assert result.in_order


def test_a_kill_in_an_outage_loses_what_is_young(tmp_path):
    """What was made more than a schedule delay (and the tenth of a second in which it says how far it is) before SIGKILL arrives."""
    result = outage.run("refuse", 6.0, tmp_path, is_killed=True, before_s=1.5)
    assert result.in_order
    young = 250 * (outage.SCHEDULE_DELAY_S + 0.5)
    assert len(result.missing) <= young
    assert result.missing == sorted(result.missing)
    assert not result.missing or result.missing[-1] - result.missing[0] < young


@pytest.mark.parametrize("spans", [0, 10_000])
@pytest.mark.parametrize("kind", exits.KINDS)
def test_an_exit_is_bounded(kind, spans):
    """No process outlives its deadline by more than half a second."""
    assert exits.exit_s(kind, spans, has_spool=kind in ("hanging", "503")) <= exits.DEADLINE_S + 0.5


def test_many_operations_leave_nothing(tmp_path):
    """With the Collector down what waits is bounded, in memory and on disk, no thread is added, and the account adds up."""
    found = million.million(20_000, str(tmp_path), timeout_s=55)
    assert len({sample["threads"] for sample in found["samples"][2:]}) == 1
    assert all(sample["held_bytes"] <= 16 * 1024 * 1024 for sample in found["samples"])
    assert found["rows"]["traces"]["made"] == 40_000
