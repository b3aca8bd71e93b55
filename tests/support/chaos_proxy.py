"""A proxy on loopback between an application and a real OTLP server, which does to each request what a seed says.

It speaks just enough HTTP to know where a request ends. What it passes on it passes on whole, so the server's own count is the truth; what
it answers itself never says that anything was taken.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from typing_extensions import Self

FAULTS: Final = (
    *("refuse", "hang", "reset", "reset the answer", "delay", "truncate", "garbage", "drip", "lose the answer", "drop half"),
    *("302", "400", "413", "429", "429 with patience", "500", "502", "503", "partial success", "close"),
)
"""What may happen to a request; ``refuse`` is for all at once."""

_RETRY_AFTER: Final = {"429 with patience": b"Retry-After: 1\r\n"}


@dataclass(frozen=True)
class Phase:
    """Some time with one fault, or none."""

    fault: str | None
    seconds: float


def schedule(seed: int, seconds: float) -> list[Phase]:
    """Return phases of a chaos that lasts so long: every fault in turn, in an order that the seed decides, with calm in between."""
    rng = random.Random(seed)
    phases: list[Phase] = []
    order: list[str] = []
    total = 0.0
    while total < seconds:
        if not order:
            order = list(FAULTS)
            rng.shuffle(order)
        phases += [Phase(order.pop(), rng.uniform(0.3, 1.5)), Phase(None, rng.uniform(0.1, 0.8))]
        total = sum(phase.seconds for phase in phases)
    return phases


class ChaosProxy:
    """See the module."""

    def __init__(self, upstream_port: int, *, seed: int = 0) -> None:
        self._upstream = upstream_port
        self._rng = random.Random(seed)
        self.fault: str | None = None
        """What is done now."""
        self.done: Counter[str] = Counter()
        """How many requests each fault has met; those passed on whole count as ``passed``."""
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.port = 0
        self._closing = False
        self._listen()

    @property
    def endpoint(self) -> str:
        """Base endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def play(self, phases: list[Phase]) -> None:
        """Go through phases, and end calm."""
        for phase in phases:
            self.become(phase.fault)
            time.sleep(phase.seconds)
        self.become(None)

    def become(self, fault: str | None) -> None:
        """Do this to every request from now on; requests that hang are let go."""
        before, self.fault = self.fault, fault
        if before in ("hang", "drip") or fault == "refuse":
            self._hang_up()
        if fault == "refuse":
            self._unlisten()
        elif self._listener is None:
            self._listen()

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _unlisten(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def _hang_up(self) -> None:
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(OSError, ConnectionError):
                while self._one(connection):
                    pass
        finally:
            with self._lock:
                self._open.discard(connection)

    def _one(self, connection: socket.socket) -> bool:
        """Deal with one request; False ends the connection."""
        request = _read(connection)
        if request is None:
            return False
        path, headers, body = request
        fault = self.fault
        self.done[fault or "passed"] += 1
        if fault is None or (fault == "drop half" and self._rng.random() < 0.5):
            connection.sendall(self._pass_on(path, headers, body))
            return True
        return self._spoil(connection, fault, path, headers, body)

    def _spoil(self, connection: socket.socket, fault: str, path: str, headers: dict[str, str], body: bytes) -> bool:
        if fault[:3].isdigit():
            status = fault[:3].encode()
            more = _RETRY_AFTER.get(fault, b"Location: http://127.0.0.1:1/\r\n" if status == b"302" else b"")
            connection.sendall(b"HTTP/1.1 " + status + b" Chaos\r\n" + more + b"Content-Length: 5\r\n\r\nchaos")
            return True
        if fault == "hang":
            while not self._closing and self.fault == "hang":
                time.sleep(0.05)
            return False
        if fault == "delay":
            time.sleep(self._rng.uniform(0.05, 0.6))
            connection.sendall(self._pass_on(path, headers, body))
            return True
        if fault == "garbage":
            connection.sendall(self._rng.randbytes(200))
            return False
        if fault in ("reset", "drop half"):
            _reset(connection)
            return False
        if fault == "close":
            connection.sendall(self._pass_on(path, headers, body))
            return False
        if fault == "partial success":
            self._pass_on(path, headers, body)
            answer = ExportTraceServiceResponse()
            answer.partial_success.rejected_spans = 1
            said = answer.SerializeToString()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
            return True
        return self._spoil_the_answer(connection, fault, self._pass_on(path, headers, body))

    def _spoil_the_answer(self, connection: socket.socket, fault: str, answer: bytes) -> bool:
        """Break what the server has said: it has taken the request."""
        if fault == "truncate":
            connection.sendall(answer[: self._rng.randrange(1, len(answer))])
        elif fault == "reset the answer":
            connection.sendall(answer[:10])
            _reset(connection)
        elif fault == "drip":
            for byte in answer:
                connection.sendall(bytes([byte]))
                time.sleep(0.02)
                if self.fault != "drip":
                    break
        return False  # "lose the answer" says nothing at all

    def _pass_on(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        upstream = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=10)
        try:
            upstream.request("POST", path, body=body, headers=headers)
            answer = upstream.getresponse()
            said = answer.read()
        finally:
            upstream.close()
        return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (answer.status, len(said)) + said

    def close(self) -> None:
        """Stop."""
        self._closing = True
        self._unlisten()
        self._hang_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _reset(connection: socket.socket) -> None:
    """End a connection by RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _read(connection: socket.socket) -> tuple[str, dict[str, str], bytes] | None:
    """Read one request to its end; None if the far side has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", 0))
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    kept = {name: value for name, value in headers.items() if name in ("content-type", "content-encoding")}
    return first.split()[1], kept, body
