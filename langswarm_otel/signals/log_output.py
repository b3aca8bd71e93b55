"""Where lines go: the console, a file, both or nowhere."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.guard import record_fault
from langswarm_otel.signals.log_marks import MarkedText
from langswarm_otel.signals.stdlib_handler import LocklessHandler

if TYPE_CHECKING:
    import io
    import logging
    from collections.abc import Callable
    from typing import TextIO

StreamName = Literal["stdout", "stderr"]

_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


class LineOutput:
    """Writes lines; a line that cannot be written is lost and counted as a fault, and the caller goes on.

    The console's stream is looked up at each line, so that redirections hold, and flushed after each, as twelve-factor applications
    expect of an event stream. A file is appended to with one unbuffered write a line: lines of several threads and processes do not mix,
    nothing is left behind in a buffer, and ``copytruncate`` of logrotate works; rotation itself is not ours.
    """

    def __init__(self, stream: StreamName | None, file: io.FileIO | None = None) -> None:
        """Make an output.

        Args:
            stream: console stream to write to; None: none.
            file: file to append to, from ``open_log_file``; None: none.
        """
        self._stream: StreamName | None = stream
        self._file = file

    def write(self, line: str | bytes) -> None:
        """Write one line; never raises.

        Args:
            line: text, or bytes in UTF-8 and without colours; with or without the end of the line.
        """
        try:
            if self._stream is not None:
                write_line(getattr(sys, self._stream), line if isinstance(line, str) else str(line, "utf-8"))
            if self._file is not None:
                _append(self._file, line if isinstance(line, bytes) else _plain_bytes(line))
        except Exception as error:  # noqa: BLE001 - the caller only wanted to log
            record_fault("LineOutput.write", error)

    def colours(self) -> bool:
        """Whether the console shows colours."""
        stream: Any = getattr(sys, self._stream) if self._stream is not None else None
        return bool(stream is not None and hasattr(stream, "isatty") and stream.isatty())

    def close(self) -> None:
        """Close the file; loggers that are still bound to this output then write to standard output, as structlog does by default."""
        file, self._file = self._file, None
        if file is not None:
            self._stream = self._stream or "stdout"
            file.close()


def write_line(stream: TextIO | None, line: str) -> None:
    """Write a line and flush; what the stream's encoding lacks is written as an escape."""
    if stream is None:  # a process without a console
        return
    if not line.endswith("\n"):
        line += "\n"
    try:
        stream.write(line)
    except UnicodeEncodeError:
        encoding = stream.encoding or "utf-8"
        stream.write(line.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _plain_bytes(line: str) -> bytes:
    return (_COLOURS.sub("", line) if "\x1b" in line else line).encode("utf-8", "backslashreplace")


def _append(file: io.FileIO, line: bytes) -> None:
    if not line.endswith(b"\n"):
        line += b"\n"
    written = file.write(line)
    while written < len(line):  # a disk that is nearly full
        line = line[written:]
        written = file.write(line)


def open_log_file(path: str | os.PathLike[str] | None) -> io.FileIO:
    """Open a log file for appending; a new one can be read by its owner only, an existing one keeps its mode.

    Raises:
        ConfigurationError: no path, no such directory, or no permission.
    """
    if path is None or not os.fspath(path):
        raise ConfigurationError("log_file", path, "name the file that log_output writes to")
    parent = Path(path).absolute().parent
    if not parent.is_dir():
        raise ConfigurationError("log_file", os.fspath(path), f"create the directory {parent} first")
    try:
        return open(path, "ab", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        raise ConfigurationError("log_file", os.fspath(path), f"it cannot be written to ({error.strerror}); name another") from error


class LineLogger:
    """What structlog's bound loggers wrap: takes rendered lines, and has the name that the logger was asked for."""

    __slots__ = ("_output", "name")

    def __init__(self, output: LineOutput, name: str | None = None) -> None:
        """Make a logger.

        Args:
            output: where lines go.
            name: name of the logger.
        """
        self._output = output
        self.name = name

    def msg(self, message: str | bytes) -> None:
        """Write one line."""
        self._output.write(message)

    log = debug = info = warn = warning = error = err = exception = critical = fatal = failure = msg

    def __deepcopy__(self, memo: dict[int, Any]) -> LineLogger:
        """Return itself: bound loggers are copied with the objects that hold them."""
        return self

    def __reduce__(self) -> tuple[Callable[..., LineLogger], tuple[str | None]]:
        """Arrive in another process as a logger to standard output."""
        return _logger_to_stdout, (self.name,)

    def __repr__(self) -> str:
        return f"<LineLogger(name={self.name!r})>"


def _logger_to_stdout(name: str | None) -> LineLogger:
    return LineLogger(LineOutput("stdout"), name)


class LineHandler(LocklessHandler):
    """Prints records of stdlib loggers to the same output in the same form."""

    def __init__(self, output: LineOutput, level: int) -> None:
        """Make a handler.

        Args:
            output: where lines go.
            level: least severe stdlib level that is printed.
        """
        super().__init__(level)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record; never raises."""
        try:
            # A line that our own chain has rendered for a stdlib logger is not rendered again.
            line = str(record.msg) if isinstance(record.msg, MarkedText) else self.format(record)
        except Exception as error:  # noqa: BLE001 - the caller only wanted to log
            record_fault("LineHandler.emit", error)
            line = f"{record.levelname} {record.name} {record.msg!r:.1000}"
        self._output.write(line)
