"""Building the programs, once: each under a key of what it is built from, so that an edit or another Go builds anew."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import StackError, places
from langswarm_otel.stack.programs import BUILDS, GoBuild, build_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["NO_GO", "build", "find", "go_version", "missing"]

NO_GO: Final = "Go is not installed (https://go.dev/dl); the programs of the stack are built with it"

# `local`: a module that wants a newer Go fails with that word instead of downloading a toolchain.
_ENVIRONMENT: Final = {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
_FLAGS: Final = "-trimpath -buildvcs=false"
_LINES_OF_LOG: Final = 12


def find(program: str) -> Path | None:
    """Return the path of a built program; None when it is not built, or was built from something else than is here now."""
    binary = _folder(build_of(program)) / program
    return binary if binary.is_file() else None


def missing() -> list[GoBuild]:
    """Return the builds of which a program is not there."""
    return [build for build in BUILDS if not all((_folder(build) / program).is_file() for program in build.packages)]


def go_version() -> str | None:
    """Return what ``go version`` says, None where Go is not installed."""
    if shutil.which("go") is None:
        return None
    done = subprocess.run(["go", "version"], capture_output=True, text=True, check=False, env=_environment())  # noqa: S607 - the Go of the user
    return done.stdout.strip() or None


def build(wanted: GoBuild, *, say: Callable[[str], None]) -> None:
    """Build all programs of one module into the cache, unless they are there.

    Another process that builds the same is waited for. Former builds of the module are removed afterwards.

    Raises:
        StackError: Go is not installed, or the build failed; the message ends with the last lines of its log.
    """
    if go_version() is None:
        raise StackError(NO_GO)
    with _only_one(wanted):
        folder = _folder(wanted)
        if all((folder / program).is_file() for program in wanted.packages):
            return
        begun = time.monotonic()
        say(f"building {' and '.join(wanted.packages)} {_version(wanted)} (once; some minutes)")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix="build.") as work:
            finished = Path(work) / "finished"
            finished.mkdir()
            (_build_collector if wanted.name == "collector" else _build_module)(wanted, Path(work), finished)
            _replace(folder, finished)
        say(f"built {' and '.join(wanted.packages)} in {time.monotonic() - begun:.0f} s")


def _build_module(wanted: GoBuild, work: Path, finished: Path) -> None:
    """Build each package in a copy of the module, as its ``go.sum`` has it."""
    for source in wanted.sources:
        shutil.copy(source, work)
    for program, package in wanted.packages.items():
        tags = ["-tags", wanted.tags] if wanted.tags else []
        _run(["go", "build", "-mod=readonly", *tags, "-ldflags=-s -w", "-o", str(finished / program), package], work)


def _build_collector(wanted: GoBuild, work: Path, finished: Path) -> None:
    """Build the Collector with the OpenTelemetry Collector Builder of its own version."""
    (program,) = wanted.packages
    manifest = wanted.sources[0].read_text(encoding="utf-8")
    generated = work / "source"
    (work / "builder.yaml").write_text(manifest.replace("dist:\n", f"dist:\n  output_path: {generated}\n", 1), encoding="utf-8")
    _run(["go", "install", f"go.opentelemetry.io/collector/cmd/builder@v{_version(wanted)}"], work, GOBIN=str(work))
    _run([str(work / "builder"), "--config", str(work / "builder.yaml")], work)
    (generated / program).rename(finished / program)


def _run(command: list[str], work: Path, **environment: str) -> None:
    """Run one step; its output goes into a log that is shown only when it fails."""
    log = work / "log"
    with log.open("a", encoding="utf-8") as output:
        done = subprocess.run(  # noqa: S603 - go, and the builder that it installed
            command, cwd=work, env={**_environment(), **environment}, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False
        )
    if done.returncode != 0:
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LINES_OF_LOG:])
        raise StackError(f"{Path(command[0]).name} {command[1]} failed with status {done.returncode}:\n{last}")


def _replace(folder: Path, finished: Path) -> None:
    """Put what was built into its place, and remove what former sources left."""
    shutil.rmtree(folder, ignore_errors=True)
    finished.rename(folder)
    for other in folder.parent.iterdir():
        if other.is_dir() and other != folder and not other.name.startswith("build."):
            shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _only_one(wanted: GoBuild) -> Iterator[None]:
    """Wait until no other process builds the same."""
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / f"{wanted.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _folder(wanted: GoBuild) -> Path:
    digest = hashlib.sha256()
    for source in wanted.sources:
        digest.update(source.read_bytes())
    digest.update(f"{wanted.packages} {wanted.tags} {go_version() or 'no go'}".encode())
    return places.cache() / wanted.name / digest.hexdigest()[:16]


def _version(wanted: GoBuild) -> str:
    """Return the version of the program's own module."""
    text = wanted.sources[0].read_text(encoding="utf-8")
    if wanted.name == "collector":
        return next(match.group(1) for match in re.finditer(r"^  version: (\S+)$", text, re.MULTILINE))
    package = next(iter(wanted.packages.values()))
    found = re.finditer(r"^\s*(?:require )?(\S+) v(\S+)", text, re.MULTILINE)
    return next(match.group(2) for match in found if package.startswith(match.group(1)))


def _environment() -> dict[str, str]:
    given = os.environ.get("GOFLAGS", "")
    return {**os.environ, **_ENVIRONMENT, "GOFLAGS": f"{given} {_FLAGS}".strip()}
