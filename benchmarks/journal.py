"""The measurements made so far, kept in a file as soon as each is made, so that a run that was interrupted can go on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement of one subject in one round of one row."""

    row: str
    subject: str
    round: int
    figures: dict[str, Any]


class Journal:
    """See the module."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        """Begin a journal, or go on with the one that is there; what crashed then is tried again."""
        self._path = path
        self._samples: list[Sample] = []
        if resume and path.exists():
            earlier = (Sample(**json.loads(line)) for line in path.read_text().splitlines())
            self._samples = [sample for sample in earlier if "error" not in sample.figures]
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")

    @property
    def samples(self) -> Sequence[Sample]:
        """Every measurement, in the order in which they were made."""
        return tuple(self._samples)

    def has(self, row: str, subject: str, round_: int) -> bool:
        """Whether this was measured."""
        return any((sample.row, sample.subject, sample.round) == (row, subject, round_) for sample in self._samples)

    def failed(self, row: str, subject: str) -> bool:
        """Whether the subject cannot do this row."""
        return any(
            sample.row == row and sample.subject == subject and ("error" in sample.figures or "not offered" in sample.figures)
            for sample in self._samples
        )

    def add(self, sample: Sample) -> None:
        """Keep a measurement."""
        self._samples.append(sample)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(sample)) + "\n")
