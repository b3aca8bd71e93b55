"""The regression guard fails when a path costs more than it did, and says which, by how much, and what to do."""

from __future__ import annotations

import importlib.util
import pathlib
from importlib.metadata import version

SCRIPT = pathlib.Path(__file__).parents[2] / "benchmarks" / "instructions.py"


def guard():
    spec = importlib.util.spec_from_file_location("instructions", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected(sdk: str | None = None) -> dict:
    return {"sdk": sdk or version("opentelemetry-sdk"), "works": {"span": {"own": 100, "all": 1000}}}


def test_within_the_bound():
    """A little more passes, and so does less."""
    assert guard().differences({"span": {"own": 102, "all": 900}}, expected()) == []


def test_more_is_named():
    """Which path, how many instructions, how many before, and the mend."""
    (line,) = guard().differences({"span": {"own": 110, "all": 1000}}, expected())
    assert line.startswith("span: 110 instructions in our own code, 100 before (+10%, allowed 3%)")
    assert "make bench-baseline" in line


def test_another_sdk_is_not_our_doing():
    """Instructions of the SDK count only where it is the one of the baseline."""
    found = {"span": {"own": 100, "all": 2000}}
    assert len(guard().differences(found, expected())) == 1
    assert guard().differences(found, expected("1.0.0")) == []


def test_a_path_that_nobody_knows_is_named():
    """A new path needs a baseline."""
    assert "not in the baseline" in guard().differences({"new": {"own": 1, "all": 1}}, expected())[0]


def test_instructions_are_counted_alike_each_time():
    """Twice the same work is the same number; more work is more."""
    module = guard()
    short, again, long = (module.count(lambda n=n: sum(i for i in range(n))) for n in (10, 10, 20))
    assert short == again
    assert long["all"] > short["all"] > 10
    assert not short["own"]
