"""The HTTP server that takes OTLP requests in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.receiver.decode import load_codecs
from langswarm_otel.receiver.handler import OtlpHandler
from langswarm_otel.receiver.store import RecordStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from langswarm_otel.receiver.decode import Codec
    from langswarm_otel.receiver.records import MetricPoint, ReceivedLog, ReceivedSpan

_MIB: Final = 1024 * 1024
_CLOSE_S: Final = 2.0
_MAX_CONNECTIONS: Final = 64


class OtlpReceiver:
    """Receives spans, metric points and log records over OTLP/HTTP, protobuf or JSON, and keeps them.

    Use it as a context manager; it listens from ``__enter__`` to ``__exit__``. What arrived stays readable afterwards. Garbage is answered
    with 400 and stops nothing. All members may be used from any thread.

    Args:
        host: address to listen on; whoever can reach it can fill the memory up to ``max_bytes``, hence the loopback default.
        port: port to listen on; 0 takes a free one.
        max_body_bytes: largest request, packed and unpacked alike; a larger one is answered with 413.
        max_bytes: bound of what is kept, in decoded request bytes; the oldest requests give way.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, *, max_body_bytes: int = 16 * _MIB, max_bytes: int = 64 * _MIB) -> None:
        self._host = host
        self._port = port
        self._max_body_bytes = max_body_bytes
        self._store = RecordStore(max_bytes)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to listen.

        Raises:
            ModuleNotFoundError: ``opentelemetry-proto`` is not installed; names the extra.
            ConfigurationError: the address cannot be listened on.
        """
        if self._server is not None:
            return self
        codecs = load_codecs()
        try:
            self._server = _Server((self._host, self._port), codecs, self._store, self._max_body_bytes)
        except (OSError, OverflowError) as error:
            raise ConfigurationError("port", self._port, f"cannot listen on {self._host} ({error}); use 0 for a free port") from error
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="langswarm-otel-receiver", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop listening and close every connection; may be called again."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        server.server_close()
        self._thread.join(_CLOSE_S)

    @property
    def endpoint(self) -> str:
        """Base endpoint for exporters, such as ``http://127.0.0.1:43210``."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def spans(self) -> tuple[ReceivedSpan, ...]:
        """Spans in the order they arrived."""
        return cast("tuple[ReceivedSpan, ...]", self._store.records("traces"))

    @property
    def metric_points(self) -> tuple[MetricPoint, ...]:
        """Metric data points in the order they arrived, every export of a series."""
        return cast("tuple[MetricPoint, ...]", self._store.records("metrics"))

    @property
    def log_records(self) -> tuple[ReceivedLog, ...]:
        """Log records in the order they arrived."""
        return cast("tuple[ReceivedLog, ...]", self._store.records("logs"))

    @property
    def evicted(self) -> int:
        """How many records gave way because ``max_bytes`` was reached."""
        return self._store.evicted

    def clear(self) -> None:
        """Forget what arrived."""
        self._store.clear()

    def wait_for(self, condition: Callable[[OtlpReceiver], bool], timeout_s: float) -> bool:
        """Wait until a condition on what arrived holds, and say whether it does."""
        return self._store.wait_for(lambda: condition(self), timeout_s)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread a connection, a bounded number of connections, all of which end with the server.

    Not ``http.server.HTTPServer``, which looks up the name of the host when it binds and can take seconds over it.
    """

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], codecs: dict[str, Codec], store: RecordStore, max_body_bytes: int) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.codecs = codecs
        self.store = store
        self.max_body_bytes = max_body_bytes
        self._open: dict[Any, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(address, OtlpHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or drop it when there are too many."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), name="langswarm-otel-receiver-connection", daemon=True
        )
        with self._lock:
            accepted = len(self._open) < _MAX_CONNECTIONS
            if accepted:
                self._open[request] = thread
        if accepted:
            thread.start()
        else:
            self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection that has ended."""
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the signature of socketserver
        """Count what went wrong; a sender that went away is nothing wrong."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            guard.record_fault("receiver", error)

    def server_close(self) -> None:
        """Close the listening socket and end every connection, idle and busy ones."""
        super().server_close()
        with self._lock:
            still_open = tuple(self._open.items())
        for connection, _ in still_open:
            with contextlib.suppress(OSError):  # it ended meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _CLOSE_S
        for _, thread in still_open:
            thread.join(max(deadline - time.monotonic(), 0))
