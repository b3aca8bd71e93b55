"""The long form: ten minutes of chaos, outages of a minute, a million operations, the table of exits; each writes a page in ``docs/chaos``.

make chaos                      # all of it, some twenty minutes
make chaos ONLY=outage          # chaos, outage, million or exits
make chaos ONLY=chaos MINUTES=2 SEED=7
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "support")]
import exits  # noqa: E402 - beside this file
import harness  # noqa: E402
import million  # noqa: E402
import outage  # noqa: E402

PAGES = Path(__file__).parents[2] / "docs" / "chaos"


def write(name: str, title: str, about: str, lines: list[str]) -> None:
    """Write a page and say it on the terminal."""
    when = time.strftime("%Y-%m-%d", time.gmtime())
    machine = f"{os.cpu_count()} cores, Python {sys.version.split()[0]}"
    text = "\n".join([f"# {title}", "", about, "", f"Made by `make chaos ONLY={name}` on {when}: {machine}.", "", *lines, ""])
    PAGES.mkdir(exist_ok=True)
    (PAGES / f"{name}.md").write_text(text)
    print("\n".join(lines), flush=True)


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def chaos(minutes: float, seed: int) -> bool:
    """A chaos, with the spool."""
    print(f"seed {seed}, {minutes:g} minutes", flush=True)
    with tempfile.TemporaryDirectory() as spool:
        outcome = harness.play(seed, minutes * 60, spool=Path(spool), calm_s=10.0)
    broken = outcome.broken()
    summary, seen, told = outcome.summary, outcome.seen, outcome.percentiles()
    lines = [f"Seed **{seed}**; `make chaos ONLY=chaos MINUTES={minutes:g} SEED={seed}` repeats its schedule.", ""]
    lines += ["**Invariants: " + ("all hold.**" if not broken else "broken.**"), *(f"- {sentence}" for sentence in broken), ""]
    lines += [row("signal", "made", "exported", "unique at the server", "copies", "lost, by reason", "left"), row(*["---"] * 7)]
    for signal, unique, copies in (("traces", len(seen.spans), seen.span_copies), ("logs", len(seen.lines), seen.line_copies)):
        of = summary["rows"][signal]
        lost = ", ".join(f"{reason} {count}" for reason, count in of["dropped"].items()) or "none"
        lines.append(row(signal, of["made"], of["exported"], unique, copies - unique, lost, of["left"]))
    lines += ["", row("an operation, in us", "p50", "p99", "p99.9"), row(*["---"] * 4)]
    lines += [row(name, *values) for name, values in told.items()]
    lines += ["", row("minute", "RSS, MiB", "threads", "open files", "queued", "on disk"), row(*["---"] * 6)]
    every = max(1, len(outcome.samples) // 20)
    lines += [
        row(round(one["at"] / 60, 1), round(one["rss_kib"] / 1024, 1), one["threads"], one["files"], one["queued"], one["spooled"])
        for one in outcome.samples[::every]
    ]
    faults = ", ".join(f"{name} {count}" for name, count in sorted(outcome.faults.items(), key=lambda pair: -pair[1]))
    lines += [
        "",
        f"Requests that met each fault: {faults}.",
        "",
        f"The exit took {outcome.exit_s:.2f} s of a deadline of {harness.DEADLINE_S:g} s.",
    ]
    write("chaos", "Chaos", "A proxy between an application and a real OTLP server does to each request what a seed says.", lines)
    return not broken


def outages() -> bool:
    """A minute of outage under 500 records a second, of each kind, and one with a kill in the middle."""
    lines = [row("outage of 60 s", "lines made", "missing", "in order", "copies", "p99 without, us", "p99 in it, us"), row(*["---"] * 7)]
    good = True
    for kind, is_killed in (("refuse", False), ("hang", False), ("busy", False), ("refuse", True)):
        with tempfile.TemporaryDirectory() as spool:
            result = outage.run(kind, 60.0, Path(spool), is_killed=is_killed, before_s=10.0)
        name = f"{kind}, SIGKILL in the middle" if is_killed else kind
        p99 = [result.latencies[when][1] if result.latencies[when] else "-" for when in ("without", "outage")]
        lines.append(row(name, result.made, len(result.missing), "yes" if result.in_order else "**no**", result.copies, *p99))
        good = good and result.in_order and (is_killed or not result.missing)
        if is_killed:
            young = len(result.missing) / 250
            lines += [
                "",
                f"The killed process lost {len(result.missing)} lines, those of its last {young:.2f} s; the schedule delay is 1 s.",
            ]
            lines += [
                f"The next process took {result.rows['logs']['recovered']} lines and {result.rows['traces']['recovered']} spans over."
            ]
            good = good and young < outage.SCHEDULE_DELAY_S
    write("outage", "Outages", "250 spans and 250 lines a second, with `spool_directory=`; the endpoint fails for a minute.", lines)
    return good


def exit_table() -> bool:
    """Every kind of endpoint, with nothing and with 10 000 spans to send; the worst of three."""
    lines = [row("Collector", *(f"{spans:,} spans{where}" for where in ("", ", spool") for spans in (0, 10_000))), row(*["---"] * 5)]
    worst = 0.0
    for kind in exits.KINDS:
        cells = [max(exits.exit_s(kind, spans, has_spool=spool) for _ in range(3)) for spool in (False, True) for spans in (0, 10_000)]
        worst = max(worst, *cells)
        lines.append(row(kind, *(f"{cell:.2f} s" for cell in cells)))
    lines += ["", f"The worst is {worst:.2f} s; the deadline is {exits.DEADLINE_S:g} s and may be passed by 0.5 s."]
    write("exits", "Exit times", "From the last statement of a program to the end of its process, the worst of three.", lines)
    return worst <= exits.DEADLINE_S + 0.5


def millions() -> bool:
    """A million operations without a Collector."""
    lines, good = [], True
    for name in ("in memory", "with a spool"):
        with tempfile.TemporaryDirectory() as spool:
            found = million.million(1_000_000, spool if name == "with a spool" else "")
        lines += [f"## {name.capitalize()}", "", row("operations", "RSS, MiB", "threads", "held, MiB", "on disk, MiB"), row(*["---"] * 5)]
        lines += [
            row(f"{one['done']:,}", one["rss_mib"], one["threads"], round(one["held_bytes"] / 2**20, 1), round(one["on_disk"] / 2**20, 1))
            for one in found["samples"]
        ]
        lines += ["", f"The account at the end: `{found['rows']['traces']}`.", ""]
        later = found["samples"][2:]
        good = good and len({one["threads"] for one in later}) == 1 and later[-1]["rss_mib"] < later[0]["rss_mib"] + 16
    about = "An agent and a tool each, Collector down, `queue_max_bytes` of 16 MiB, and 32 MiB of disk."
    write("million", "A million operations", about, lines)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["chaos", "outage", "million", "exits"])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    parts = {"exits": exit_table, "outage": outages, "million": millions, "chaos": lambda: chaos(given.minutes, given.seed)}
    bad = [name for name, part in parts.items() if given.only in (None, name) and not part()]
    print(f"does not hold: {', '.join(bad)}" if bad else "all hold", flush=True)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
