"""Why something failed, in a few words that hold neither secrets nor what the user sent."""

from __future__ import annotations

from typing import Final

from langswarm_otel.content.scrubbing import USUAL

_LONGEST: Final = 200
_DEEPEST: Final = 10


def cause_of(error: BaseException) -> str:
    """Return the type of an error and, where an operating system error is at its root, what that says.

    The texts of other errors stay out: those of encoders quote the value that they could not encode.
    """
    seen: list[BaseException] = []
    root: BaseException | None = error
    while root is not None and root not in seen and len(seen) < _DEEPEST:
        seen.append(root)
        if isinstance(root, OSError) and root.strerror:
            return shorten(f"{type(error).__name__}: {root.strerror}")
        root = _below(root)
    return type(error).__name__ if len(seen) == 1 else shorten(f"{type(error).__name__}: {type(seen[-1]).__name__}")


def _below(error: BaseException) -> BaseException | None:
    """Return what an error was made of; ``requests`` and ``urllib3`` put it into ``reason`` or the arguments."""
    for inner in (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__):
        if isinstance(inner, BaseException):
            return inner
    return None


def shorten(text: str) -> str:
    """Return a text on one line, of bounded length and without control characters: it may be a server's, and ends in a log."""
    text = USUAL.text(text)
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
