"""Processes that outlive the command that started them: start, look at, stop."""

from __future__ import annotations

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
    """

    name: str
    pid: int
    born: str
    health: str
    page: str
    about: str
    log: str

    def is_alive(self) -> bool:
        """Return whether the process that was started still runs."""
        return _born(self.pid) == self.born

    def is_healthy(self, timeout_s: float = 1.0) -> bool:
        """Return whether it answers as a server that is ready."""
        try:
            with _DIRECTLY.open(self.health, timeout=timeout_s) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
        except OSError:
            return False

    def wait_until_healthy(self, deadline: float) -> None:
        """Wait for it.

        Raises:
            StackError: it ended, or the deadline (of ``time.monotonic``) passed; ends with the last lines that it printed.
        """
        while not self.is_healthy():
            if not self.is_alive():
                raise StackError(f"{self.name} ended as it started:\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} did not become ready ({self.health}):\n{self.last_lines()}")
            time.sleep(_POLL_S)

    def stop(self, timeout_s: float) -> bool:
        """Ask it to end, then make it; return whether it ended when asked."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while self.is_alive():
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
                return False
            time.sleep(_POLL_S)
        return True

    def last_lines(self) -> str:
        """Return the end of its log."""
        try:
            lines = Path(self.log).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            return str(error)
        return "\n".join(f"  {line}" for line in lines[-_LINES_OF_LOG:]) or "  (it printed nothing)"

    def _signal(self, number: signal.Signals) -> None:
        if self.is_alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return


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
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603 - a program that we built
            [str(program), *server.arguments],
            cwd=directory,
            env={**os.environ, **server.environment},
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
    )


def _born(pid: int) -> str | None:
    """Return when a process began (field 22 of ``/proc/PID/stat``, proc(5)); None when there is none, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]
