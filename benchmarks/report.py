"""The table, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import ratios
from benchmarks.subjects import PLAIN, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rows import Figure, Row
    from benchmarks.runner import Sample


def table(rows: Sequence[Row], subjects: Sequence[str], samples: Sequence[Sample]) -> str:
    """Return one line a figure: the raw SDK's own figure, then the ratio of each other subject to it."""
    others = [name for name in subjects if name not in (RAW.name, PLAIN.name)]
    lines = [f"| work | raw SDK | {' | '.join(others)} | target |", "|---" * (len(others) + 3) + "|"]
    for row in rows:
        for figure in row.figures:
            cells = [cell(row, figure, name, samples) for name in others]
            title = f"{row.title}: {figure.title}"
            lines.append(f"| {title} | {own(row, figure, samples)} | {' | '.join(cells)} | {target(figure)} |")
    return "\n".join(lines)


def own(row: Row, figure: Figure, samples: Sequence[Sample]) -> str:
    """Return the raw SDK's figure, or why there is none."""
    reason = why_none(row, RAW.name, samples)
    summary = ratios.summarise(ratios.by_round(samples, row.key, RAW.name, figure.key), None)
    if reason or summary is None:
        return reason or "not measured"
    return f"{number(summary.median)} {figure.unit}".strip()


def cell(row: Row, figure: Figure, subject: str, samples: Sequence[Sample]) -> str:
    """Return the ratio with its spread, or in its place that items were lost or that the rounds disagree."""
    reason = why_none(row, subject, samples)
    values = ratios.by_round(samples, row.key, subject, figure.key)
    if figure.key == "lost":
        summary = ratios.summarise(values, None)
        return reason or ("not measured" if summary is None else f"{number(summary.high)} %")
    summary = ratios.summarise(values, ratios.by_round(samples, row.key, RAW.name, figure.key))
    if reason or summary is None:
        return reason or "not measured"
    lost = max(ratios.by_round(samples, row.key, subject, "lost").values(), default=0.0)
    if lost > 0:
        return f"lost {number(lost)} %"
    if summary.ratio is None:
        return f"{number(summary.median)} {figure.unit}"
    if summary.disagrees:
        return f"rounds disagree ({summary.low:.2f}-{summary.high:.2f})"
    return f"{summary.ratio:.2f} ({summary.low:.2f}-{summary.high:.2f})"


def why_none(row: Row, subject: str, samples: Sequence[Sample]) -> str | None:
    """Return why a subject has no figures in a row: it does not offer it, or it crashed."""
    for sample in samples:
        if sample.row == row.key and sample.subject == subject:
            if "not offered" in sample.figures:
                return "not offered"
            if "error" in sample.figures:
                return "crashed"
    return None


def number(value: float) -> str:
    """Return three significant digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def target(figure: Figure) -> str:
    """Return the target of issue 3."""
    if figure.target is None:
        return ""
    if figure.key == "lost":
        return f"{figure.target:g} %"
    return f"{figure.target:g}" + (f" ({figure.stretch:g})" if figure.stretch is not None else "")
