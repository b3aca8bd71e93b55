"""From the journal to results: what each cell may tell, which targets are met, and how costs grow. Everything here is plain data."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

from benchmarks import ratios
from benchmarks.programme import CPU_BOUND_PERCENT, MEMORY_BOUND_MB
from benchmarks.subjects import OURS, PLAIN, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.journal import Sample
    from benchmarks.rows import Curve, Figure, Promise, Row

Cell = dict[str, Any]


def build(rows: Sequence[Row], curves: Sequence[Curve], promises: Sequence[Promise], samples: Sequence[Sample]) -> dict[str, Any]:
    """Return the results as they stand in ``results.json``."""
    subjects = list(dict.fromkeys([RAW.name, OURS.name, *(sample.subject for sample in samples if sample.subject != PLAIN.name)]))
    table = [row_of(row, subjects, samples) for row in rows if any(sample.row == row.key for sample in samples)]
    return {
        "subjects": subjects,
        "rows": table,
        "curves": [found for curve in curves if (found := curve_of(curve, samples))],
        "promises": [found for promise in promises if (found := promise_of(promise, samples))],
        "failures": [
            {"row": sample.row, "subject": sample.subject, "error": sample.figures["error"]}
            for sample in samples
            if "error" in sample.figures
        ],
        "sink_cpu_percent": max((sample.figures["sink_cpu"] for sample in samples if "sink_cpu" in sample.figures), default=0.0),
    }


def row_of(row: Row, subjects: Sequence[str], samples: Sequence[Sample]) -> dict[str, Any]:
    """Return one row with its figures and their cells."""
    mine = [sample for sample in samples if sample.row == row.key]
    figures = []
    for figure in row.figures:
        cells = {subject: cell_of(figure, subject, mine) for subject in subjects}
        figures.append(
            {
                "key": figure.key,
                "title": figure.title,
                "unit": figure.unit,
                "absolute": figure.absolute,
                "target": figure.target,
                "stretch": figure.stretch,
                "cells": cells,
                "verdict": verdict(figure, cells[OURS.name]),
            }
        )
    return {"key": row.key, "title": row.title, "figures": figures}


def cell_of(figure: Figure, subject: str, mine: Sequence[Sample]) -> Cell:
    """Return what one subject's cell tells: its state, and figures only in the states ``told`` and ``disagrees``."""
    own = [sample for sample in mine if sample.subject == subject]
    values = values_of(figure, subject, mine)
    state = _no_figure(own) or (None if values else "not measured")
    if state is not None:
        return {"state": state}
    summary = ratios.summarise(list(values.values()))
    cell: Cell = {"state": "told", "value": summary.high if figure.key == "lost" else summary.median, "rounds": summary.rounds}
    lacks = next((sample.figures["lacks"] for sample in own if sample.figures.get("lacks")), None)
    if lacks:
        cell["lacks"] = lacks
    if figure.absolute or subject == RAW.name:
        return cell
    lost = max((sample.figures.get("lost", 0.0) for sample in own), default=0.0)
    if lost > 0:
        return {"state": "lost", "lost": lost, "rounds": summary.rounds}
    return cell | _relative(values, values_of(figure, RAW.name, mine))


def _relative(values: dict[int, float], baseline: dict[int, float]) -> Cell:
    """Return the ratio to the raw SDK over the rounds that both have."""
    shared = ratios.ratios(values, baseline)
    if not shared:
        return {"state": "not measured"}
    relative = ratios.summarise(shared)
    state = "disagrees" if relative.disagrees else "told"
    return {"state": state, "ratio": relative.median, "low": relative.low, "high": relative.high, "spread": relative.spread}


def values_of(figure: Figure, subject: str, mine: Sequence[Sample]) -> dict[int, float]:
    """Return one figure of one subject by round, above the plain program where it counts so."""
    values = {s.round: float(s.figures[figure.key]) for s in mine if s.subject == subject and figure.key in s.figures}
    if not figure.above_plain:
        return values
    return ratios.above(values, {s.round: float(s.figures[figure.key]) for s in mine if s.subject == PLAIN.name})


def _no_figure(own: Sequence[Sample]) -> str | None:
    if not own:
        return "not measured"
    if any("not offered" in sample.figures for sample in own):
        return "not offered"
    if any("error" in sample.figures for sample in own):
        return "crashed"
    return None


def verdict(figure: Figure, ours: Cell) -> str | None:
    """Return whether ours meets the target: ``stretch``, ``met``, ``missed``, ``no figure``; None without a target."""
    if figure.target is None:
        return None
    if ours["state"] != "told":
        return "no figure"
    value = ours["value"] if figure.absolute else ours["ratio"]
    if figure.stretch is not None and value <= figure.stretch:
        return "stretch"
    return "met" if value <= figure.target else "missed"


def behind(results: dict[str, Any], peer: str) -> list[str]:
    """Return the figures in which a peer is ahead of ours, with a mark where it does less."""
    found = []
    for row in results["rows"]:
        for figure in row["figures"]:
            ours, theirs = figure["cells"][OURS.name], figure["cells"].get(peer, {"state": "not measured"})
            comparable = ours["state"] in ("told", "disagrees") and theirs["state"] in ("told", "disagrees")
            told = "ratio" if "ratio" in ours and "ratio" in theirs else "value"
            if comparable and theirs[told] < ours[told]:
                found.append(f"{row['title']}: {figure['title']}" + (" \\*" if theirs.get("lacks") else ""))
    return found


def curve_of(curve: Curve, samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Return the points of a curve and the power that its cost grows with, by subject; None if it was not measured."""
    lines = {}
    for subject in (OURS.name, RAW.name):
        points = {size: found for size in curve.sizes if (found := _at(curve.row(size), subject, samples))}
        if len(points) > 1:
            sizes = list(points)
            costs = [statistics.median(f["process_us"] for f in found) * curve.items_at(size) / 1e6 for size, found in points.items()]
            power = ratios.exponent(sizes, costs)
            lost = [max(f.get("lost", 0.0) for f in found) for found in points.values()]
            lines[subject] = {"sizes": sizes, "cpu_s": costs, "lost": lost, "exponent": power, "linear": power <= ratios.EXPONENT_BOUND}
    return {"key": curve.key, "title": curve.title, "lines": lines} if lines else None


def _at(row: Row, subject: str, samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return the figures of one point, a round each."""
    return [s.figures for s in samples if s.row == row.key and s.subject == subject and "process_us" in s.figures]


def promise_of(promise: Promise, samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Return whether a rate of the concept was kept, and at what cost; None if it was not measured."""
    for sample in samples:
        if sample.row == promise.row().key and sample.subject == OURS.name and "rate" in sample.figures:
            figures = sample.figures
            kept = figures["rate"] >= 0.99 * promise.rate and figures["errors"] == 0 and figures.get("lost", 0.0) == 0
            cheap = figures["cpu_points"] < CPU_BOUND_PERCENT and figures["rss_mb"] < MEMORY_BOUND_MB
            return {
                "title": promise.title,
                "rate": figures["rate"] / promise.rate,
                "errors": figures["errors"],
                "lost": figures.get("lost", 0.0),
                "cpu_percent": figures["cpu_points"],
                "memory_mb": figures["rss_mb"],
                "met": kept and cheap,
            }
    return None
