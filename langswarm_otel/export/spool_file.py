"""One batch in one file: a line that says what it is, and the packed body of an OTLP request.

A file appears under its name only when it is whole. It is not forced to the platter: it survives the end of the process, however that
comes, and of a machine that lost power what is torn is known by its checksum.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export.sender import MAX_BODY_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from langswarm_otel.export.accounting import Signal

SUFFIX: Final = ".otlp"
"""How the name of a batch ends."""

BLOCK_BYTES: Final = 4096
"""What a file takes at least; the bound of a spool counts whole blocks, as the disk does."""

_FORMAT: Final = "langswarm-otel spool 1"
_LONGEST_LINE: Final = 1024
_LEVEL: Final = 1
_PRIVATE: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
# A pipe that somebody has put there must not hold up whoever opens it.
_OLD: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class DamagedFileError(Exception):
    """A file is not what it should be; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolFile:
    """A batch on disk."""

    path: Path
    """Where."""

    units: int
    """How many records (data points of metrics) it has."""

    size: int
    """What it takes, in bytes of whole blocks."""

    @property
    def number(self) -> int:
        """Grows from file to file of one process; nanoseconds since 1970 when it was written, as nearly as that allows."""
        return int(self.path.name.split("-", 1)[0])


def blocks(size: int) -> int:
    """Return what so many bytes take on the disk."""
    return -(-max(size, 1) // BLOCK_BYTES) * BLOCK_BYTES


def file_name(number: int, units: int) -> str:
    """Return the name of a batch: names sort by age."""
    return f"{number:020d}-{units}{SUFFIX}"


def known_file(path: Path) -> SpoolFile | None:
    """Return what the name of a file says of it; None if it is not ours."""
    number, _, units = path.name.removesuffix(SUFFIX).partition("-")
    if path.suffix != SUFFIX or not (number.isascii() and number.isdigit() and units.isascii() and units.isdigit()):
        return None
    try:
        return SpoolFile(path=path, units=int(units), size=blocks(path.lstat().st_size))
    except (OSError, ValueError):  # gone meanwhile, or a number of thousands of digits
        return None


def packed_file(body: bytes, signal: Signal) -> bytes:
    """Return the content of a file."""
    packed = zlib.compress(body, _LEVEL)
    line = {"format": _FORMAT, "signal": signal, "length": len(packed), "crc32": zlib.crc32(packed)}
    return json.dumps(line).encode() + b"\n" + packed


def write_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    unfinished = path.with_name(f".{path.name}")
    descriptor = os.open(unfinished, _NEW, _PRIVATE)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(content)
        unfinished.rename(path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def read_file(path: Path, signal: Signal) -> bytes:
    """Return the body of a request.

    Raises:
        DamagedFileError: it is torn, of another signal, or nothing that we have written.
        OSError: it cannot be read.
    """
    line, packed = _content(path)
    if line.get("format") != _FORMAT or line.get("signal") != signal:
        raise DamagedFileError("it is no batch of this signal")
    if line.get("length") != len(packed) or line.get("crc32") != zlib.crc32(packed):
        raise DamagedFileError("it is torn")
    unpacking = zlib.decompressobj()
    try:
        body = unpacking.decompress(packed, MAX_BODY_BYTES)
    except zlib.error as error:
        raise DamagedFileError("it cannot be unpacked") from error
    if not unpacking.eof:
        raise DamagedFileError("its body is too large, or ends early")
    return body


def _content(path: Path) -> tuple[dict[str, Any], bytes]:
    descriptor = os.open(path, _OLD)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedFileError("it is no file")
        first = file.readline(_LONGEST_LINE)
        packed = file.read(MAX_BODY_BYTES + 1)
    try:
        line = json.loads(first)
    except ValueError as error:
        raise DamagedFileError("its first line cannot be read") from error
    if not isinstance(line, dict):
        raise DamagedFileError("its first line cannot be read")
    return line, packed
