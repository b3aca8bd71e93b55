"""``langswarm-otel stack``: Collector, Jaeger, Prometheus and a log store on this machine, without containers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from langswarm_otel.cli.terminal import paint
from langswarm_otel.stack import StackError

if TYPE_CHECKING:
    import argparse

    from langswarm_otel.stack.running import RunningStack


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
        action.add_argument("--directory", metavar="DIR", type=Path, help="where data, logs and state are (default: in the cache folder)")
    build = actions.add_parser("build", help="build the programs, those that only tests need included")
    build.add_argument("--optional", action="store_true", help="where they cannot be built, say what follows and exit 0")
    build.set_defaults(act=_build)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; a failure is one message and status 1."""
    try:
        return int(arguments.act(arguments))
    except (StackError, OSError) as error:  # OSError: a folder that cannot be written names itself
        print(f"langswarm-otel stack: {error}", file=sys.stderr)
        return 1


def _up(arguments: argparse.Namespace) -> int:
    from langswarm_otel.stack import building, programs, running, servers  # noqa: PLC0415 - on use
    from langswarm_otel.stack.addresses import Ports  # noqa: PLC0415 - on use

    for program in servers.PROGRAMS:
        if building.find(program) is None:
            building.build(programs.build_of(program), say=_say)
    stack = running.up(_directory(arguments), Ports.free() if arguments.free_ports else Ports())
    print(_table(stack))
    print(f"\nsend to it: langswarm-otel demo --endpoint {stack.endpoint}, or configure_observability(endpoint={stack.endpoint!r})")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    from langswarm_otel.stack import running  # noqa: PLC0415 - on use

    stack = running.read(_directory(arguments))
    if stack is None:
        print("the stack is not up; start it with `langswarm-otel stack up`")
        return 1
    print(_table(stack))
    return 0 if all(server.is_healthy() for server in stack.servers) else 1


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


def _table(stack: RunningStack) -> str:
    """Return one line for each server: whether it is well, its name, its address, what it is for."""
    lines = []
    for server in stack.servers:
        healthy = server.is_alive() and server.is_healthy()
        state = "ok" if healthy else "FAIL"
        why = server.about if healthy else ("does not answer" if server.is_alive() else "has ended") + f"; see {server.log}"
        lines.append(f"{paint(f'{state:>4}', state)}  {server.name:<13} {server.page:<40} {why}")
    return "\n".join(lines)


def _directory(arguments: argparse.Namespace) -> Path:
    from langswarm_otel.stack import places  # noqa: PLC0415 - on use

    given: Path | None = arguments.directory
    return (given or places.cache() / "run").absolute()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
