"""The rows of the table: which work, how much of it, which of its figures, and the targets of issue 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a row."""

    key: str
    title: str
    unit: str
    target: float | None = None
    """The ratio to the raw SDK that must not be exceeded; for shares that are lost, the share itself."""
    stretch: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One work, done once a round by every subject in a process of its own."""

    key: str
    title: str
    work: str
    numbers: Mapping[str, int] = field(default_factory=dict)
    figures: tuple[Figure, ...] = ()
    rounds: int = 5
    quick: Mapping[str, int] | None = None
    """Numbers of ``make bench-quick``; None leaves the row out of it."""


def _lost() -> Figure:
    return Figure(key="lost", title="lost", unit="%", target=0.0)


ROWS: tuple[Row, ...] = (
    Row(
        key="import",
        title="import + configure",
        work="importing",
        quick={},
        figures=(
            Figure(key="process_ms", title="process CPU", unit="ms", target=0.8, stretch=0.5),
            Figure(key="rss_mb", title="memory added", unit="MB", target=0.9, stretch=0.7),
            Figure(key="modules", title="modules", unit=""),
        ),
    ),
    Row(
        key="span",
        title="20 000 spans, 8 attributes",
        work="spans",
        numbers={"size": 20_000},
        quick={"size": 20_000},
        figures=(
            Figure(key="thread_us", title="calling thread", unit="us", target=0.9, stretch=0.5),
            Figure(key="process_us", title="process", unit="us", target=0.65, stretch=0.4),
            _lost(),
        ),
    ),
    Row(
        key="unsampled",
        title="unsampled span",
        work="unsampled",
        numbers={"size": 50_000},
        quick={"size": 30_000},
        figures=(Figure(key="thread_us", title="calling thread", unit="us", target=1.0, stretch=0.6),),
    ),
    Row(
        key="metrics",
        title="counter + histogram, 3 attributes",
        work="measuring",
        numbers={"size": 50_000},
        quick={"size": 30_000},
        figures=(Figure(key="thread_us", title="calling thread", unit="us", target=0.6, stretch=0.3), _lost()),
    ),
    Row(
        key="line",
        title="structlog line, file + OTLP",
        work="lines",
        numbers={"size": 10_000},
        quick={"size": 10_000},
        figures=(
            Figure(key="thread_us", title="calling thread", unit="us"),
            Figure(key="process_us", title="process", unit="us", target=0.6, stretch=0.4),
            _lost(),
        ),
    ),
    Row(
        key="agent",
        title="agent execution, all signals",
        work="executions",
        numbers={"size": 4_000},
        quick={"size": 4_000},
        figures=(
            Figure(key="thread_us", title="calling thread", unit="us", target=0.8, stretch=0.4),
            Figure(key="process_us", title="process", unit="us", target=0.7, stretch=0.45),
            _lost(),
        ),
    ),
)
