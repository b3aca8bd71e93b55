"""Go through rows, rounds and subjects, in an order that rotates, and keep each measurement as soon as it is made."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import environments, measuring

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.environments import Environment
    from benchmarks.rows import Row
    from benchmarks.subjects import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one subject in one round of one row."""

    row: str
    subject: str
    round: int
    figures: dict[str, Any]


class Journal:
    """The measurements made so far, kept in a file, so that a run that was interrupted can go on."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path = path
        self.samples: list[Sample] = []
        if resume and path.exists():
            self.samples = [Sample(**json.loads(line)) for line in path.read_text().splitlines()]
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        self._done = {(sample.row, sample.subject, sample.round) for sample in self.samples}

    def has(self, row: str, subject: str, round_: int) -> bool:
        """Whether this was measured before."""
        return (row, subject, round_) in self._done

    def add(self, sample: Sample) -> None:
        """Keep a measurement."""
        self.samples.append(sample)
        with self._path.open("a") as file:
            file.write(json.dumps({"row": sample.row, "subject": sample.subject, "round": sample.round, "figures": sample.figures}) + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The subjects that could be installed, and why the others could not."""

    environments: dict[str, Environment]
    missing: dict[str, str]


def install(subjects: Sequence[Subject]) -> Present:
    """Make the environment of each subject; the run goes on without those that cannot be made."""
    made, missing = {}, {}
    for subject in subjects:
        _say(f"environment of {subject.name}")
        try:
            made[subject.name] = environments.make(subject.name, subject.requirements)
        except (environments.EnvironmentUnusableError, OSError) as error:
            missing[subject.name] = str(error)
    return Present(environments=made, missing=missing)


def rotated(subjects: Sequence[Subject], round_: int) -> Iterator[Subject]:
    """Return the subjects, beginning with another one each round, and backwards in every second."""
    shift = round_ % len(subjects)
    order = [*subjects[shift:], *subjects[:shift]]
    return iter(order if round_ % 2 == 0 else order[::-1])


def run(row: Row, subjects: Sequence[Subject], present: Present, sink: measuring.Sink, journal: Journal, *, rounds: int, quick: bool) -> None:
    """Measure one row."""
    numbers = (row.quick or {}) if quick else row.numbers
    failed: set[str] = set()
    for round_ in range(rounds):
        for subject in rotated(subjects, round_):
            if subject.name in failed or journal.has(row.key, subject.name, round_):
                continue
            _say(f"{row.title}: round {round_ + 1} of {rounds}, {subject.name}")
            python = present.environments[subject.name].python
            figures = measuring.measure_at_sink(sink, python, subject.adapter, row.work, numbers)
            if "error" in figures or "not offered" in figures:
                failed.add(subject.name)
            journal.add(Sample(row=row.key, subject=subject.name, round=round_, figures=figures))


def warm(subjects: Sequence[Subject], present: Present, sink: measuring.Sink) -> None:
    """Import each subject once, so that its bytecode is compiled and its files are in memory."""
    for subject in subjects:
        measuring.measure_at_sink(sink, present.environments[subject.name].python, subject.adapter, "importing", {})


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)
