"""So many of something a second for a while: what share of a CPU the process uses, what it adds to memory, what goes wrong."""

from __future__ import annotations

from typing import Any

from benchmarks import clocks, inputs
from benchmarks.works.pacing import pace
from benchmarks.works.repeating import WARM_UP
from benchmarks.works.starting import start

_KINDS = {"span": "spans", "line": "lines", "measure": "count"}


def run(adapter: str, endpoint: str, function: str, rate: int, seconds: int) -> dict[str, Any]:
    """Call one function of the adapter at a rate; CPU is in points, 100 being one core."""
    subject = start(adapter, endpoint)
    do = getattr(subject, function)
    if function == "measure":
        labels = [inputs.labels_of(number, 10) for number in range(10)]
        measure = do

        def do(number: int) -> None:
            measure(labels[number % 10])

    for number in range(WARM_UP):
        do(number)
    subject.flush()
    resident, clock = clocks.resident_mb(), clocks.Clocks()
    kept = pace(do, rate, seconds)
    cpu_points = clock.process() / clock.wall() * 100
    figures: dict[str, Any] = {"rate": kept, "cpu_points": cpu_points, "rss_mb": clocks.resident_mb() - resident}
    made = rate * seconds + WARM_UP
    if function in _KINDS:
        figures["expected"] = {_KINDS[function]: {subject.SPAN: made} if function == "span" else made}
    if function == "execution":
        figures["lacks"] = getattr(subject, "LACKS", ())
    if hasattr(subject, "errors"):
        figures["errors"] = subject.errors()
    return figures
