"""Where the stack's files are: in a checkout beside the package, in an installed package inside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from langswarm_otel.stack import StackError

CACHE_VARIABLE: Final = "LANGSWARM_OTEL_STACK_CACHE"

_HERE: Final = Path(__file__).parent
_CHECKOUT: Final = _HERE.parents[1]
_INSTALLED: Final = _HERE / "files"


def is_checkout() -> bool:
    """Return whether the package is used from a checkout of its repository."""
    return (_CHECKOUT / "collector-config" / "builder.yaml").is_file()


def files() -> Path:
    """Return the folder that holds ``collector-config`` and ``deploy``."""
    return _CHECKOUT if is_checkout() else _INSTALLED


def collector_config() -> Path:
    """Return the folder of the Collector's configurations."""
    return files() / "collector-config"


def compose_files() -> Path:
    """Return the folder of what the other servers of the stack read."""
    return files() / "deploy" / "compose"


def modules() -> Path:
    """Return the folder with a Go module for each program that is built without the Collector's builder."""
    return _HERE / "modules"


def cache() -> Path:
    """Return where built programs and the data of the stack are kept.

    ``LANGSWARM_OTEL_STACK_CACHE`` decides; otherwise a checkout's own ``.cache/stack``, otherwise the user's cache folder
    (XDG Base Directory Specification).

    Raises:
        StackError: the variable names the home of nobody.
    """
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        try:
            return Path(given).expanduser().absolute()
        except RuntimeError as error:
            raise StackError(f"{CACHE_VARIABLE}={given!r}: {error}; give a folder that there is or can be") from error
    if is_checkout():
        return _CHECKOUT / ".cache" / "stack"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "langswarm-otel" / "stack"
