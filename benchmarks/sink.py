"""The OTLP/HTTP sink: a process of its own that answers 200 at once, keeps the bodies, and decodes them when it is asked what arrived.

Run as ``python -m benchmarks.sink``; it prints one JSON line with its three endpoints: ``healthy`` answers, ``hanging`` accepts and never
answers, ``refused`` is bound and does not listen. ``GET /arrived`` returns what arrived since the last ``GET /forget``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from dataclasses import dataclass, field

from benchmarks import decoding

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n"


@dataclass
class Store:
    """What has arrived since it was emptied."""

    bodies: list[tuple[str, str, bytes]] = field(default_factory=list)
    cpu_at_start: float = 0.0

    def forget(self) -> None:
        """Start anew."""
        self.bodies.clear()
        self.cpu_at_start = time.process_time()

    def arrived(self) -> dict[str, object]:
        """Decode and count; the CPU is that of receiving alone."""
        cpu_s = time.process_time() - self.cpu_at_start
        return decoding.count(self.bodies) | {"sink_cpu_s": cpu_s}


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, each with its content length."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._buffer = bytearray()
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) < self._missing:
            return
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            request_line, *lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            total = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < total:
                self._missing = total
                return
            body = bytes(self._buffer[end + 4 : total])
            del self._buffer[:total]
            self._missing = 0
            self._answer(request_line.split(" ")[1], headers.get("content-encoding", ""), body)

    def _answer(self, path: str, encoding: str, body: bytes) -> None:
        if path == "/forget":
            self._store.forget()
        elif path == "/arrived":
            answer = json.dumps(self._store.arrived()).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
            return
        else:
            self._store.bodies.append((path, encoding, body))
        self._transport.write(_ANSWER)


async def serve() -> None:
    """Listen until the standard input is closed, which is when the benchmark is over or dead."""
    store = Store()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(store), "127.0.0.1", 0, backlog=512)
    hanging = socket.create_server(("127.0.0.1", 0), backlog=512)
    refused = socket.socket()
    refused.bind(("127.0.0.1", 0))
    addresses = {"healthy": server.sockets[0].getsockname(), "hanging": hanging.getsockname(), "refused": refused.getsockname()}
    print(json.dumps({name: f"http://{host}:{port}" for name, (host, port) in addresses.items()}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
