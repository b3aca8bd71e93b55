"""The sink, from the side of the benchmark."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

from benchmarks.environments import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self


class SinkProcess:
    """Starts the sink, asks it, and ends it."""

    def __init__(self, python: Path) -> None:
        """Start it with a Python that has opentelemetry-proto."""
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.sink"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.endpoints: dict[str, str] = json.loads(self._process.stdout.readline())

    def forget(self) -> None:
        """Empty it."""
        self._ask("forget")

    def arrived(self) -> dict[str, Any]:
        """Return what arrived since it was emptied."""
        counts: dict[str, Any] = json.loads(self._ask("arrived"))
        return counts

    def _ask(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.endpoints['healthy']}/{path}", timeout=300) as answer:
            body: bytes = answer.read()
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
