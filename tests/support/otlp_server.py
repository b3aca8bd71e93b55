"""A real OTLP/HTTP server on loopback that decodes with ``opentelemetry-proto``: the far side of the tests, sharing no code with ours.

    with OtlpServer() as server:
        configure_observability(endpoint=server.endpoint)
        ...
        assert server.span_names() == ["chat gpt-4o"]

Its behaviour can change while it runs: ``healthy()``, ``refuse()`` (nothing listens), ``hang()`` (accepts, never answers), ``slow(s)``,
``answer(status)``.
"""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from typing_extensions import Self

_REQUESTS = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest, "logs": ExportLogsServiceRequest}
_RESPONSES = {"traces": ExportTraceServiceResponse, "metrics": ExportMetricsServiceResponse, "logs": ExportLogsServiceResponse}


@dataclass(frozen=True)
class Request:
    """One request that arrived."""

    signal: str
    message: Any
    """The decoded protobuf request."""
    path: str
    headers: dict[str, str]
    """With lower-case names."""
    wire_bytes: int
    at: float
    """``time.monotonic()`` of its arrival."""
    status: int
    """What was answered; requests that were never answered have 0."""


def plain(value: Any) -> Any:
    """Return an ``AnyValue`` as a Python value."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    return getattr(value, kind)


def attributes(pairs: Any) -> dict[str, Any]:
    """Return repeated ``KeyValue`` as a dict."""
    return {pair.key: plain(pair.value) for pair in pairs}


class OtlpServer:
    """See the module."""

    def __init__(self, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.requests: list[Request] = []
        """Every request that could be decoded, in order of arrival, those refused or left unanswered included."""
        self._status, self._delay_s, self._headers, self._body = 200, 0.0, {}, None
        self._hanging = False
        self._release = threading.Event()
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._connections: set[socket.socket] = set()
        self.port = 0
        self._listen()

    @property
    def endpoint(self) -> str:
        """Base endpoint, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    # What it does from now on.

    def healthy(self) -> None:
        """Answer every request with 200 at once; listen again after ``refuse``."""
        self._become(200)

    def answer(self, status: int, headers: dict[str, str] | None = None, body: Any = None) -> None:
        """Answer every request with this status, these headers, and this protobuf message as body."""
        self._become(status, headers=headers, body=body)

    def slow(self, delay_s: float) -> None:
        """Answer with 200 after a delay."""
        self._become(200, delay_s=delay_s)

    def hang(self) -> None:
        """Accept connections and never answer."""
        self._become(200, hanging=True)

    def refuse(self) -> None:
        """Stop listening and end open connections; the port stays reserved for ``healthy``."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._release.set()

    def close(self) -> None:
        """Stop for good."""
        self.refuse()

    def _become(self, status: int, *, delay_s: float = 0.0, hanging: bool = False, headers=None, body=None) -> None:
        self._status, self._delay_s, self._hanging, self._headers, self._body = status, delay_s, hanging, dict(headers or {}), body
        if hanging:
            self._release = threading.Event()
        else:
            self._release.set()
        if self._server is None:
            self._listen()

    def _listen(self) -> None:
        server = ThreadingHTTPServer((self.host, self.port), _handler_of(self), bind_and_activate=False)
        if ":" in self.host:
            server.socket.close()
            server.address_family = socket.AF_INET6
            server.socket = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        server.daemon_threads = True
        server.block_on_close = False
        server.request_queue_size = 128
        server.server_bind()
        server.server_activate()
        self.port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="otlp-server", daemon=True).start()

    # What arrived.

    def messages(self, signal: str) -> list[Any]:
        """Return the decoded requests of one signal that were answered with 200."""
        return [request.message for request in list(self.requests) if request.signal == signal and request.status == 200]

    @property
    def spans(self) -> list[Any]:
        """Every accepted span, as protobuf."""
        return [
            span
            for message in self.messages("traces")
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def log_records(self) -> list[Any]:
        """Every accepted log record, as protobuf."""
        return [
            record
            for message in self.messages("logs")
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    @property
    def metrics(self) -> list[Any]:
        """Every accepted metric, as protobuf; one for each request that carried it."""
        return [
            metric
            for message in self.messages("metrics")
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    @property
    def metric_points(self) -> list[tuple[str, Any]]:
        """Every accepted data point, with the name of its metric."""
        return [(metric.name, point) for metric in self.metrics for point in getattr(metric, metric.WhichOneof("data")).data_points]

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Resource attributes of every accepted request."""
        found = []
        for signal, field in (("traces", "resource_spans"), ("metrics", "resource_metrics"), ("logs", "resource_logs")):
            for message in self.messages(signal):
                found.extend(attributes(one.resource.attributes) for one in getattr(message, field))
        return found

    def span_names(self) -> list[str]:
        """Return the names of the accepted spans, in order of arrival."""
        return [span.name for span in self.spans]

    def wait_until(self, condition: Callable[[OtlpServer], bool], timeout_s: float = 10.0) -> bool:
        """Wait until a condition holds for what has arrived; False if it does not within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self), timeout_s)

    def wait_for(self, *, spans: int = 0, log_records: int = 0, metric_points: int = 0, requests: int = 0, timeout_s: float = 10.0) -> bool:
        """Wait until at least so many have arrived; False if they do not within the time."""
        return self.wait_until(
            lambda server: (
                len(server.spans) >= spans
                and len(server.log_records) >= log_records
                and len(server.metric_points) >= metric_points
                and len(server.requests) >= requests
            ),
            timeout_s,
        )

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        raw = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        encoding = handler.headers.get("content-encoding", "identity")
        data = {"gzip": gzip.decompress, "deflate": zlib.decompress, "identity": bytes}[encoding](raw)
        signal = handler.path.rsplit("/", 1)[-1]
        if signal not in _REQUESTS:
            handler.send_response(404)
            handler.send_header("content-length", "0")
            handler.end_headers()
            return
        message = _REQUESTS[signal].FromString(data)
        hanging, release, status = self._hanging, self._release, self._status
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(signal, message, handler.path, headers, len(raw), time.monotonic(), 0 if hanging else status)
        if self._delay_s:
            time.sleep(self._delay_s)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        if hanging:
            release.wait(120)
            handler.close_connection = True
            return
        body = (self._body if self._body is not None else _RESPONSES[signal]()).SerializeToString()
        handler.send_response(status)
        for name, value in {"content-type": "application/x-protobuf", **self._headers}.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _handler_of(server: OtlpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 120

        def setup(self):
            super().setup()
            server._connections.add(self.connection)

        def finish(self):
            server._connections.discard(self.connection)
            with contextlib.suppress(OSError):
                super().finish()

        def handle(self):
            with contextlib.suppress(ConnectionError):
                super().handle()

        def do_POST(self):
            try:
                server._take(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *arguments):
            pass

    return Handler
