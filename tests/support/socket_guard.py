"""No socket of the test process leaves loopback: a connection elsewhere fails, and so does the test during which it was tried.

An audit hook sees every ``connect``, ``sendto`` and name lookup of Python code, asyncio's included. gRPC connects in C and is not seen.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import sys
from collections.abc import Iterator

RESERVED = (".invalid", ".test", ".example", ".localhost")
"""Names that RFC 2606 keeps from ever resolving: a test may look them up, nothing is asked outside."""

violations: list[str] = []
"""What was tried and refused since the test began."""

_recordings: list[list[str]] = []
_installed = False


class OutsideConnectionError(OSError):
    """A socket was about to leave loopback."""


def install() -> None:
    """Guard this process from now on; audit hooks cannot be taken away."""
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_audit)


@contextlib.contextmanager
def recording() -> Iterator[list[str]]:
    """Yield a list that receives every connection and lookup tried, wherever it goes, loopback included."""
    tried: list[str] = []
    _recordings.append(tried)
    try:
        yield tried
    finally:
        _recordings.remove(tried)


def _audit(event: str, arguments: tuple) -> None:
    if event in ("socket.connect", "socket.sendto"):
        sock, address = arguments
        if getattr(sock, "family", None) in (socket.AF_INET, socket.AF_INET6):
            _seen(f"{event} {address}")
            if not _is_loopback(str(address[0])):
                violations.append(f"{event} {address}")
                raise OutsideConnectionError(101, f"tests may not leave loopback: {address}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or _is_loopback(name) or _address(name) is not None:
            return
        _seen(f"{event} {name}")
        if not name.endswith(RESERVED):
            violations.append(f"{event} {name}")
        raise socket.gaierror(socket.EAI_NONAME, f"tests may not look up names outside: {name}")


def _seen(what: str) -> None:
    for tried in _recordings:
        tried.append(what)


def _is_loopback(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host in ("", "localhost")
    return address.is_loopback or address.is_unspecified


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host spells; None if it is a name."""
    try:
        return ipaddress.ip_address(host.split("%", maxsplit=1)[0])
    except ValueError:
        return None
