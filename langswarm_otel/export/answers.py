"""What comes of a request, and what it needs for TLS; nothing here needs the library that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from langswarm_otel.export.causes import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

OK: Final = 200
"""The one status that says that a request was taken, as OTLP defines it."""

TOO_LARGE: Final = 413
"""The status that says that a request is larger than the server takes."""

NOT_FOUND: Final = 404
"""The status of a Collector that has no pipeline for the signal: its receiver then has no such path."""

_REDIRECTS: Final = range(300, 400)


def trouble_with(status: int, said: str, location: str | None) -> str:
    """Return why an answer other than ``OK`` is a failure, for people.

    Args:
        status: HTTP status.
        said: status and reason.
        location: where a redirect leads; its query, which may hold secrets, is left out.
    """
    if status in _REDIRECTS:
        where = (location or "elsewhere").split("?")[0]
        return shorten(f"HTTP {status}, redirected to {where}, which is not followed: configure that address")
    return shorten(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files of a connection over TLS; they are read for each connection anew, so that a renewed one is found."""

    authorities: str | None = None
    """What the server's certificate is checked against; None for those of the system."""

    own: str | None = None
    """Our own certificate chain, for mutual TLS."""

    key: str | None = None
    """Its key; None if it is in the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said."""

    status: int
    """HTTP status."""

    said: str
    """Status and reason, for people."""

    body: bytes
    """The body, unpacked; empty where it was too large or broke off."""

    headers: Mapping[str, str]
    """Headers; names in any case."""


class UnansweredError(Exception):
    """There is no answer; the text is the cause, without anything secret."""

    def __init__(self, cause: str, *, may_repeat: bool = False, is_cut: bool = False, is_ours: bool = False) -> None:
        """Make an error.

        Args:
            cause: why, for people.
            may_repeat: the server has not taken the request as far as can be known, so that it may be sent again.
            is_cut: an open connection ended: perhaps one that the server had let go of meanwhile.
            is_ours: it is the request that cannot be sent, whatever the server does.
        """
        super().__init__(cause)
        self.cause: Final = cause
        self.may_repeat: Final = may_repeat
        self.is_cut: Final = is_cut
        self.is_ours: Final = is_ours
