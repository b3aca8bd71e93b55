"""What the instrumentor adds to one run of a LangSwarm agent: ``python -m benchmarks.langswarm [--write] [--rounds N] [--runs N]``.

An agent of the real LangSwarm asks a model that answers at once, so that nothing hides the overhead. Each measurement is a process of its
own; in each round plain LangSwarm, LangSwarm with our instrumentor (preset ``production``, a sink on loopback), and LangSwarm with its own
observability take turns. What LangSwarm's own cannot do is told in its own words.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import statistics
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, Final

from benchmarks import machine
from benchmarks.environments import ROOT
from benchmarks.sink_process import SinkProcess

if TYPE_CHECKING:
    from collections.abc import Callable

_Row = tuple[str, str, str]
PAGE: Final = ROOT / "docs" / "benchmarks" / "langswarm.md"
WAYS: Final = ("_execute_chat", "chat")
PAUSES_S: Final = {"back to back": 0.0, "a run each 5 ms": 0.005}
"""What is waited between two runs."""

SUBJECTS: Final = {
    "plain": "plain LangSwarm",
    "ours": "with the instrumentor",
    "drop-in": "with LangSwarm's own reports through the drop-in",
    "theirs": "with LangSwarm's own observability",
}
OURS: Final = ("ours", "drop-in")
WARM_UP: Final = 300
LIMIT_US: Final = 1000.0
"""What a run may take longer at its 99th percentile, in microseconds."""


def measure(subject: str, way: str, endpoint: str, runs: int, pause_s: float) -> dict[str, Any]:
    """Run an agent so many times in this process, each timed by itself."""
    warnings.simplefilter("ignore", DeprecationWarning)
    for name in ("langswarm", "error_handler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    observability = _configure(endpoint, instrument=subject == "ours") if subject in OURS else None
    if subject == "drop-in":
        from langswarm_otel.compat import ObservabilityProvider

        ObservabilityProvider({"log_level": "warning"}).begin()
    if subject == "theirs":
        _use_theirs()
    agent = _agent()
    try:
        found = asyncio.run(_timed(getattr(agent, way), runs, pause_s, observability))
    except Exception as error:
        found = {"broken": f"{type(error).__name__}: {error}"}
    if observability is not None:
        observability.shutdown()
    return found


def _configure(endpoint: str, *, instrument: bool) -> Any:
    from langswarm_otel import configure_observability

    prices = {"gpt-4o": {"input": 2.5, "output": 10.0}}  # public ones are loaded in the background, once, for some seconds
    quiet = {"log_output": "none", "log_level": "WARNING"}
    return configure_observability(
        "production", service_name="bench", endpoint=endpoint, price_table=prices, instrument=instrument, **quiet
    )


def _use_theirs() -> None:
    from langswarm.core import observability

    provider = observability.create_production_observability("/dev/null")
    observability.auto_instrumentation.set_global_observability_provider(provider)


def _agent() -> Any:
    from langswarm.core.agents.base import AgentConfiguration, AgentResponse, BaseAgent
    from langswarm.core.agents.interfaces import AgentMessage, AgentUsage, ProviderType

    class Instant:
        """Answers at once; an agent asks its provider for nothing else."""

        async def send_message(self, *_asked: Any) -> Any:
            answer = AgentMessage(role="assistant", content="done")
            return AgentResponse.success_response("done", message=answer, usage=AgentUsage(10, 3, 13), finish_reason="stop")

    return BaseAgent("bench", AgentConfiguration(ProviderType.OPENAI, "gpt-4o"), Instant())


async def _timed(run: Callable[..., Any], runs: int, pause_s: float, observability: Any) -> dict[str, Any]:
    for _ in range(WARM_UP):
        await run("hi", "s-1")
    times = []
    cpu = time.process_time()
    for _ in range(runs):
        begin = time.perf_counter()
        response = await run("hi", "s-1")
        times.append(time.perf_counter() - begin)
        if pause_s:
            await asyncio.sleep(pause_s)
    if observability is not None:
        observability.flush()
    cpu = time.process_time() - cpu
    assert response.success, response.error
    return {"p50_us": statistics.median(times) * 1e6, "p99_us": statistics.quantiles(times, n=100)[98] * 1e6, "cpu_us": cpu / runs * 1e6}


def in_process(subject: str, way: str, endpoint: str, runs: int, pause_s: float) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.langswarm", "--child", subject, way, endpoint, str(runs), str(pause_s)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def compare(rounds: int, runs: int) -> tuple[dict[_Row, list[dict[str, Any]]], dict[str, int]]:
    """Measure everything in turns; returns the figures by pause, way and subject, and what arrived at the sink."""
    found: dict[_Row, list[dict[str, Any]]] = {}
    names = list(SUBJECTS)
    with SinkProcess(sys.executable) as sink:  # type: ignore[arg-type]
        for round_, pause, way in itertools.product(range(rounds), PAUSES_S, WAYS):
            for subject in names[round_ % len(names) :] + names[: round_ % len(names)]:
                print(f"round {round_ + 1} of {rounds}: {way}, {pause}, {SUBJECTS[subject]}", file=sys.stderr)
                figures = in_process(subject, way, sink.endpoints["healthy"], runs, PAUSES_S[pause])
                found.setdefault((pause, way, subject), []).append(figures)
        arrived = sink.arrived()
    made = 2 * len(OURS) * (runs + WARM_UP) * rounds * len(WAYS) * len(PAUSES_S)
    return found, {"spans": sum(arrived["spans"].values()), "expected": made}


def page(found: dict[_Row, list[dict[str, Any]]], arrived: dict[str, int], facts: dict[str, str], runs: int) -> str:
    """Return the table as Markdown."""
    lines = [
        "# The instrumentor on a LangSwarm agent",
        "",
        f"    make bench-langswarm    # {facts['date']}, {facts['processor']}, {facts['cores']} cores, Python {facts['python']}",
        "",
        f"{runs:,} runs of an agent whose model answers at once, in each of {len(next(iter(found.values())))} rounds; medians of them.",
        "*Extra* is what the instrumentor adds to one run, for its span, that of the model call, their metrics and the session's messages:",
        f"less than {LIMIT_US:.0f} us at the 99th percentile, back to back. After a pause of 5 ms a processor has forgotten the",
        "program, and all code takes several times as long, LangSwarm's own too. *CPU* is of the whole process, exporting included.",
    ]
    for pause in PAUSES_S:
        lines += [
            "",
            f"## {pause.capitalize()}",
            "",
            "| | p50 us | p99 us | ratio of p50 | extra p50 us | extra p99 us | CPU us | ratio of CPU |",
        ]
        lines.append("|---|---|---|---|---|---|---|---|")
        for way in WAYS:
            rows = {subject: found[pause, way, subject] for subject in SUBJECTS}
            for subject, rounds in rows.items():
                title = f"`{way}`, {SUBJECTS[subject]}"
                broken = rounds[0].get("broken")
                lines.append(f"| {title} | does not run: {broken} |||||||" if broken else _row(title, rounds, rows["plain"]))
    lines += ["", f"Of {arrived['expected']:,} spans made in all rounds, {arrived['spans']:,} arrived.", ""]
    return "\n".join(lines)


def _row(title: str, rounds: list[dict[str, Any]], plain: list[dict[str, Any]]) -> str:
    def median(key: str) -> float:
        return statistics.median(figures[key] for figures in rounds)

    def extra(key: str) -> float:
        return statistics.median(figures[key] - base[key] for figures, base in zip(rounds, plain, strict=True))

    def ratio(key: str) -> float:
        return statistics.median(figures[key] / base[key] for figures, base in zip(rounds, plain, strict=True))

    first = f"| {title} | {median('p50_us'):.0f} | {median('p99_us'):.0f} "
    if rounds is plain:
        return f"{first}| 1 | | | {median('cpu_us'):.0f} | 1 |"
    return (
        f"{first}| {ratio('p50_us'):.2f} | {extra('p50_us'):.0f} | {extra('p99_us'):.0f} | {median('cpu_us'):.0f} | {ratio('cpu_us'):.2f} |"
    )


def main() -> None:
    """Measure, print, and keep the page with ``--write``."""
    if sys.argv[1:2] == ["--child"]:
        subject, way, endpoint, runs, pause_s = sys.argv[2:]
        print(json.dumps(measure(subject, way, endpoint, int(runs), float(pause_s))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.relative_to(ROOT)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=1500)
    options = parser.parse_args()
    facts = machine.describe()
    found, arrived = compare(options.rounds, options.runs)
    text = page(found, arrived, facts, options.runs)
    print(text)
    if options.write:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
