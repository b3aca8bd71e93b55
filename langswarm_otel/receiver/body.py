"""The body of an HTTP request: read within a limit, unpacked within a limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

_WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}
_LONGEST_CHUNK_LINE: Final = 1024
_MOST_TRAILERS: Final = 32


class RequestError(Exception):
    """A request that is answered with an HTTP error."""

    def __init__(self, status: int, reason: str) -> None:
        """Remember the HTTP status and one sentence for the sender."""
        super().__init__(reason)
        self.status = status
        self.reason = reason


def read_body(stream: BinaryIO, headers: Message, limit: int) -> bytes:
    """Return the body as sent, by Content-Length or chunked.

    Raises:
        RequestError: 400 for senseless framing, 411 without any, 413 beyond ``limit`` bytes.
    """
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _joined(_chunks(stream), limit)
    length = headers.get("content-length")
    if length is None:
        raise RequestError(411, "the request has no Content-Length")
    if not (length.isascii() and length.isdigit()):
        raise RequestError(400, "Content-Length is not a number")
    if len(length) > 18 or int(length) > limit:  # noqa: PLR2004 - more digits are beyond any limit
        raise RequestError(413, f"the body is larger than {limit} bytes")
    body = stream.read(int(length))
    if len(body) < int(length):
        raise RequestError(400, "the body ended early")
    return body


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Return the body without its Content-Encoding.

    Raises:
        RequestError: 415 for an encoding that is not gzip, deflate or identity, 413 beyond ``limit`` bytes, 400 for a broken stream.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise RequestError(415, "Content-Encoding must be gzip, deflate or identity")
    stream = zlib.decompressobj(bits)
    try:
        plain = stream.decompress(body, limit + 1)
    except zlib.error:
        raise RequestError(400, f"the body is not {encoding}") from None
    if len(plain) > limit:
        raise RequestError(413, f"the unpacked body is larger than {limit} bytes")
    if not stream.eof or stream.unused_data:
        raise RequestError(400, "the compressed body is not exactly one stream")
    return plain


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the chunks of a chunked body."""
    while True:
        line = stream.readline(_LONGEST_CHUNK_LINE)
        try:
            size = int(line.split(b";")[0].strip(), 16)
        except ValueError:
            raise RequestError(400, "the body is not properly chunked") from None
        if size < 0:
            raise RequestError(400, "the body is not properly chunked")
        if size == 0:
            for _ in range(_MOST_TRAILERS):
                if stream.readline(_LONGEST_CHUNK_LINE) in (b"\r\n", b"\n", b""):
                    return
            raise RequestError(400, "the body has too many trailers")
        for start in range(0, size, 65536):  # a piece at a time, so that the limit is met before memory is filled
            yield stream.read(min(65536, size - start))
        stream.readline(_LONGEST_CHUNK_LINE)


def _joined(pieces: Iterator[bytes], limit: int) -> bytes:
    """Return the pieces joined, or refuse as soon as they pass the limit."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise RequestError(413, f"the body is larger than {limit} bytes")
    return bytes(body)
