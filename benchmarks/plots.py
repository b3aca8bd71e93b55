"""Draw ``ratios.svg`` and ``curves.svg`` from ``results.json``: ``python -m benchmarks.plots FOLDER``, where matplotlib is installed.

Text and lines are of middle tones on no background, so that they can be read on a light page and on a dark one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

OURS, RAW = "langswarm-otel", "raw-sdk"
INK = "#808a94"
COLOURS = {OURS: "#e0533d", RAW: "#4a90d9"}
PEER_COLOURS = ("#2fa37c", "#b07cc6", "#c79a2e", "#6f7fd0", "#c7699a")
MARKERS = ("s", "^", "v", "D", "P")
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "langswarm-otel",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 9,
    **{f"{part}.color": INK for part in ("text", "xtick", "ytick", "grid")},
    **{f"axes.{part}color": INK for part in ("label", "edge")},
    "axes.titlecolor": INK,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def main() -> None:
    """Draw both plots into the folder that has the results."""
    folder = Path(sys.argv[1])
    found = json.loads((folder / "results.json").read_text())
    mpl.rcParams.update(STYLE)
    if any(relative_rows(found)):
        draw_ratios(found, folder / "ratios.svg")
    if found["curves"]:
        draw_curves(found, folder / "curves.svg")


def relative_rows(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the figures that ours has a ratio of, each with its title."""
    return [
        (f"{row['title']}\n{figure['title']}", figure)
        for row in found["rows"]
        for figure in row["figures"]
        if "ratio" in figure["cells"][OURS]
    ]


def draw_ratios(found: dict[str, Any], path: Path) -> None:
    """Draw the ratio of each subject to the raw SDK, a line of dots for each figure, on a logarithmic scale."""
    rows = relative_rows(found)[::-1]
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.42 * len(rows)))
    axes.axvline(1.0, color=COLOURS[RAW], linewidth=1.2)
    axes.annotate("raw SDK", (1.0, len(rows) - 0.4), color=COLOURS[RAW], ha="center", annotation_clip=False)
    subjects = [subject for subject in found["subjects"] if subject not in (RAW, OURS)]
    for subject, colour, marker in [*zip(subjects, PEER_COLOURS, MARKERS, strict=False), (OURS, COLOURS[OURS], "o")]:
        dots = [(row["cells"][subject]["ratio"], place) for place, (_, row) in enumerate(rows) if "ratio" in row["cells"].get(subject, {})]
        size = 46 if subject == OURS else 22
        if dots:
            axes.scatter(*zip(*dots, strict=True), s=size, color=colour, marker=marker, label=subject, zorder=3 if subject == OURS else 2)
    axes.set_xscale("log")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(rows)), [title for title, _ in rows], fontsize=8)
    axes.set_xlabel("cost as a ratio to the raw SDK, lower is better\n(no dot where a run lost something or the library has no such thing)")
    axes.grid(visible=True, axis="x", linewidth=0.4, alpha=0.5)
    figure.legend(loc="upper center", ncols=6, bbox_to_anchor=(0.5, 1.0 + 0.3 / figure.get_figheight()))
    _save(figure, path)


def draw_curves(found: dict[str, Any], path: Path) -> None:
    """Draw the CPU of the process against the work, a panel for each curve, both axes logarithmic."""
    figure, panels = plt.subplots(2, 2, figsize=(8, 6), squeeze=False)
    for axes, curve in zip(panels.flat, found["curves"], strict=False):
        for subject, line in curve["lines"].items():
            label = f"{subject} (power {line['exponent']:.2f})"
            axes.plot(line["sizes"], line["cpu_s"], marker="o", markersize=4, color=COLOURS[subject], label=label)
        axes.set(xscale="log", yscale="log", title=curve["title"], ylabel="CPU seconds")
        axes.grid(visible=True, linewidth=0.4, alpha=0.5)
        axes.legend(fontsize=8)
    for axes in list(panels.flat)[len(found["curves"]) :]:
        axes.set_visible(False)
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
