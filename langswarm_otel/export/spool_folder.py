"""The folders of a spool: one for each signal and destination, in it one for each process, which its owner holds a lock on.

::

    spool_directory/
      traces-5f0c1a9b2d3e/                    a signal and where it goes
        1795594447000000000-4711-9f3a/        a process: when it began to keep, its number
          lock                                locked for as long as the process lives, however it ends
          01795594448000000000-512.otlp       a batch of 512 spans
        aside/                                what could not be read

So processes share a directory without talking to each other: each writes and reads its own folder, and takes over those whose owner has
ended. The lock is the operating system's (``flock``), which lets go of it when a process dies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from langswarm_otel.export.fork import follow_fork
from langswarm_otel.export.spool_file import SUFFIX, SpoolFile, blocks, file_name, known_file, packed_file, read_file, write_file

try:
    import fcntl
except ImportError:  # not on Windows; the setting is refused there
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langswarm_otel.export.accounting import Signal

CAN_SPOOL: Final = fcntl is not None
"""Whether this operating system has the locks that are needed."""

ASIDE: Final = "aside"
"""Folder of what could not be read."""

MOST_ASIDE: Final = 16
"""So many such files of a signal are kept; the oldest goes first."""

_LOCK: Final = "lock"
_PRIVATE: Final = 0o700


def folder_name(signal: Signal, url: str) -> str:
    """Return the name of the folder for a signal and where it goes; what may be secret in the URL does not count."""
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.hostname}:{parts.port}{parts.path}"
    return f"{signal}-{hashlib.sha256(where.encode()).hexdigest()[:12]}"


class SpoolFolder:
    """What one process keeps of one signal for one destination; used by one thread at a time, but for what says otherwise."""

    def __init__(self, directory: str, signal: Signal, url: str) -> None:
        self.path: Final = Path(directory) / folder_name(signal, url)
        self._signal: Final = signal
        self._own: Path | None = None
        self._locks: dict[Path, int] = {}
        self._last = 0
        follow_fork(self)

    def content(self, body: bytes) -> bytes:
        """Return what a file with this body holds."""
        return packed_file(body, self._signal)

    def append(self, content: bytes, units: int) -> SpoolFile:
        """Write a batch behind all others.

        Raises:
            OSError: that is not possible.
        """
        own = self._own if self._own is not None and self._own.exists() else self._make_own()
        self._last = max(self._last + 1, time.time_ns())  # a clock that was set back must not change the order
        path = own / file_name(self._last, units)
        write_file(path, content)
        return SpoolFile(path=path, units=units, size=blocks(len(content)))

    def replace(self, file: SpoolFile, body: bytes, units: int) -> SpoolFile:
        """Write what is left of a batch in its place.

        Raises:
            OSError: that is not possible; the batch stays as it was.
        """
        content = self.content(body)
        path = file.path.with_name(file_name(file.number, units))
        write_file(path, content)
        if path != file.path:
            self.remove(file)
        return SpoolFile(path=path, units=units, size=blocks(len(content)))

    def read(self, file: SpoolFile) -> bytes:
        """Return the body of a batch; see ``read_file``."""
        return read_file(file.path, self._signal)

    @staticmethod
    def remove(file: SpoolFile) -> None:
        """Remove a batch; callable from any thread."""
        with contextlib.suppress(OSError):
            file.path.unlink()

    def set_aside(self, path: Path) -> None:
        """Move what cannot be read out of the way, where a person can look at it."""
        aside = self.path / ASIDE
        with contextlib.suppress(OSError):
            aside.mkdir(mode=_PRIVATE, exist_ok=True)
            path.rename(aside / f"{time.time_ns():020d}-{path.name}")
            for old in sorted(aside.iterdir())[:-MOST_ASIDE]:
                if old.is_dir() and not old.is_symlink():
                    shutil.rmtree(old, ignore_errors=True)
                else:
                    old.unlink()

    def take_over(self) -> list[SpoolFile]:
        """Take over what processes that have ended left for this destination, oldest first."""
        found: list[SpoolFile] = []
        for folder in _folders(self.path):
            if folder == self._own or folder in self._locks or not self._lock(folder):
                continue
            files = self._files_of(folder)
            if files:
                found += files
            else:
                self._let_go(folder)
        return sorted(found, key=lambda file: file.number)

    def has_left_over(self) -> bool:
        """Whether there is a folder of another process, which may have ended."""
        return any(folder != self._own for folder in _folders(self.path))

    def tidy(self) -> None:
        """Remove the folders that are empty."""
        for folder in tuple(self._locks):
            if folder != self._own and not any(known_file(path) for path in _listed(folder)):
                self._let_go(folder)

    def close(self) -> None:
        """Let go of everything, so that another may take it over; what is empty goes."""
        own, self._own = self._own, None
        for folder in tuple(self._locks):
            if any(known_file(path) for path in _listed(folder)):
                os.close(self._locks.pop(folder))
            else:
                self._let_go(folder)
        if own is not None:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    def after_fork_in_child(self) -> None:
        """Forget everything: it is the parent's. Its locks hold for as long as one of the two has them open, so the child lets go."""
        locks, self._locks, self._own = self._locks, {}, None
        for descriptor in locks.values():
            with contextlib.suppress(OSError):
                os.close(descriptor)

    def _make_own(self) -> Path:
        """Make the folder of this process: locked before anybody can find it."""
        self.path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(2)}"
        unseen, own = self.path / f".{name}", self.path / name
        unseen.mkdir(mode=_PRIVATE)
        descriptor = _lock_in(unseen, create=True)
        if descriptor is None:
            raise OSError("the lock of a new folder is taken")
        self._own = own  # before it can be found: the spool's thread tidies up what is empty and not its own
        try:
            unseen.rename(own)
        except OSError:
            self._own = None
            os.close(descriptor)
            raise
        self._locks[own] = descriptor
        return own

    def _lock(self, folder: Path) -> bool:
        """Take the lock of a folder whose owner has ended; False for one that lives, and for what is not ours at all."""
        try:
            if folder.lstat().st_uid != os.geteuid():
                return False
            descriptor = _lock_in(folder, create=False)
        except OSError:
            return False
        if descriptor is None:
            return False
        self._locks[folder] = descriptor
        return True

    def _let_go(self, folder: Path) -> None:
        """Remove an empty folder."""
        with contextlib.suppress(OSError):
            for path in _listed(folder):
                path.unlink()
            folder.rmdir()
        with contextlib.suppress(OSError, KeyError):
            os.close(self._locks.pop(folder))

    def _files_of(self, folder: Path) -> list[SpoolFile]:
        """Return the batches of a folder that was taken over; what is none goes aside, what was never finished goes."""
        files: list[SpoolFile] = []
        for path in _listed(folder):
            known = known_file(path)
            if known is not None:
                files.append(known)
            elif path.name.startswith("."):
                with contextlib.suppress(OSError):
                    path.unlink()
            elif path.name != _LOCK:
                self.set_aside(path)
        return files


def drop_oldest_orphan(directory: str, older_than: int) -> tuple[str, SpoolFile] | None:
    """Remove the oldest batch that no living process has, of whatever destination, if it is older than a number.

    Returns:
        Of which signal it was, and the batch; None if there is none.
    """
    found: list[tuple[int, str, Path, SpoolFile]] = []
    for destination in _folders(Path(directory)):
        for folder in _folders(destination):
            first = min((path for path in _listed(folder) if path.suffix == SUFFIX and not path.name.startswith(".")), default=None)
            oldest = None if first is None else known_file(first)
            if oldest is not None and oldest.number < older_than:
                found.append((oldest.number, destination.name.partition("-")[0], folder, oldest))
    for _, signal, folder, file in sorted(found, key=lambda one: one[0]):
        try:
            descriptor = _lock_in(folder, create=False)
        except OSError:
            continue
        if descriptor is not None:
            try:
                SpoolFolder.remove(file)
            finally:
                os.close(descriptor)
            return signal, file
    return None


def _lock_in(folder: Path, *, create: bool) -> int | None:
    """Take the lock of a folder and return it; None if somebody has it."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    descriptor = os.open(folder / _LOCK, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _folders(path: Path) -> list[Path]:
    """Return the folders of processes, oldest first."""
    return sorted(folder for folder in _listed(path) if folder.name != ASIDE and not folder.name.startswith(".") and _is_folder(folder))


def _is_folder(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


def _listed(path: Path) -> Iterable[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return ()
