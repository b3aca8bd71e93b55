"""A short chaos from a printed seed: the account adds up, nothing is invented, all is bounded. ``make chaos`` is the long form."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import harness
from chaos_proxy import FAULTS, schedule

SEED = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(10**6)))


@pytest.mark.timeout(150)
@pytest.mark.parametrize("has_spool", [False, True], ids=["memory", "spool"])
def test_whatever_happens(tmp_path, has_spool):
    """Twenty faults in an order that the seed decides; ``CHAOS_SEED=`` repeats a run."""
    print(f"CHAOS_SEED={SEED}")
    outcome = harness.play(SEED, 24.0, spool=tmp_path / "spool" if has_spool else None)
    assert outcome.broken() == [], f"CHAOS_SEED={SEED}: {outcome.faults}"
    assert outcome.summary["spans"] > 2000
    assert outcome.faults["passed"] > 10
    assert len(outcome.faults) > 8
    if has_spool:  # only what an endpoint refused for good, or rejected, may be lost
        reasons = {reason for row in outcome.summary["rows"].values() for reason in row["dropped"]}
        assert reasons <= {"export_failed", "rejected", "too_large", "unsupported"}


def test_a_seed_repeats_its_schedule():
    """The same seed is the same chaos, and every fault comes in its turn."""
    assert schedule(7, 60.0) == schedule(7, 60.0) != schedule(8, 60.0)
    assert {phase.fault for phase in schedule(7, 60.0)} >= set(FAULTS)
