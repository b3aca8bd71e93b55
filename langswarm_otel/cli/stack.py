"""``langswarm-otel stack``: Collector, Jaeger, Prometheus and a log store on this machine, without containers."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langswarm_otel.cli.terminal import paint
from langswarm_otel.stack import StackError

if TYPE_CHECKING:
    from langswarm_otel.stack.processes import RunningServer
    from langswarm_otel.stack.running import RunningStack

_LITTLE_BYTES: Final = 2**30


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "stack",
        help="run Collector, Jaeger, Prometheus and a log store as local processes",
        description="Runs the configuration of docker-compose.yml without containers, on loopback alone. The programs are built once from "
        "their Go modules, which needs Go (https://go.dev/dl).",
    )
    parser.set_defaults(run=run)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    up = actions.add_parser("up", help="start what does not run yet; build what is not built yet")
    up.add_argument("--free-ports", action="store_true", help="on any free ports instead of the well-known ones")
    up.set_defaults(act=_up)
    status = actions.add_parser("status", help="say what runs; exits 1 unless all does")
    status.set_defaults(act=_status)
    down = actions.add_parser("down", help="stop it")
    down.add_argument("--delete-data", action="store_true", help="remove metrics, log lines and what is not delivered yet")
    down.set_defaults(act=_down)
    for action in (up, status, down):
        action.add_argument(
            "--directory", metavar="DIR", type=_folder, help="where data, logs and state are (default: in the cache folder)"
        )
    build = actions.add_parser("build", help="build the programs, those that only tests need included")
    build.add_argument("--optional", action="store_true", help="where they cannot be built, say what follows and exit 0")
    build.set_defaults(act=_build)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; a failure is one message and status 1."""
    try:
        return int(arguments.act(arguments))
    except BrokenPipeError:
        raise
    except (StackError, OSError) as error:  # OSError: a folder that cannot be written names itself
        print(f"langswarm-otel stack: {error}", file=sys.stderr)
        return 1


def _up(arguments: argparse.Namespace) -> int:
    from langswarm_otel.stack import building, programs, running, servers  # noqa: PLC0415 - on use
    from langswarm_otel.stack.addresses import Ports  # noqa: PLC0415 - on use

    for program in servers.PROGRAMS:
        if building.find(program) is None:
            building.build(programs.build_of(program), say=_say)
    directory = _directory(arguments)
    stack = running.up(directory, Ports.free() if arguments.free_ports else Ports())
    print(_table(_looked_at(stack)))
    free = shutil.disk_usage(directory).free
    if free < _LITTLE_BYTES:
        _say(f"only {free // 2**20} MiB are free at {directory}: a full disk loses what waits to be delivered")
    print(f"\nsend to it: langswarm-otel demo --endpoint {stack.endpoint}, or configure_observability(endpoint={stack.endpoint!r})")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from langswarm_otel.stack import running  # noqa: PLC0415 - on use

    stack = running.read(_directory(arguments))
    if stack is None:
        print("the stack is not up; start it with `langswarm-otel stack up`")
        return 1
    looked_at = _looked_at(stack)
    print(_table(looked_at))
    return 0 if all(alive and healthy for _, alive, healthy in looked_at) else 1


def _down(arguments: argparse.Namespace) -> int:
    from langswarm_otel.stack import running  # noqa: PLC0415 - on use

    stopped = running.down(_directory(arguments), delete_data=arguments.delete_data)
    for server, when_asked in stopped:
        print(f"stopped {server.name}" if when_asked else f"killed {server.name}, which did not stop when asked")
    if not stopped:
        print("nothing runs")
    return 0


def _build(arguments: argparse.Namespace) -> int:
    from langswarm_otel.stack import building  # noqa: PLC0415 - on use

    failures = building.build_missing(say=_say)
    if not failures:
        return 0
    without = ", ".join(sorted(name for wanted in building.missing() for name in wanted.packages))
    message = "\n".join((*failures, f"without {without}; the tests that need them are skipped by name"))
    if not arguments.optional:
        raise StackError(message)
    _say(message)
    return 0


def _looked_at(stack: RunningStack) -> list[tuple[RunningServer, bool, bool]]:
    """Return each server, whether its process lives, and whether it is well; another program may answer in the place of a dead one."""
    return [(server, server.is_alive(), server.is_healthy()) for server in stack.servers]


def _table(looked_at: list[tuple[RunningServer, bool, bool]]) -> str:
    """Return one line for each server: whether it is well, its name, its address, what it is for."""
    lines = []
    for server, alive, healthy in looked_at:
        state = "ok" if alive and healthy else "FAIL"
        why = server.about if state == "ok" else ("does not answer" if alive else "has ended") + f"; see {server.log}"
        lines.append(f"{paint(f'{state:>4}', state)}  {server.name:<13} {server.page:<40} {why}")
    return "\n".join(lines)


def _folder(given: str) -> Path:
    if not given:
        raise argparse.ArgumentTypeError("is empty; name a folder")
    return Path(given)


def _directory(arguments: argparse.Namespace) -> Path:
    from langswarm_otel.stack import places  # noqa: PLC0415 - on use

    given: Path | None = arguments.directory
    return (given or places.cache() / "run").absolute()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
