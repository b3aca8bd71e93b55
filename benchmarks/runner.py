"""Go through rows, rounds and subjects, in an order that rotates, and keep each measurement as soon as it is made."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import environments, measuring
from benchmarks.journal import Journal, Sample
from benchmarks.measuring import Program
from benchmarks.programme import CALLER_ROWS
from benchmarks.subjects import OURS, PLAIN, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.environments import Environment
    from benchmarks.rows import Row
    from benchmarks.sink_process import SinkProcess
    from benchmarks.subjects import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """The environments of the subjects, and why the others could not be made."""

    environments: dict[str, Environment]
    missing: dict[str, str]

    def program(self, subject: Subject) -> Program:
        """Return the program of one subject."""
        return Program(python=self.environments[subject.name].python, adapter=subject.adapter)


def install(subjects: Sequence[Subject]) -> Installed:
    """Make the environment of each subject; the run goes on without those that cannot be made."""
    made, missing = {}, {}
    for subject in subjects:
        say(f"environment of {subject.name}")
        try:
            made[subject.name] = environments.make(subject.name, subject.requirements)
        except (environments.EnvironmentUnusableError, OSError) as error:
            missing[subject.name] = str(error)
    return Installed(environments=made, missing=missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Measures rows."""

    installed: Installed
    sink: SinkProcess
    journal: Journal

    def warm(self, subjects: Sequence[Subject]) -> None:
        """Import each subject once, so that its bytecode is compiled and its files are in memory."""
        for subject in subjects:
            measuring.measure(self.installed.program(subject), CALLER_ROWS[0], self.sink.endpoints["healthy"])

    def run(self, row: Row, subjects: Sequence[Subject], *, rounds: int | None = None) -> None:
        """Measure one row; what the journal has already is not measured again."""
        total = rounds or row.rounds
        for round_ in range(total):
            order = [
                subject
                for subject in rotated(taking_part(row, subjects, round_), round_)
                if not self.journal.failed(row.key, subject.name) and not self.journal.has(row.key, subject.name, round_)
            ]
            if order:
                say(f"{row.title}, round {round_ + 1} of {total}: {', '.join(subject.name for subject in order)}")
            # Those who only wait may wait together; all others have the machine to themselves.
            with ThreadPoolExecutor(len(order) if row.at_once and order else 1) as pool:
                turns = [list(pool.map(lambda subject: self._measure(row, subject), order)) for _ in range(row.best_of)]
            for subject, *figures in zip(order, *turns, strict=True):
                self.journal.add(Sample(row=row.key, subject=subject.name, round=round_, figures=measuring.best(figures)))

    def _measure(self, row: Row, subject: Subject) -> dict[str, Any]:
        program = self.installed.program(subject)
        if row.endpoint == "healthy":
            return measuring.measure_at_sink(program, row, self.sink)
        return measuring.measure(program, row, self.sink.endpoints[row.endpoint])


def taking_part(row: Row, subjects: Sequence[Subject], round_: int) -> list[Subject]:
    """Return who is measured in a round: peers in the first ones only, the plain program where a figure counts above it."""
    needs_plain = any(figure.above_plain for figure in row.figures)
    always = {OURS.name, RAW.name} | ({PLAIN.name} if needs_plain else set())
    return [subject for subject in subjects if subject.name in always or (subject.name != PLAIN.name and round_ < row.peer_rounds)]


def rotated(subjects: Sequence[Subject], round_: int) -> list[Subject]:
    """Return the subjects, beginning with another one each round, and backwards in every second."""
    if not subjects:
        return []
    shift = round_ % len(subjects)
    order = [*subjects[shift:], *subjects[:shift]]
    return order if round_ % 2 == 0 else order[::-1]


def say(text: str) -> None:
    """Say on stderr where the run is."""
    print(text, file=sys.stderr, flush=True)
