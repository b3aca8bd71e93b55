"""The stack as a whole: up, status, down; what runs is written into a file of its folder."""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import StackError
from langswarm_otel.stack.addresses import Ports
from langswarm_otel.stack.interruption import Interruption
from langswarm_otel.stack.processes import RunningServer, start
from langswarm_otel.stack.servers import all_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langswarm_otel.stack.servers import Server

__all__ = ["RunningStack", "down", "read", "up"]

_STATE: Final = "stack.json"
_LOCK: Final = "stack.lock"
"""Made by the first `up`; says that a folder is ours."""
_START_TIMEOUT_S: Final = 60.0
_STOP_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """What was started.

    Attributes:
        ports: where it listens.
        servers: its servers, in the order in which they were started.
    """

    ports: Ports
    servers: tuple[RunningServer, ...]

    @property
    def endpoint(self) -> str:
        """Return the OTLP endpoint that programs send to, over HTTP."""
        return f"http://localhost:{self.ports.otlp_http}"


def read(directory: Path) -> RunningStack | None:
    """Return what was started in a folder, None when nothing was.

    Raises:
        StackError: the file that says so cannot be read, or the folder is a file.
    """
    _refuse_file(directory)
    path = directory / _STATE
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        return RunningStack(ports=Ports(**state["ports"]), servers=tuple(RunningServer(**server) for server in state["servers"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StackError(f"{path} does not say what runs ({type(error).__name__}: {error}); stop it by hand and remove the file") from error


def up(directory: Path, ports: Ports) -> RunningStack:
    """Start every server that does not run yet and wait until all are ready.

    A stack that runs already keeps its ports. When one does not start, or a signal asks to end, those of this call are stopped again.

    Raises:
        StackError: the folder holds something else, a port is taken, a program is not built, a server did not start, or one runs
            that was started with other settings.
    """
    _claim(directory)
    with _only_one(directory), Interruption() as interruption:
        present = read(directory)
        alive = {server.name: server for server in present.servers if server.is_alive()} if present else {}
        if present and alive:
            ports = present.ports
        wanted = all_servers(ports, directory)
        for server in wanted:
            if server.name not in alive:
                ports.check_free(server.ports)
            elif alive[server.name].settings != server.settings:
                raise StackError(f"{server.name} runs with other settings or another version; `langswarm-otel stack down` first")
        started: list[RunningServer] = []
        try:
            return _up(directory, ports, wanted, alive, started, interruption)
        except BaseException:
            for running in reversed(started):
                running.stop(_STOP_TIMEOUT_S)
            if not alive:
                (directory / _STATE).unlink(missing_ok=True)
            raise


def _up(
    directory: Path,
    ports: Ports,
    wanted: tuple[Server, ...],
    alive: dict[str, RunningServer],
    started: list[RunningServer],
    interruption: Interruption,
) -> RunningStack:
    """Start what is not alive, each written down at once, and wait for all; what was started is in ``started``, whatever happens."""
    running = dict(alive)
    for server in wanted:
        if server.name not in alive:
            running[server.name] = start(server, directory)
            started.append(running[server.name])
            _write(directory, RunningStack(ports=ports, servers=tuple(running.values())))
        interruption.check()
    stack = RunningStack(ports=ports, servers=tuple(running[server.name] for server in wanted))
    _write(directory, stack)
    deadline = time.monotonic() + _START_TIMEOUT_S
    for one in stack.servers:
        one.wait_until_healthy(deadline, interruption.check)
    return stack


def down(directory: Path, *, delete_data: bool) -> list[tuple[RunningServer, bool]]:
    """Stop every server, last started first, so that the Collector delivers what it holds; return each and whether it ended when asked.

    Nothing is touched in a folder in which no stack ever was.

    Raises:
        StackError: the file that says what runs cannot be read, or a server belongs to another user.
    """
    _refuse_file(directory)
    if not _is_ours(directory):
        return []
    with _only_one(directory):
        stack = read(directory)
        stopped = [(server, server.stop(_STOP_TIMEOUT_S)) for server in reversed(stack.servers) if server.is_alive()] if stack else []
        (directory / _STATE).unlink(missing_ok=True)
        if delete_data:
            for name in ("logs", "metrics", "queue"):
                shutil.rmtree(directory / name, ignore_errors=True)
        return stopped


def _is_ours(directory: Path) -> bool:
    """Return whether a stack was started in a folder before."""
    return (directory / _LOCK).exists() or (directory / _STATE).exists()


def _refuse_file(directory: Path) -> None:
    if directory.is_file():
        raise StackError(f"{directory} is a file; give the folder of a stack")


def _claim(directory: Path) -> None:
    """Make a folder ours, unless it holds what is somebody else's: its files would be written over, and deleted with the data.

    Raises:
        StackError: it does, or it is a file.
    """
    _refuse_file(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()) and not _is_ours(directory):  # in this order: another `up` may be the first one just now
        raise StackError(f"{directory} holds files that are not of a stack; give --directory a new or empty folder")


def _write(directory: Path, stack: RunningStack) -> None:
    """Replace the file that says what runs, whole."""
    state = {"ports": asdict(stack.ports), "servers": [asdict(server) for server in stack.servers]}
    path = directory / f"{_STATE}.new"
    path.write_text(json.dumps(state, indent=2), encoding="utf-8")
    path.replace(directory / _STATE)


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Keep a second `up` or `down` of the same folder waiting."""
    with (directory / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
