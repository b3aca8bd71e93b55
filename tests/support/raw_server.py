"""A server on loopback that says what it is told, byte by byte: for answers that no proper HTTP server gives."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Serve = Callable[[socket.socket], None]


def read_request(connection: socket.socket) -> None:
    """Read one HTTP request to its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or _hung_up()
    head, body = data.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += connection.recv(65536) or _hung_up()


def _hung_up() -> bytes:
    raise ConnectionError


def answering(head: bytes, body: bytes = b"") -> Serve:
    """Return a server's side that answers every request on a connection alike."""

    def serve(connection: socket.socket) -> None:
        while True:
            read_request(connection)
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (head, len(body)) + body)

    return serve


def dripping(answer: bytes, pause_s: float = 0.05) -> Serve:
    """Return a server's side that sends an answer at once and then a byte now and then, for ever."""

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(answer)
        while True:
            connection.sendall(b"x")
            time.sleep(pause_s)

    return serve


@dataclass
class Flood:
    """A server's side that answers with a head and then as many bytes as anybody takes; it counts them."""

    head: bytes
    most: int = 256 * 1024 * 1024
    sent: int = 0
    chunk: bytes = field(default=b"\0" * 65536, repr=False)

    def __call__(self, connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 %s\r\n\r\n" % self.head)
        while self.sent < self.most:
            connection.sendall(self.chunk)
            self.sent += len(self.chunk)


@dataclass
class Listener:
    """What is known of a server."""

    endpoint: str
    accepted: int = 0
    """Connections so far."""


@contextlib.contextmanager
def listening(serve: Serve) -> Iterator[Listener]:
    """Listen on loopback, with a thread for each connection."""
    server = socket.create_server(("127.0.0.1", 0))
    listener = Listener(f"http://127.0.0.1:{server.getsockname()[1]}")

    def handle(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = server.accept()[0]
                listener.accepted += 1
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with server:
        yield listener
