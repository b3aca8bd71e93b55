"""One measurement from the outside: start the process, wait for it, ask the sink what arrived."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.environments import ROOT, Environment, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

LONGEST_S = 300.0
"""A process that takes longer is killed and reported."""
_CHILD = "from benchmarks.child import main; main()"


class Sink:
    """The sink's process, from the side of the benchmark."""

    def __init__(self, environment: Environment) -> None:
        self._process = subprocess.Popen(
            [environment.python, "-m", "benchmarks.sink"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.endpoints: dict[str, str] = json.loads(self._process.stdout.readline())

    def ask(self, path: str) -> bytes:
        """Return what it answers to a request for itself."""
        with urllib.request.urlopen(f"{self.endpoints['healthy']}/{path}", timeout=LONGEST_S) as answer:  # noqa: S310 - loopback
            body: bytes = answer.read()
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()


def measure(python: Path, adapter: str, work: str, endpoint: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Do a work once with one subject; return its figures, with its exit time, or ``error`` with the end of what it said."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        result_file = Path(folder) / "result.json"
        arguments = [work, adapter, endpoint, str(result_file), *(f"{name}={number}" for name, number in numbers.items())]
        try:
            process = subprocess.run(
                [python, "-c", _CHILD, *arguments],
                cwd=folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired as error:
            said = error.stderr if isinstance(error.stderr, str) else (error.stderr or b"").decode(errors="replace")
            return {"error": f"killed after {LONGEST_S:g} s\n{tail(said)}"}
        ended = time.time()
        if not result_file.exists():
            return {"error": f"ended with {process.returncode}\n{tail(process.stderr)}"}
        result = json.loads(result_file.read_text())
    figures: dict[str, Any] = result["figures"]
    return figures | {"exit_s": ended - result["end"]}


def measure_at_sink(sink: Sink, python: Path, adapter: str, work: str, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Do a work against the healthy sink, and add what share was lost and the sink's own share of CPU."""
    sink.ask("forget")
    begin = time.perf_counter()
    figures = measure(python, adapter, work, sink.endpoints["healthy"], numbers)
    wall_s = time.perf_counter() - begin
    arrived = json.loads(sink.ask("arrived"))
    sink.ask("forget")
    expected = figures.pop("expected", None)
    if expected is not None:
        figures["lost"] = lost_share(expected, arrived)
    return figures | {"sink_cpu": arrived["sink_cpu_s"] / wall_s * 100, "sink_bytes": arrived["bytes"]}


def lost_share(expected: Mapping[str, Any], arrived: Mapping[str, Any]) -> float:
    """Return the share, in percent, of the worst kind of what was made and did not arrive."""
    pairs = [(count, arrived["spans"].get(name, 0)) for name, count in expected.get("spans", {}).items()]
    pairs += [(expected[kind], arrived[kind]) for kind in ("lines", "count") if kind in expected]
    return max((100.0 * (made - came) / made for made, came in pairs if made), default=0.0)


def _environment() -> dict[str, str]:
    """The environment of a measurement: no setting of telemetry but what the adapter sets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_", "PYTHON", "UV_"))}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}


if sys.platform != "linux":
    raise SystemExit("the benchmark reads /proc: it runs on Linux")
