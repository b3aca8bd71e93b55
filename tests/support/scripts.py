"""Programs of a user, run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

DEAD = "http://127.0.0.1:9"
"""An endpoint at which nothing listens."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    stdout: str
    stderr: str
    returncode: int
    exit_s: float
    """From the program's last print of ``time.time()`` on a line ``end <time>`` to the end of the process; nan without one."""

    @property
    def warnings(self) -> list[str]:
        """Lines on stderr."""
        return [line for line in self.stderr.splitlines() if line.strip()]


def start(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start a program with a clean OpenTelemetry environment; its standard input ends when ``finish`` is called."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_"))}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**kept, **environment},
    )


def finish(process: subprocess.Popen[str], timeout_s: float = 50.0) -> Ended:
    """Wait for a program; it is killed after the time."""
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    now = time.time()
    ends = [float(line.split()[1]) for line in stdout.splitlines() if line.startswith("end ")]
    return Ended(stdout, stderr, process.returncode, now - ends[-1] if ends else float("nan"))


def run(code: str, *arguments: str, timeout_s: float = 50.0, **environment: str) -> Ended:
    """Run a program to its end."""
    return finish(start(code, *arguments, **environment), timeout_s)
