"""Processes that outlive the command that started them: start, look at, stop."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import StackError, building

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.stack.servers import Server

__all__ = ["RunningServer", "start"]

_POLL_S: Final = 0.05
# Whatever HTTP_PROXY says, nobody but this machine can reach its loopback.
_DIRECTLY: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_LINES_OF_LOG: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that was started.

    Attributes:
        name: as in :class:`Server`.
        pid: its process.
        born: when the kernel says that process began, in clock ticks since boot; tells it from a later process of the same number.
        health: URL that answers with 200 when it is ready.
        page: URL for people.
        about: what it is for.
        log: file with what it printed.
        settings: digest of what it was started with.

    Raises:
        ValueError: a field is not what was written; such a number of a process could be anybody's, or, as -1, everybody's.
    """

    name: str
    pid: int
    born: str
    health: str
    page: str
    about: str
    log: str
    settings: str = ""

    def __post_init__(self) -> None:
        if type(self.pid) is not int or self.pid <= 1:
            raise ValueError(f"pid {self.pid!r} is no process of ours")
        texts = (self.name, self.born, self.health, self.page, self.about, self.log, self.settings)
        if not all(isinstance(text, str) for text in texts) or not self.health.startswith("http://"):
            raise ValueError(f"{self.name!r} is not described as a server")

    def is_alive(self) -> bool:
        """Return whether the process that was started still runs."""
        born = _born(self.pid)
        return born is not None and born == self.born

    def is_healthy(self, timeout_s: float = 1.0) -> bool:
        """Return whether it answers as a server that is ready."""
        try:
            with _DIRECTLY.open(self.health, timeout=timeout_s) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
        except (OSError, http.client.HTTPException):  # the latter when something else answers there
            return False

    def wait_until_healthy(self, deadline: float, check: Callable[[], None]) -> None:
        """Wait for it, and call ``check`` meanwhile, which may end the waiting by an exception.

        Raises:
            StackError: it ended, or the deadline (of ``time.monotonic``) passed; ends with the last lines that it printed.
        """
        while True:
            check()
            healthy = self.is_healthy()
            if not self.is_alive():
                raise StackError(f"{self.name} ended as it started:\n{self.last_lines()}")
            if healthy:
                return
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} did not become ready ({self.health}):\n{self.last_lines()}")
            time.sleep(_POLL_S)

    def stop(self, timeout_s: float) -> bool:
        """Ask it to end, then make it; return whether it ended when asked.

        Raises:
            StackError: it belongs to another user.
        """
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
                return False
            time.sleep(_POLL_S)
        return True

    def last_lines(self) -> str:
        """Return the end of its log, from a panic or an error on where there is one."""
        try:
            lines = Path(self.log).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            return str(error)
        begins = next((index for index, line in enumerate(lines) if line.startswith(("panic:", "Error:"))), None)
        shown = lines[-_LINES_OF_LOG:] if begins is None else lines[begins : begins + _LINES_OF_LOG]
        return "\n".join(f"  {line}" for line in shown) or "  (it printed nothing)"

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
            except PermissionError as error:
                raise StackError(f"{self.name} (process {self.pid}) belongs to another user; stop it as that one") from error


def start(server: Server, directory: Path) -> RunningServer:
    """Start a server in the background, in a session of its own, so that Ctrl-C and the end of a terminal do not reach it.

    Raises:
        StackError: its program is not built, or this is no Linux.
    """
    if not Path("/proc/self/stat").exists():
        raise StackError("servers are told apart by /proc, which only Linux has; use docker compose instead")
    program = building.find(server.program)
    if program is None:
        raise StackError(f"{server.program} is not built; run `langswarm-otel stack build`")
    log = directory / f"{server.program}.log"
    if log.exists():
        log.replace(log.with_suffix(".log.1"))  # it may say why the last one ended
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603 - a program that we built
            [str(program), *server.arguments],
            cwd=directory,
            # An empty variable counts as not set, as everywhere in OpenTelemetry; the Collector would take it as its value.
            env={**{name: value for name, value in os.environ.items() if value}, **server.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return RunningServer(
        name=server.name,
        pid=process.pid,
        born=_born(process.pid) or "",
        health=server.health,
        page=server.page,
        about=server.about,
        log=str(log),
        settings=server.settings,
    )


def _born(pid: int) -> str | None:
    """Return when a process began (field 22 of ``/proc/PID/stat``, proc(5)); None when there is none, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]
