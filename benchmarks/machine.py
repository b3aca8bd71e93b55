"""What a run was made on: machine, versions, and how busy it was otherwise."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from pathlib import Path

from benchmarks.environments import ROOT


def remembered(path: Path, *, anew: bool) -> dict[str, str]:
    """Return the facts that the run began with: those kept in a file, or those of now, which are kept in it."""
    if anew or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(describe()))
    facts: dict[str, str] = json.loads(path.read_text())
    return facts


def describe() -> dict[str, str]:
    """Return the facts of the machine and the state of the checkout."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _git("rev-parse", "--short", "HEAD") + (" with changes" if _git("status", "--porcelain", "langswarm_otel") else ""),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()  # noqa: S607 - the developer's git
