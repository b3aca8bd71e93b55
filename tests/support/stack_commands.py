"""`langswarm-otel stack` as a process, and what it says of itself in its folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def command(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run an action of it with these variables besides; return how it ended."""
    return subprocess.run(
        [sys.executable, "-m", "langswarm_otel", "stack", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, **variables},
    )


def servers(directory: Path) -> list[dict[str, Any]]:
    """Return what was started in a folder."""
    return list(json.loads((directory / "stack.json").read_text())["servers"])


def is_running(pid: int) -> bool:
    """Return whether there is such a process, and not only its remains."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
