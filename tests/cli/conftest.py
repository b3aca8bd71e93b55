"""Servers that are set up wrongly, each in its own way, for the doctor to find out about."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """What the developer's shell says about OTLP, proxies and the terminal stays outside."""
    import os

    for name in list(os.environ):
        if name.startswith(("OTEL_", "LANGSWARM_OTEL_")) or name.lower() in (
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "no_proxy",
            "columns",
        ):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for localhost and 127.0.0.1: paths of the certificate and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", folder / "key.pem", "-out", folder / "certificate.pem"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
        *names,
        *files,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return folder / "certificate.pem", folder / "key.pem"


@contextlib.contextmanager
def raw_server(answer, wrap=None):
    """Yield the port of a server whose connections are handed to a function."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=handle, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    def handle(connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(20)
            if wrap is None:
                answer(connection)
            else:
                with wrap(connection) as encrypted:
                    answer(encrypted)

    acceptor = threading.Thread(target=serve, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


def answering(status_line, headers="", body=b""):
    """Return a function that reads one request and gives one answer."""

    def answer(connection):
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(65536)
            if not piece:
                return
            received += piece
        connection.sendall(f"HTTP/1.1 {status_line}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    return answer


@pytest.fixture
def http_server():
    """Start servers that answer every request with one answer, given as status line, headers and body; returns the port."""
    with contextlib.ExitStack() as stack:
        yield lambda status_line, headers="", body=b"": stack.enter_context(raw_server(answering(status_line, headers, body)))


@pytest.fixture
def silent_server():
    """A server that accepts and never answers."""
    released = threading.Event()
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(raw_server(lambda connection: released.wait(20)))
        stack.callback(released.set)
        yield port


@pytest.fixture
def dripping_server():
    """A server that begins an answer and then sends a byte at a time, for ever."""
    released = threading.Event()

    def drip(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not released.wait(0.1):
            connection.sendall(b"x")

    with contextlib.ExitStack() as stack:
        port = stack.enter_context(raw_server(drip))
        stack.callback(released.set)
        yield port


@pytest.fixture
def tls_server(certificate):
    """Start a server that speaks TLS and answers 200 to every request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with raw_server(answering("200 OK"), lambda connection: context.wrap_socket(connection, server_side=True)) as port:
        yield port


@pytest.fixture
def grpc_server():
    """Start gRPC servers that take the given signals; returns the port."""
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
    from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
    from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces

    services = {
        "traces": ("opentelemetry.proto.collector.trace.v1.TraceService", traces.ExportTraceServiceResponse),
        "metrics": ("opentelemetry.proto.collector.metrics.v1.MetricsService", metrics.ExportMetricsServiceResponse),
        "logs": ("opentelemetry.proto.collector.logs.v1.LogsService", logs.ExportLogsServiceResponse),
    }
    with contextlib.ExitStack() as stack:

        def start(*signals):
            server = grpc.server(ThreadPoolExecutor(2))
            for signal in signals:
                name, response = services[signal]
                handler = grpc.unary_unary_rpc_method_handler(lambda request, context, answer=response: answer().SerializeToString())
                server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": handler}),))
            port = server.add_insecure_port("127.0.0.1:0")
            server.start()
            stack.callback(lambda: server.stop(0).wait(5))
            return port

        yield start


@pytest.fixture
def closed_port():
    """A port that nothing listens on, kept from being taken meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
