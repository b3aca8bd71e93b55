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
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import StackError, places
from langswarm_otel.stack.programs import BUILDS, Build, build_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["build", "build_missing", "find", "missing"]

_NO_GO: Final = "Go is not on PATH (https://go.dev/dl); put it there, or use docker compose"
_NEEDS: Final = {
    "go": ("go", _NO_GO),
    "ocb": ("go", _NO_GO),
    "mvn": ("mvn", "Maven is not on PATH (https://maven.apache.org/install.html)"),
}
_SOURCES: Final = "sources"
"""File beside a program: the digest of what it was built from, whichever Go built it."""
_ENVIRONMENT: Final = {"CGO_ENABLED": "0", "GOWORK": "off"}
_FLAGS: Final = "-trimpath -buildvcs=false"
_LINES_OF_LOG: Final = 12


def find(program: str) -> Path | None:
    """Return the path of a built program; None when it is not built, or was built from something else than is here now."""
    binary = _folder(build_of(program)) / program
    return binary if binary.is_file() else None


def missing() -> list[Build]:
    """Return the builds of which a program is not there."""
    return [build for build in BUILDS if not all((_folder(build) / program).is_file() for program in build.packages)]


def build_missing(*, say: Callable[[str], None]) -> list[str]:
    """Build what is not there, as far as this machine can; return why the rest could not be built."""
    todo = missing()
    failures = [_failure(wanted, partial(_say_place, say, f"{place}/{len(todo)}")) for place, wanted in enumerate(todo, 1)]
    return list(dict.fromkeys(failure for failure in failures if failure))


def _say_place(say: Callable[[str], None], place: str, message: str) -> None:
    say(f"[{place}] {message}")


def _failure(wanted: Build, say: Callable[[str], None]) -> str:
    """Build, and return why that was not possible; nothing when it was."""
    try:
        build(wanted, say=say)
    except StackError as error:
        return str(error)
    return ""


def build(wanted: Build, *, say: Callable[[str], None]) -> None:
    """Build all programs of one build into the cache, unless they are there.

    Another process that builds the same is waited for. What former sources made is removed afterwards.

    Raises:
        StackError: the tool that builds it is not installed, or the build failed; the message ends with the last lines of its log.
    """
    tool, not_there = _NEEDS[wanted.tool]
    if shutil.which(tool) is None:
        raise StackError(not_there)
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
            {"go": _build_module, "ocb": _build_collector, "mvn": _fetch_artifact}[wanted.tool](wanted, Path(work), finished)
            (finished / _SOURCES).write_text(_digest(wanted).hexdigest(), encoding="utf-8")
            _replace(folder, finished)
        say(f"built {' and '.join(wanted.packages)} in {time.monotonic() - begun:.0f} s")


def _build_module(wanted: Build, work: Path, finished: Path) -> None:
    """Build each package in a copy of the module, as its ``go.sum`` has it."""
    for source in wanted.sources:
        shutil.copy(source, work)
    for program, package in wanted.packages.items():
        tags = ["-tags", wanted.tags] if wanted.tags else []
        _run(["go", "build", "-mod=readonly", *tags, "-ldflags=-s -w", "-o", str(finished / program), package], work)


def _build_collector(wanted: Build, work: Path, finished: Path) -> None:
    """Build the Collector with the OpenTelemetry Collector Builder of its own version."""
    (program,) = wanted.packages
    manifest = wanted.sources[0].read_text(encoding="utf-8")
    generated = work / "source"
    (work / "builder.yaml").write_text(manifest.replace("dist:\n", f"dist:\n  output_path: {generated}\n", 1), encoding="utf-8")
    _run(["go", "install", f"go.opentelemetry.io/collector/cmd/builder@v{_version(wanted)}"], work, GOBIN=str(work))
    _run([str(work / "builder"), "--config", str(work / "builder.yaml")], work)
    (generated / program).rename(finished / program)


def _fetch_artifact(wanted: Build, work: Path, finished: Path) -> None:
    """Fetch what a Java program needs, and write a script that runs a class of it."""
    (program,) = wanted.packages
    shutil.copy(wanted.sources[0], work)
    libraries = finished / "libs"
    _run(["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libraries}"], work)
    script = finished / program
    script.write_text('#!/bin/sh\n# CLASS ARGUMENTS...\nexec java $KAFKA_HEAP_OPTS -cp "$(dirname "$0")/libs/*" "$@"\n', encoding="utf-8")
    script.chmod(0o755)


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
    """Put what was built into its place, and remove what former sources and interrupted builds left."""
    shutil.rmtree(folder, ignore_errors=True)
    finished.rename(folder)
    for other in folder.parent.iterdir():
        if other not in {folder, finished.parent}:
            shutil.rmtree(other, ignore_errors=True)


@contextmanager
def _only_one(wanted: Build) -> Iterator[None]:
    """Wait until no other process builds the same."""
    places.cache().mkdir(parents=True, exist_ok=True)
    with (places.cache() / f"{wanted.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _folder(wanted: Build) -> Path:
    """Return where a build is: under a key of its sources and the version of Go; where there is no Go, what any Go has made of them."""
    digest = _digest(wanted)
    if wanted.tool != "mvn" and shutil.which("go") is None:
        for sources in (places.cache() / wanted.name).glob(f"*/{_SOURCES}"):
            if sources.read_text(encoding="utf-8") == digest.hexdigest():
                return sources.parent
    digest.update((_go_version() if wanted.tool != "mvn" else "").encode())
    return places.cache() / wanted.name / digest.hexdigest()[:16]


def _digest(wanted: Build) -> hashlib._Hash:
    digest = hashlib.sha256()
    for source in wanted.sources:
        digest.update(source.read_bytes())
    digest.update(f"{wanted.packages} {wanted.tags} ".encode())
    return digest


def _go_version() -> str:
    """Return what ``go version`` says; another Go makes another program."""
    go = shutil.which("go")
    return "" if go is None else _said_version(go)


@lru_cache
def _said_version(go: str) -> str:
    """Ask once: a program is looked for several times in one command."""
    return subprocess.run([go, "version"], capture_output=True, text=True, check=False, env=_environment()).stdout.strip()  # noqa: S603 - the Go of the user


def _version(wanted: Build) -> str:
    """Return the version of the program's own module."""
    text = wanted.sources[0].read_text(encoding="utf-8")
    package = next(iter(wanted.packages.values()))
    form = {
        "ocb": r"^  version: (?P<version>\S+)$",
        "mvn": rf"<artifactId>{package}</artifactId>\s*<version>(?P<version>[^<]+)<",
        "go": r"^\s*(?:require )?(?P<module>\S+) v(?P<version>\S+)",
    }[wanted.tool]
    for match in re.finditer(form, text, re.MULTILINE):
        if wanted.tool != "go" or package.startswith(match["module"]):
            return match["version"]
    raise StackError(f"{wanted.sources[0]} names no version of {wanted.name}")


def _environment() -> dict[str, str]:
    flags = f"{os.environ.get('GOFLAGS', '')} {_FLAGS}".strip()
    # `local`: a module that wants a newer Go fails with that word instead of downloading a toolchain, unless the user said otherwise.
    return {"GOTOOLCHAIN": "local", **os.environ, **_ENVIRONMENT, "GOFLAGS": flags}
