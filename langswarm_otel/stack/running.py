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
from langswarm_otel.stack.processes import RunningServer, start
from langswarm_otel.stack.servers import all_servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["RunningStack", "down", "read", "up"]

_STATE: Final = "stack.json"
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
        StackError: the file that says so cannot be read.
    """
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

    A stack that runs already keeps its ports. When one server does not start, those of this call are stopped again.

    Raises:
        StackError: a port is taken, a program is not built, or a server did not start.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _only_one(directory):
        present = read(directory)
        alive = {server.name: server for server in present.servers if server.is_alive()} if present else {}
        if present and alive:
            ports = present.ports
        else:
            ports.check_free()
        started: list[RunningServer] = []
        try:
            servers = []
            for server in all_servers(ports, directory):
                running = alive.get(server.name)
                if running is None:
                    running = start(server, directory)
                    started.append(running)
                servers.append(running)
            stack = RunningStack(ports=ports, servers=tuple(servers))
            _write(directory, stack)
            deadline = time.monotonic() + _START_TIMEOUT_S
            for running in servers:
                running.wait_until_healthy(deadline)
        except BaseException:
            for running in reversed(started):
                running.stop(_STOP_TIMEOUT_S)
            if not alive:
                (directory / _STATE).unlink(missing_ok=True)
            raise
        return stack


def down(directory: Path, *, delete_data: bool) -> list[tuple[RunningServer, bool]]:
    """Stop every server, last started first, so that the Collector delivers what it holds; return each and whether it ended when asked."""
    if not directory.is_dir():
        return []
    with _only_one(directory):
        stack = read(directory)
        stopped = [(server, server.stop(_STOP_TIMEOUT_S)) for server in reversed(stack.servers) if server.is_alive()] if stack else []
        (directory / _STATE).unlink(missing_ok=True)
        if delete_data:
            for name in ("logs", "metrics", "queue"):
                shutil.rmtree(directory / name, ignore_errors=True)
        return stopped


def _write(directory: Path, stack: RunningStack) -> None:
    """Replace the file that says what runs, whole."""
    state = {"ports": asdict(stack.ports), "servers": [asdict(server) for server in stack.servers]}
    path = directory / f"{_STATE}.new"
    path.write_text(json.dumps(state, indent=2), encoding="utf-8")
    path.replace(directory / _STATE)


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Keep a second `up` or `down` of the same folder waiting."""
    with (directory / "stack.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
