"""One measurement from the outside: start the process, wait for it, ask the sink what arrived."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.environments import ROOT, tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.rows import Row
    from benchmarks.sink_process import SinkProcess

LONGEST_S = 600.0
"""A process that takes longer is killed and reported."""
_WORST = frozenset({"lost", "stderr_lines", "sink_cpu", "sink_bytes"})
_CHILD = "from benchmarks.child import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The process of a measurement: whose Python, and whose adapter."""

    python: Path
    adapter: str


def measure(program: Program, row: Row, endpoint: str) -> dict[str, Any]:
    """Do a row's work once; return its figures, with its exit time, or ``error`` with the end of what it said."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        result_file = Path(folder) / "result.json"
        settings = (f"{name}={value}" for name, value in row.settings.items())
        try:
            process = subprocess.run(
                [program.python, "-c", _CHILD, row.work, program.adapter, endpoint, result_file, *settings],
                cwd=folder,
                env=_environment() | dict(row.variables),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired as error:
            return {"error": f"killed after {LONGEST_S:g} s\n{tail((error.stderr or b'').decode(errors='replace'))}"}
        ended = time.time()
        if not result_file.exists():
            return {"error": f"ended with {process.returncode}\n{tail(process.stderr)}"}
        result = json.loads(result_file.read_text())
    figures: dict[str, Any] = result["figures"]
    return figures | {"exit_s": ended - result["end"], "stderr_lines": len(process.stderr.splitlines())}


def measure_at_sink(program: Program, row: Row, sink: SinkProcess) -> dict[str, Any]:
    """Do a row's work against the healthy sink, and add what share was lost and what share of a CPU the sink used."""
    sink.forget()
    begin = time.perf_counter()
    figures = measure(program, row, sink.endpoints["healthy"])
    wall_s = time.perf_counter() - begin
    arrived = sink.arrived()
    sink.forget()
    expected = figures.pop("expected", None)
    if expected is not None:
        figures["lost"] = lost_percent(expected, arrived)
    return figures | {"sink_cpu": arrived["sink_cpu_s"] / wall_s * 100, "sink_bytes": arrived["bytes"]}


def best(of: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the best of each figure over some measurements of the same, but the worst of what was lost or went wrong."""
    failed = [figures for figures in of if "error" in figures]
    if failed:
        return failed[0]
    return {key: (max if key in _WORST else min)(figures[key] for figures in of) for key in of[0]}


def lost_percent(expected: Mapping[str, Any], arrived: Mapping[str, Any]) -> float:
    """Return what share of the worst kind was made and did not arrive."""
    pairs = [(count, arrived["spans"].get(name, 0)) for name, count in expected.get("spans", {}).items()]
    pairs += [(expected[kind], arrived[kind]) for kind in ("lines", "count") if kind in expected]
    return max((100.0 * (made - came) / made for made, came in pairs if made), default=0.0)


def _environment() -> dict[str, str]:
    """Return the environment of a measurement: no setting of telemetry but what the adapter sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_", "PYTHON", "UV_"))}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
