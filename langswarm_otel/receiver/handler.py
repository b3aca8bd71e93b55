"""One HTTP request: which signal it is for, what it holds, how it is answered."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from langswarm_otel.receiver.body import RequestError, read_body, unpack
from langswarm_otel.receiver.decode import JSON, PROTOBUF

if TYPE_CHECKING:
    from langswarm_otel.receiver.decode import Codec
    from langswarm_otel.receiver.store import RecordStore

_IDLE_S: Final = 30.0
_DISCARD_S: Final = 1.0
_DISCARD_BYTES: Final = 64 * 1024 * 1024


class Receiving(Protocol):
    """What a request needs of the server it came to."""

    codecs: dict[str, Codec]
    """Codec of each path."""

    store: RecordStore
    """Where records go."""

    max_body_bytes: int
    """Largest body, packed and unpacked."""


class OtlpHandler(BaseHTTPRequestHandler):
    """Answers OTLP/HTTP as the specification says: 200 with the response message, else an error with a ``Status``."""

    protocol_version = "HTTP/1.1"
    server_version = "langswarm-otel-receiver"
    sys_version = ""
    timeout = _IDLE_S
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Take one export request."""
        try:
            codec = self._codec()
            content_type = self._content_type()
            limit = self._receiving.max_body_bytes
            packed = read_body(cast("Any", self.rfile), self.headers, limit)
            body = unpack(packed, self.headers.get("content-encoding", ""), limit)
            records = codec.decode(body, content_type)
        except RequestError as error:
            self._refuse(error)
            return
        self._receiving.store.add(codec.signal, records, len(body))
        self._answer(200, content_type, codec.answer(content_type))

    def refuse_method(self) -> None:
        """Answer every other method: 405 where a POST is expected, 404 elsewhere."""
        try:
            self._codec()
        except RequestError as error:
            self._refuse(error)
        else:
            self._refuse(RequestError(405, "OTLP/HTTP is POST"))

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = refuse_method  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of http.server
        """Write nothing: the terminal belongs to the command that runs the receiver."""

    @property
    def _receiving(self) -> Receiving:
        return cast("Receiving", self.server)

    def _codec(self) -> Codec:
        """Return the codec of the path."""
        codec = self._receiving.codecs.get(self.path.partition("?")[0])
        if codec is None:
            raise RequestError(404, "OTLP/HTTP is at /v1/traces, /v1/metrics and /v1/logs")
        return codec

    def _content_type(self) -> str:
        """Return the content type; anything but the two of OTLP is refused, which also keeps web pages from posting here."""
        given: str = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in (PROTOBUF, JSON):
            raise RequestError(415, f"Content-Type must be {PROTOBUF} or {JSON}")
        return given

    def _refuse(self, error: RequestError) -> None:
        """Answer with an error and end the connection, whose unread rest means nothing any more."""
        self.close_connection = True
        is_json = self.headers.get("content-type", "").startswith(JSON)
        body = json.dumps({"message": error.reason}).encode() if is_json else _status_message(error.reason)
        self._answer(error.status, JSON if is_json else PROTOBUF, body)
        self._discard()

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        """Send one answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if status == 405:  # noqa: PLR2004 - Method Not Allowed
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _discard(self) -> None:
        """Read what the sender still sends, within limits: closing on unread data would reset the connection before the answer is read."""
        deadline = time.monotonic() + _DISCARD_S
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DISCARD_S)
            left = _DISCARD_BYTES
            while left > 0 and time.monotonic() < deadline and (piece := self.connection.recv(65536)):
                left -= len(piece)


def _status_message(reason: str) -> bytes:
    """Return a ``google.rpc.Status`` with a message (field 2), whose package is no dependency of ours; up to 127 bytes of it."""
    text = reason.encode()[:127]
    return b"\x12" + bytes([len(text)]) + text
