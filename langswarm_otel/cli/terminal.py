"""Colour and width, as much of them as the terminal has."""

from __future__ import annotations

import os
import sys
from typing import Final

_STYLES: Final = {"ok": "32", "FAIL": "1;31", "-": "2"}


def paint(text: str, style: str) -> str:
    """Return text in the colour of a style; as it is when nobody would see the colour or ``NO_COLOR`` is set."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # the convention of https://no-color.org
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"
