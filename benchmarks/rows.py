"""The kinds of rows: which work, how much of it, and which of its figures are told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Endpoint = Literal["healthy", "refused", "hanging"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a row."""

    key: str
    title: str
    unit: str
    target: float | None = None
    """What must not be exceeded: the ratio to the raw SDK, or the figure itself where it is absolute."""
    stretch: float | None = None
    absolute: bool = False
    """Whether each subject's own figure is told instead of a ratio: the raw SDK's may be nothing at all, or its loss is the point."""
    above_plain: bool = False
    """Whether it counts above the same program without telemetry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One work, done once a round by every subject in a process of its own."""

    key: str
    title: str
    work: str
    figures: tuple[Figure, ...]
    settings: Mapping[str, int | str] = field(default_factory=dict)
    quick: bool = False
    """Whether ``make bench-quick`` has it."""
    rounds: int = 5
    peer_rounds: int = 3
    """Rounds that the peers take part in: the first ones."""
    best_of: int = 1
    """Processes a round, of which each figure is the best: what disturbs a machine only ever adds."""
    endpoint: Endpoint = "healthy"
    at_once: bool = False
    """Whether all subjects run at the same time, because they wait rather than work."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the process."""

    @property
    def group(self) -> str:
        """What it may be chosen by, with others of its kind."""
        return self.key.partition("-")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One work at growing sizes, by ours and the raw SDK."""

    key: str
    title: str
    work: str
    varied: str
    """The setting that grows."""
    sizes: tuple[int, ...]
    settings: Mapping[str, int] = field(default_factory=dict)
    items: tuple[str, ...] = ("size",)
    """Settings whose product is the number of items; the cost of one times it is the cost of all."""

    def row(self, size: int) -> Row:
        """Return the row that measures one point."""
        return Row(
            key=f"curve-{self.key}-{size}",
            title=f"curve of {self.title}: {size:,}",
            work=self.work,
            settings={**self.settings, self.varied: size},
            rounds=1,
            figures=(Figure(key="process_us", title="process", unit="us"),),
        )

    def items_at(self, size: int) -> int:
        """Return how many items the work makes."""
        return math.prod({**self.settings, self.varied: size}[name] for name in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One rate that the project's concept promised, kept by ours for a while."""

    key: str
    title: str
    function: str
    rate: int
    """Calls a second."""
    seconds: int = 5

    def row(self) -> Row:
        """Return the row that measures it."""
        return Row(
            key=f"promise-{self.key}",
            title=self.title,
            work="steady",
            settings={"function": self.function, "rate": self.rate, "seconds": self.seconds},
            rounds=1,
            figures=(),
        )
