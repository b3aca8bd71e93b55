"""Virtual environments, one a subject, made by uv under ``.cache/bench``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
FRESH_FOR_S = 86_400.0
"""How long an environment is taken as it is before its newest versions are asked for again."""
_VERSIONS = "import json, importlib.metadata as m; print(json.dumps({d.name: d.version for d in m.distributions()}))"


class EnvironmentUnusableError(Exception):
    """An environment could not be made; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One virtual environment."""

    python: Path
    versions: dict[str, str]
    """Versions of what is installed, by name."""


def make(name: str, requirements: tuple[str, ...]) -> Environment:
    """Make or renew the environment of this name, with the newest versions of what is required.

    Raises:
        EnvironmentUnusableError: uv failed; the text is the end of what it said.
    """
    folder = CACHE / name
    python, stamp = folder / "bin" / "python", folder / ".requirements"
    # What an editable install requires stands in the project itself.
    wanted = "\n".join([*requirements, *([(ROOT / "pyproject.toml").read_text()] if "--editable" in requirements else [])])
    fresh = stamp.exists() and stamp.read_text() == wanted and time.time() - stamp.stat().st_mtime < FRESH_FOR_S
    if not fresh:
        _uv("venv", "-q", "--clear", "--python", sys.executable, str(folder))
        if requirements:
            _uv("pip", "install", "-q", "--upgrade", "--compile-bytecode", "--python", str(python), *requirements)
        stamp.write_text(wanted)
    versions = subprocess.run([python, "-c", _VERSIONS], capture_output=True, text=True, check=True, cwd=folder)
    return Environment(python=python, versions=json.loads(versions.stdout))


def _uv(*arguments: str) -> None:
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise EnvironmentUnusableError("uv is not installed")
    result = subprocess.run(
        [uv, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=600, env={**os.environ, "UV_LINK_MODE": "copy"}
    )
    if result.returncode:
        raise EnvironmentUnusableError(tail(result.stderr))


def tail(text: str, lines: int = 12) -> str:
    """Return the last lines of a text."""
    return "\n".join(text.strip().splitlines()[-lines:])
