"""``python -m benchmarks``: measure, print the table, and with ``--write`` keep it in ``docs/``."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from benchmarks import environments, machine, publishing, report, results
from benchmarks.journal import Journal
from benchmarks.programme import CURVES, PROMISES, ROWS
from benchmarks.runner import Runner, install, say
from benchmarks.sink_process import SinkProcess
from benchmarks.subjects import OURS, PEERS, PLAIN, RAW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.rows import Row
    from benchmarks.runner import Installed
    from benchmarks.subjects import Subject

QUICK_ROUNDS = 3


def main() -> None:
    """Read the command line, measure, and tell."""
    options = _options()
    jobs = _jobs(options)
    chosen = [] if options.quick else [peer for peer in PEERS if options.peers is None or peer.name in options.peers]
    needs_plain = any(figure.above_plain for row, _ in jobs for figure in row.figures)
    installed = install([RAW, OURS, *([PLAIN] if needs_plain else []), *chosen])
    for subject in (RAW, OURS):
        if subject.name in installed.missing:
            raise SystemExit(f"{subject.name} cannot be installed:\n{installed.missing[subject.name]}")
    kept = environments.CACHE / ("quick.jsonl" if options.quick else "run.jsonl")
    going_on = options.resume or options.report
    journal = Journal(kept, resume=going_on)
    facts = machine.remembered(kept.with_suffix(".facts.json"), anew=not going_on)
    if not options.report:
        _measure(jobs, installed, journal, options.rounds)
    found = results.build(ROWS, CURVES, PROMISES, journal.samples)
    found |= {"machine": facts, "versions": _versions(installed, [RAW, OURS, *chosen]), "missing": installed.missing}
    print(report.page(found))
    if options.write:
        publishing.write(found)
        say(f"written to {publishing.FOLDER}")


def _measure(jobs: Sequence[tuple[Row, Sequence[Subject]]], installed: Installed, journal: Journal, rounds: int | None) -> None:
    with SinkProcess(installed.environments[RAW.name].python) as sink:
        runner = Runner(installed=installed, sink=sink, journal=journal)
        everybody = {subject.name: subject for _, subjects in jobs for subject in subjects if subject.name in installed.environments}
        runner.warm(list(everybody.values()))
        for row, subjects in jobs:
            runner.run(row, [subject for subject in subjects if subject.name in everybody], rounds=rounds)


def _jobs(options: argparse.Namespace) -> list[tuple[Row, Sequence[Subject]]]:
    """Return the rows to measure, each with those who take part."""
    peers = [] if options.quick else [peer for peer in PEERS if options.peers is None or peer.name in options.peers]
    everybody = [RAW, OURS, PLAIN, *peers]
    jobs: list[tuple[Row, Sequence[Subject]]] = [(row, everybody) for row in ROWS]
    jobs += [(promise.row(), [OURS]) for promise in PROMISES]
    jobs += [(curve.row(size), [RAW, OURS]) for curve in CURVES for size in curve.sizes]
    if options.rows:
        return [job for job in jobs if job[0].group in options.rows or any(job[0].key.startswith(name) for name in options.rows)]
    return [job for job in jobs if job[0].quick] if options.quick else jobs


def _versions(installed: Installed, subjects: Sequence[Subject]) -> dict[str, str]:
    """Return the version of each subject, with that of the SDK below it where it has one of its own."""
    versions = {}
    for subject in subjects:
        if subject.name in installed.environments and subject.distribution:
            found = installed.environments[subject.name].versions
            below = f" (on opentelemetry-sdk {found['opentelemetry-sdk']})" if subject is not RAW else ""
            versions[subject.distribution] = f"{found[subject.distribution]}{below}"
    return versions


def _options() -> argparse.Namespace:
    keys = sorted({row.key for row in ROWS} | {row.group for row in ROWS} | {"curve", "promise"})
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, epilog=f"rows: {', '.join(keys)}")
    parser.add_argument("--quick", action="store_true", help="ours and the raw SDK only, few rows, few rounds")
    parser.add_argument("--rows", nargs="*", help="only rows whose name begins so")
    parser.add_argument("--peers", nargs="*", choices=[peer.name for peer in PEERS], help="only these peers")
    parser.add_argument("--rounds", type=int, help="so many rounds of every row")
    parser.add_argument("--resume", action="store_true", help="go on where the last run ended; what crashed is tried again")
    parser.add_argument("--report", action="store_true", help="measure nothing, tell what the last run found")
    parser.add_argument("--write", action="store_true", help="keep table and plots in docs/")
    options = parser.parse_args()
    if options.quick and options.rounds is None:
        options.rounds = QUICK_ROUNDS
    return options


if __name__ == "__main__":
    if sys.platform != "linux":
        raise SystemExit("the benchmark reads /proc: it runs on Linux")
    main()
