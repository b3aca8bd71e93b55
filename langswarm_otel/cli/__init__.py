"""The command ``langswarm-otel``: see a demo, find out why nothing arrives, what is configured and emitted, run a local stack."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from langswarm_otel.cli import demo, doctor, explain, names, stack
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 when all is well, 1 when not, 2 for a command line that makes no sense."""
    arguments = _parser().parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        if sys.stdout is not None:  # closed by `>&-`
            sys.stdout.flush()
        return status
    except ConfigurationError as error:
        print(f"langswarm-otel: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(f"langswarm-otel: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # `langswarm-otel names | head`
        # As the documentation of Python's SIGPIPE has it: or the flush at exit fails once more, and the status is 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="langswarm-otel", description="OpenTelemetry distribution for LangSwarm and programs made of agents."
    )
    parser.add_argument("--version", action="version", version=f"langswarm-otel {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (demo, doctor, explain, names, stack):
        command.add_to(commands)
    return parser
