"""Results as Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks import ratios, results
from benchmarks.programme import CPU_BOUND_PERCENT, MEMORY_BOUND_MB
from benchmarks.subjects import OURS, RAW

_VERDICTS = {"stretch": "stretch target met", "met": "met", "missed": "**missed**", "no figure": "no figure", None: ""}


def page(found: dict[str, Any]) -> str:
    """Return everything: what was measured on what, the table, promises, curves, peers, failures."""
    parts = [facts(found), table(found), verdicts(found), promises(found), curves(found), peers(found), failures(found)]
    return "\n\n".join(part for part in parts if part) + "\n"


def facts(found: dict[str, Any]) -> str:
    """Return machine and versions."""
    machine = ", ".join(f"{name} {value}" for name, value in found.get("machine", {}).items())
    versions = ", ".join(f"{name} {version}" for name, version in found.get("versions", {}).items())
    return f"{machine}; the sink used at most {found['sink_cpu_percent']:.1f} % of a core.\n\nVersions: {versions}."


def table(found: dict[str, Any]) -> str:
    """Return a line for each figure: the raw SDK's own, and the others' as ratios to it."""
    others = [subject for subject in found["subjects"] if subject != RAW.name]
    lines = [_line("work", "raw SDK", *others, "target"), _line(*["---"] * (len(others) + 3))]
    for row in found["rows"]:
        for figure in row["figures"]:
            cells = (cell(figure, figure["cells"][subject]) for subject in others)
            title = f"{row['title']}: {figure['title']}"
            lines.append(_line(title, own(figure, figure["cells"][RAW.name]), *cells, target(figure)))
    return "\n".join(lines)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def own(figure: dict[str, Any], raw: results.Cell) -> str:
    """Return the raw SDK's own figure."""
    return with_unit(raw["value"], figure["unit"]) if raw["state"] == "told" else raw["state"]


def cell(figure: dict[str, Any], told: results.Cell) -> str:
    """Return a ratio with its range over the rounds, or in its place that items were lost or that the rounds disagree."""
    if told["state"] == "lost":
        return f"lost {number(told['lost'])} %"
    if told["state"] not in ("told", "disagrees"):
        return str(told["state"])
    mark = " \\*" if told.get("lacks") else ""
    if figure["absolute"]:
        return with_unit(told["value"], figure["unit"]) + mark
    range_ = f"{told['low']:.2f}-{told['high']:.2f}" if told["rounds"] > 1 else "1 round"
    if told["state"] == "disagrees":
        return f"rounds disagree ({range_}){mark}"
    return f"{told['ratio']:.2f} ({range_}){mark}"


def target(figure: dict[str, Any]) -> str:
    """Return the target, with the stretch target in brackets, and whether ours meets it."""
    if figure["target"] is None:
        return ""
    wanted = with_unit(figure["target"], figure["unit"]) if figure["absolute"] else f"{figure['target']:g}"
    stretch = f" ({figure['stretch']:g})" if figure["stretch"] is not None else ""
    return f"{wanted}{stretch}: {_VERDICTS[figure['verdict']]}"


def verdicts(found: dict[str, Any]) -> str:
    """Return how many targets are met, and which are not."""
    judged = [(row, figure) for row in found["rows"] for figure in row["figures"] if figure["verdict"]]
    if not judged:
        return ""
    met = sum(figure["verdict"] in ("met", "stretch") for _, figure in judged)
    stretch = sum(figure["verdict"] == "stretch" for _, figure in judged)
    text = f"Of {len(judged)} targets {met} are met, {stretch} of them with their stretch target."
    rest = [
        f"{row['title']}: {figure['title']} ({figure['verdict']})" for row, figure in judged if figure["verdict"] not in ("met", "stretch")
    ]
    return text + ("".join(f"\n- {item}" for item in rest) if rest else "")


def promises(found: dict[str, Any]) -> str:
    """Return the rates of the concept as a table."""
    if not found["promises"]:
        return ""
    lines = [
        f"Rates that the concept promised, without errors, under {MEMORY_BOUND_MB:g} MB and {CPU_BOUND_PERCENT:g} % of a core:",
        "",
        _line("promised", "kept", "errors", "lost", "CPU", "memory added", ""),
        _line(*["---"] * 7),
    ]
    for promise in found["promises"]:
        rate, cpu, memory = f"{promise['rate']:.1%}", f"{promise['cpu_percent']:.1f} %", f"{promise['memory_mb']:.1f} MB"
        met = "met" if promise["met"] else "**missed**"
        lines.append(_line(promise["title"], rate, str(promise["errors"]), f"{number(promise['lost'])} %", cpu, memory, met))
    return "\n".join(lines)


def curves(found: dict[str, Any]) -> str:
    """Return how each cost grows with the work."""
    if not found["curves"]:
        return ""
    lines = [
        f"CPU of the process until flushed against the work, as a power of it (up to {ratios.EXPONENT_BOUND:g} counts as linear):",
        "",
        _line("work", "from - to", *(f"{name}: power" for name in (OURS.name, RAW.name)), "ours"),
        _line(*["---"] * 5),
    ]
    for curve in found["curves"]:
        powers = [f"{line['exponent']:.2f}" if (line := curve["lines"].get(name)) else "" for name in (OURS.name, RAW.name)]
        ours = curve["lines"].get(OURS.name)
        sizes = next(iter(curve["lines"].values()))["sizes"]
        judged = "" if ours is None else "linear or better" if ours["linear"] else "**worse than linear**"
        if ours is not None and max(ours["lost"]) > 0:
            judged += f", lost up to {number(max(ours['lost']))} %"
        lines.append(_line(curve["title"], f"{sizes[0]:,} - {sizes[-1]:,}", *powers, judged))
    return "\n".join(lines)


def peers(found: dict[str, Any]) -> str:
    """Return for each peer whether ours is ahead in every figure that both have, and what marks mean."""
    names = [subject for subject in found["subjects"] if subject not in (RAW.name, OURS.name)]
    lines = []
    for name in names:
        missed = results.behind(found, name)
        lines.append(f"- {name}: ours is " + (f"behind in {'; '.join(missed)}" if missed else "ahead in every figure that both have"))
    lines += [f"- {name} could not be installed: {_first_line(reason)}" for name, reason in found.get("missing", {}).items()]
    lacking = {
        name: figure["cells"][name]["lacks"]
        for row in found["rows"]
        for figure in row["figures"]
        for name in names
        if "lacks" in figure["cells"][name]
    }
    if lacking:
        lines.append(
            "\n\\* without "
            + "; ".join(f"{' and '.join(lacks)} ({name})" for name, lacks in lacking.items())
            + ", which it does not offer."
        )
    return "\n".join(lines)


def failures(found: dict[str, Any]) -> str:
    """Return what crashed, with the end of what it said."""
    return "\n\n".join(f"{item['subject']} crashed in {item['row']}:\n\n```text\n{item['error']}\n```" for item in found["failures"])


def _first_line(text: str) -> str:
    return text.strip().splitlines()[-1] if text.strip() else "no reason given"


def with_unit(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    return f"{number(value)} {unit}".strip()


def number(value: float) -> str:
    """Return three significant digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def embed(document: str, block: str, name: str) -> str:
    """Return the document with the block put between the comments ``<!-- name -->`` and ``<!-- end of name -->``.

    Raises:
        ValueError: the document has no such comments.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no place for {name}")
    return f"{before}{begin}\n{block.strip()}\n\n{end}{after}"
