"""One exchange over HTTP, bounded in time and in what is read of the answer.

The timeouts of ``urllib3`` are for each read: a server that sends a byte now and then is never too late. And it reads and unpacks an
answer whole, however large. Here a deadline holds for everything from the request's first byte to the answer's last, without a thread that
watches: each read and write of the socket gets the time that is left.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import threading
import time
import zlib
from typing import TYPE_CHECKING, Any, Final

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ANSWER_BYTES: Final = 64 * 1024
"""What is read of an answer, packed and unpacked; those of OTLP hold a number and a sentence."""

_WRITE_BYTES: Final = 16 * 1024
_GZIP_OR_ZLIB: Final = 47


class _Present(threading.local):
    """The exchange of the present thread."""

    def __init__(self) -> None:
        self.deadline = float("inf")


_present: Final = _Present()


@contextlib.contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let no exchange of this thread last beyond a moment of ``time.monotonic``; what is too late raises ``TimeoutError`` inside."""
    before, _present.deadline = _present.deadline, deadline
    try:
        yield
    finally:
        _present.deadline = before


def read_answer(raw: Any) -> bytes:
    """Read the body of a streamed ``urllib3`` answer and let go of its connection; empty if it is too large or packed in an unknown way.

    Raises:
        OSError: the answer broke off or did not end in time; so do the errors of ``urllib3``.
    """
    try:
        packed = _read(raw)
    except BaseException:
        raw.close()
        raise
    if len(packed) > MAX_ANSWER_BYTES:
        raw.close()  # the rest is not worth reading, and the connection cannot be used without that
        return b""
    raw.release_conn()
    return _unpacked(packed, raw.headers.get("content-encoding", "identity").strip().lower())


def _read(raw: Any) -> bytes:
    packed: bytes = raw.read(MAX_ANSWER_BYTES + 1, decode_content=False)
    if len(packed) <= MAX_ANSWER_BYTES and raw.length_remaining:
        raise http.client.IncompleteRead(packed, raw.length_remaining)
    return packed


def _unpacked(packed: bytes, encoding: str) -> bytes:
    if encoding in ("", "identity"):
        return packed
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return b""
    try:
        body = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(packed, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        return b""
    return body if len(body) <= MAX_ANSWER_BYTES else b""


def _limit(sock: Any) -> None:
    """Give a socket the time that is left for its next operation."""
    if _present.deadline == float("inf"):
        return
    left_s = _present.deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError("timed out")
    sock.settimeout(left_s)


class _TimedReader(io.RawIOBase):
    """The reading side of a socket."""

    def __init__(self, sock: Any, raw: Any) -> None:
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _limit(self._sock)
        count: int | None = self._raw.readinto(buffer)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedAnswer(http.client.HTTPResponse):
    """An answer whose status line, headers and body come before the deadline or not at all."""

    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp: Any = io.BufferedReader(_TimedReader(sock, self.fp.detach()))


class _Timed:
    """What both kinds of connection have in common; mixed into those of ``urllib3``."""

    response_class: Any = _TimedAnswer
    sock: Any

    def send(self, data: Any) -> None:
        """Send in small parts: TLS counts its timeout for each record anew."""
        if not isinstance(data, bytes):
            super().send(data)  # type: ignore[misc]
            return
        for begin in range(0, len(data), _WRITE_BYTES):
            if self.sock is not None:
                _limit(self.sock)
            super().send(data[begin : begin + _WRITE_BYTES])  # type: ignore[misc]


class _TimedConnection(_Timed, HTTPConnection):
    """Plain."""


class _TimedTlsConnection(_Timed, HTTPSConnection):
    """Encrypted."""


class _Pool(HTTPConnectionPool):
    """Of plain connections."""

    ConnectionCls = _TimedConnection


class _TlsPool(HTTPSConnectionPool):
    """Of encrypted connections."""

    ConnectionCls = _TimedTlsConnection


POOLS: Final = {"http": _Pool, "https": _TlsPool}
"""Pools whose connections keep the deadline of ``until``, for the managers of ``urllib3``."""
