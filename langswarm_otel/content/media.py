"""Images, sounds and files inside content: what kind and how large, in place of megabytes of base64.

It runs before a value is cut, so that the true size is known, and in the caller's thread: it looks at the beginning of a text only, and
for the end of an embedded one it goes no further than a megabyte.
"""

from __future__ import annotations

import re
from typing import Final

LEAST: Final = 512
"""Characters of base64 that are shorter than this stay: a key, a hash or a word may look like it."""

_LOOK: Final = 2**20
_EMBEDDED: Final = re.compile(r"data:(?P<type>[A-Za-z0-9.+-]{1,40}/[A-Za-z0-9.+-]{1,80})?(?P<more>(?:;[A-Za-z0-9=._-]{1,60}){0,4});base64,")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=_\\-]")
_BARE: Final = re.compile(r"[A-Za-z0-9+/_-]{64,}={0,2}")
_KINDS: Final[tuple[tuple[str, str], ...]] = (
    *(("iVBORw0KGgo", "image/png"), ("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp or audio/wav")),
    *(
        ("JVBERi", "application/pdf"),
        ("SUQz", "audio/mpeg"),
        ("T2dnUw", "audio/ogg"),
        ("AAAAIGZ0eX", "video/mp4"),
        ("UEsDB", "application/zip"),
    ),
)
"""How the base64 of some kinds begins."""


def without_media(text: str, longest: int) -> str:
    """Return a text in which base64 media is replaced by its type and size; the same object if there is none.

    Args:
        text: any text.
        longest: characters of the result that anybody wants; what begins behind them is not looked at.
    """
    if len(text) < LEAST:
        return text
    if _is_bare(text):
        return described(_kind_of(text), len(text.rstrip("=")))
    if "base64," not in text[: longest + 256]:
        return text
    parts: list[str] = []
    begin = wanted = 0
    for match in _EMBEDDED.finditer(text, 0, min(len(text), longest + _LOOK)):
        if match.start() < begin:
            continue
        end = _end_of(text, match.end())
        if end - match.end() < LEAST:
            continue
        parts += (text[begin : match.start()], described(match["type"] or "text/plain", _end_of_data(text, end) - match.end()))
        wanted += match.start() - begin
        begin = end
        if wanted > longest:
            break
    return "".join((*parts, text[begin:])) if parts else text


def described(kind: str, characters: int) -> str:
    """Return what stands in the place of so many characters of base64, without the padding."""
    return f"<{kind}, {characters * 3 // 4} bytes>"


def _end_of_data(text: str, end: int) -> int:
    """Return where the padding begins."""
    return end - 2 + len(text[end - 2 : end].rstrip("="))


def _is_bare(text: str) -> bool:
    """Whether a whole text is base64, as far as a look at both ends and for spaces shows."""
    head, tail = text[:256], text[-68:]
    return _BARE.fullmatch(head) is not None and _BARE.fullmatch(tail) is not None and " " not in text and not head.isalpha()


def _kind_of(text: str) -> str:
    return next((kind for start, kind in _KINDS if text.startswith(start)), "base64")


def _end_of(text: str, begin: int) -> int:
    found = _NOT_BASE64.search(text, begin, min(len(text), begin + _LOOK))
    if found is not None:
        return found.start()
    # Longer than is looked at: to the next quote, which is found at once.
    ends = [place for place in (text.find(mark, begin) for mark in "\"') ") if place >= 0]
    return min(ends, default=len(text))
