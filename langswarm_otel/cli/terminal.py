"""Colour and width, as much of them as the terminal has."""

from __future__ import annotations

import os
import sys
from typing import Final

_WIDTH_WHEN_PIPED: Final = 120
_STYLES: Final = {"ok": "32", "FAIL": "1;31", "-": "2"}


def paint(text: str, style: str) -> str:
    """Return text in the colour of a style; as it is when nobody would see the colour or ``NO_COLOR`` is set."""
    if not _is_terminal() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # the convention of https://no-color.org
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def fixed_width() -> int | None:
    """Return the width of what is piped, which no terminal limits; None where the terminal or ``COLUMNS`` decides."""
    return None if _is_terminal() or "COLUMNS" in os.environ else _WIDTH_WHEN_PIPED


def _is_terminal() -> bool:
    """Return whether people see the output; with ``>&-`` there is none."""
    return sys.stdout is not None and sys.stdout.isatty()
