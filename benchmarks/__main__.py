"""``python -m benchmarks``: measure, and print the table."""

from __future__ import annotations

import argparse
import platform
import sys

from benchmarks import environments, report, runner
from benchmarks.measuring import Sink
from benchmarks.rows import ROWS
from benchmarks.subjects import OURS, PEERS, RAW


def main() -> None:
    """Read the command line and run."""
    options = _options()
    rows = [row for row in ROWS if (row.key in options.rows if options.rows else not options.quick or row.quick is not None)]
    subjects = [OURS, RAW] if options.quick else [OURS, RAW, *(peer for peer in PEERS if not options.peers or peer.name in options.peers)]
    present = runner.install(subjects)
    subjects = [subject for subject in subjects if subject.name in present.environments]
    journal = runner.Journal(environments.CACHE / ("quick.jsonl" if options.quick else "run.jsonl"), resume=options.resume)
    with Sink(present.environments[RAW.name]) as sink:
        runner.warm(subjects, present, sink)
        for row in rows:
            rounds = options.rounds or (3 if options.quick else row.rounds)
            runner.run(row, subjects, present, sink, journal, rounds=rounds, quick=options.quick)
    versions = present.environments[RAW.name].versions
    print(f"\n{platform.machine()}, Python {platform.python_version()}, opentelemetry-sdk {versions['opentelemetry-sdk']}\n")
    print(report.table(rows, [subject.name for subject in subjects], journal.samples))
    for sample in journal.samples:
        if "error" in sample.figures:
            print(f"\n{sample.subject} in {sample.row}: {sample.figures['error']}", file=sys.stderr)
    for name, reason in present.missing.items():
        print(f"\n{name} could not be installed: {reason}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="ours and the raw SDK only, few rounds")
    parser.add_argument("--rows", nargs="*", choices=[row.key for row in ROWS], help="only these rows")
    parser.add_argument("--peers", nargs="*", help="only these peers")
    parser.add_argument("--rounds", type=int, help="so many rounds of every row")
    parser.add_argument("--resume", action="store_true", help="go on where the last run ended")
    return parser.parse_args()


if __name__ == "__main__":
    main()
