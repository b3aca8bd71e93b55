"""Our OTLP/HTTP exporters by themselves, against real sockets; what they do in a hub is in ``test_otlp_http.py`` and its neighbours."""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import socket
import struct
import threading
import time
import zlib
from email.utils import formatdate
from pathlib import Path

import pytest
from hub_exporters import OtlpSettings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from raw_server import answering, listening, read_request
from scripts import run

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export import sender
from langswarm_otel.export.breaker import Breaker
from langswarm_otel.export.otlp_http import HttpLogExporter, HttpMetricExporter, HttpSpanExporter
from langswarm_otel.export.sender import pack

DEAD = "http://127.0.0.1:9/v1/traces"


def ended_span(name: str = "a"):
    """An ended span of the SDK."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span(name)
    span.end()
    return span


def test_in_the_place_of_the_sdks_exporters(otlp_server):
    """The SDK's own processors and reader take them, with nothing else of ours."""
    base = f"{otlp_server.endpoint}/v1"
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(HttpSpanExporter(endpoint=f"{base}/traces", compression="gzip")))
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(BatchLogRecordProcessor(HttpLogExporter(endpoint=f"{base}/logs", compression="deflate")))
    meters = MeterProvider([PeriodicExportingMetricReader(HttpMetricExporter(endpoint=f"{base}/metrics"))], shutdown_on_exit=False)
    tracers.get_tracer("t").start_span("a").end()
    loggers.get_logger("t").emit(body="l")
    meters.get_meter("t").create_counter("c").add(2)
    for provider in (tracers, loggers, meters):
        assert provider.force_flush() is not False
        provider.shutdown()
    assert otlp_server.span_names() == ["a"]
    assert [record.body.string_value for record in otlp_server.log_records] == ["l"]
    assert {(name, point.as_int) for name, point in otlp_server.metric_points} == {("c", 2)}  # the reader's end exports once more
    assert all(request.headers["user-agent"].startswith("langswarm-otel/") for request in otlp_server.requests)


def test_encoded_ahead(otlp_server):
    """Records that were encoded one by one are sent as one request."""
    exporter = HttpSpanExporter(OtlpSettings(url=f"{otlp_server.endpoint}/v1/traces"))
    assert exporter.deliver_encoded([exporter.encode_one(ended_span(name)) for name in "abc"]).fault is None
    assert otlp_server.span_names() == ["a", "b", "c"]
    assert len(otlp_server.requests) == 1


def test_what_is_wrong_is_said_at_once():
    """An endpoint that is none, and a compression that nobody knows."""
    with pytest.raises(ConfigurationError, match="endpoint"):
        HttpSpanExporter(endpoint="collector:4318/v1/traces")
    with pytest.raises(ConfigurationError, match="compression"):
        HttpLogExporter(compression="zstd")


def test_headers_of_the_user_win(otlp_server):
    """In whatever case they are written; each is sent once."""
    exporter = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces", headers={"user-agent": "me", "X-Tenant": "t"})
    assert exporter.export([ended_span()]) is SpanExportResult.SUCCESS
    headers = otlp_server.requests[0].headers
    assert (headers["user-agent"], headers["x-tenant"], headers["content-type"]) == ("me", "t", "application/x-protobuf")


@pytest.mark.parametrize("value", ["SECRET\r\nx: y", "SECR\u20acT"])
def test_a_header_that_cannot_be_sent(value, caplog):
    """Is a failure whose cause does not quote it, is not tried again, and does not count against the endpoint."""
    breaker = Breaker(failures=1)
    exporter = HttpSpanExporter(endpoint=DEAD, headers={"authorization": value}, breaker=breaker)
    caplog.set_level(logging.DEBUG)
    delivery = exporter.deliver([ended_span()])
    assert (delivery.fault, delivery.again, breaker.state) == ("send", False, "closed")
    exporter.export([ended_span()])
    assert "SECR" not in delivery.cause + caplog.text


@pytest.mark.parametrize("status", [201, 202, 204, 206])
def test_only_200_is_a_success(otlp_server, status):
    """OTLP knows no other; what answers so is no OTLP receiver, and what it was sent has gone nowhere."""
    otlp_server.answer(status)
    delivery = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces").deliver([ended_span()])
    assert (delivery.fault, delivery.again) == ("send", False)
    assert delivery.cause.startswith(f"HTTP {status}")


def test_a_body_beyond_the_bound_is_never_sent(otlp_server, monkeypatch):
    """It is too large before it is packed, and nobody is asked."""
    monkeypatch.setattr(sender, "MAX_BODY_BYTES", 1000)
    exporter = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces", compression="gzip")
    assert exporter.deliver([ended_span("a" * 2000)]).fault == "too_large"
    assert otlp_server.requests == []
    assert exporter.deliver([ended_span("a" * 200)]).fault is None


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_packing(compression):
    """What is packed is what comes out, as one stream that everybody can read."""
    body = os.urandom(1000) + b"repeated " * 5000
    unpack = {"none": bytes, "gzip": gzip.decompress, "deflate": zlib.decompress}[compression]
    assert unpack(pack(body, compression)) == body


def cutting(after: int, answer: bytes = b"", *, reset: bool = False):
    """Return a server's side that cuts each connection after so many requests, perhaps in the middle of an answer."""
    asked = []

    def serve(connection):
        for _ in range(after):
            read_request(connection)
            asked.append(time.monotonic())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        if answer or reset:
            read_request(connection)
            asked.append(time.monotonic())
            connection.sendall(answer)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return serve, asked


def test_a_kept_connection_that_has_ended():
    """A connection that the server has closed meanwhile costs neither a pause nor a failure, whether that is seen before or after."""
    serve, asked = cutting(1)
    with listening(serve) as server:
        breaker = Breaker(failures=1)
        exporter = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces", breaker=breaker)
        begin = time.monotonic()
        assert [exporter.deliver([ended_span()]).fault for _ in range(5)] == [None] * 5
        assert time.monotonic() - begin < 0.8
        assert (len(asked), server.accepted, breaker.state) == (5, 5, "closed")


def test_a_kept_connection_that_is_reset_under_a_request():
    """The request is sent again at once, over a new connection."""
    turn = []

    def serve(connection):
        turn.append(connection)
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        read_request(connection)
        if len(turn) == 1:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with listening(serve) as server:
        exporter = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces")
        begin = time.monotonic()
        assert [exporter.deliver([ended_span()]).fault for _ in range(3)] == [None] * 3
        assert time.monotonic() - begin < 0.8
        assert server.accepted == 2


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["nothing", "status", "headers"])
def test_reset_in_the_middle(answer):
    """A server that resets each connection is tried again until the time is up, and may be sent the same later."""
    serve, asked = cutting(0, answer, reset=True)
    with listening(serve) as server:
        delivery = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces", timeout_s=0.5).deliver([ended_span()])
        assert (delivery.fault, delivery.again) == ("send", True)
        assert len(asked) == 2  # once more, since it may have been a connection that had ended


@pytest.mark.parametrize(
    "answer",
    [
        b"Content-Length: 50\r\n\r\nshort",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nsh",
        b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f",
    ],
    ids=["length", "chunk", "packed"],
)
def test_a_truncated_success_is_none(answer):
    """It may have been taken, so that it is neither a success nor sent again."""
    serve, asked = cutting(0, b"HTTP/1.1 200 OK\r\n" + answer)
    with listening(serve) as server:
        delivery = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces").deliver([ended_span()])
    assert (delivery.fault, delivery.again, len(asked)) == ("send", False, 1)
    assert delivery.cause.startswith("HTTP 200 OK, but the answer broke off")


def test_retry_after_as_a_date():
    """A date is waited for."""
    asked = []

    def serve(connection):
        while True:
            read_request(connection)
            asked.append(time.time())
            until = formatdate(time.time() + 2, usegmt=True).encode()
            head = b"503 Busy\r\nRetry-After: " + until if len(asked) == 1 else b"200 OK"
            connection.sendall(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")

    with listening(serve) as server:
        exporter = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces")
        exporter.insist()
        threading.Timer(0.3, exporter.insist).start()  # a pause that was asked for is kept
        assert exporter.deliver([ended_span()]).fault is None
    assert asked[1] - asked[0] >= 0.9


def test_abort_breaks_a_pause():
    """From another thread, at once, and nothing is sent afterwards."""
    exporter = HttpSpanExporter(endpoint=DEAD, timeout_s=60.0)
    threading.Timer(0.3, exporter.abort).start()
    begin = time.monotonic()
    delivery = exporter.deliver([ended_span()])
    assert time.monotonic() - begin < 5.0
    assert (delivery.fault, delivery.again) == ("send", True)
    assert "refused" in delivery.cause.lower()
    assert exporter.deliver([ended_span()]).cause == "shut down"
    exporter.shutdown()


def test_whoever_waits_ends_a_pause_early():
    """A flush during the pause before a retry finds out at once that the endpoint is back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    exporter = HttpSpanExporter(endpoint=f"http://127.0.0.1:{port}/v1/traces", timeout_s=60.0)
    found = []
    thread = threading.Thread(target=lambda: found.append(exporter.deliver([ended_span()])))
    thread.start()
    while exporter.trouble is None:
        time.sleep(0.01)
    time.sleep(0.1)  # into the pause

    def serve() -> None:
        with contextlib.suppress(OSError), server.accept()[0] as connection:
            answering(b"200 OK")(connection)

    with socket.create_server(("127.0.0.1", port)) as server:
        threading.Thread(target=serve, daemon=True).start()
        exporter.insist()
        thread.join(10)
        assert [delivery.fault for delivery in found] == [None]


def test_without_retries_the_first_failure_is_final():
    """Where nobody could break a pause, there is none."""
    exporter = HttpSpanExporter(endpoint=DEAD, timeout_s=60.0)
    exporter.hurry(time.monotonic() + 30.0, may_retry=False)
    begin = time.monotonic()
    assert exporter.deliver([ended_span()]).fault == "send"
    assert time.monotonic() - begin < 5.0


def test_an_endpoint_that_is_left_alone_is_not_asked(otlp_server):
    """While the circuit is open a batch fails at once and may come again; who insists is let through, and closes it."""
    breaker = Breaker(failures=1, first_open_s=600.0, longest_open_s=600.0)
    exporter = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces", breaker=breaker)
    otlp_server.answer(503, {"retry-after": "3600"})
    assert exporter.deliver([ended_span()]).again
    assert breaker.state == "open"
    otlp_server.healthy()
    delivery = exporter.deliver([ended_span()])
    assert (delivery.fault, delivery.again, len(otlp_server.requests)) == ("send", True, 1)
    assert "HTTP 503" in delivery.cause
    exporter.insist()
    assert exporter.deliver([ended_span()]).fault is None
    assert breaker.state == "closed"


@pytest.mark.parametrize(
    ("status", "state"), [(400, "closed"), (401, "closed"), (404, "closed"), (413, "closed"), (500, "open"), (503, "open")]
)
def test_what_counts_as_not_reached(otlp_server, status, state):
    """Refusals come from an endpoint that works; server errors from one that does not."""
    otlp_server.answer(status)
    breaker = Breaker()
    exporter = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces", breaker=breaker, timeout_s=0.3)
    for _ in range(3):
        assert exporter.deliver([ended_span()]).fault is not None
    assert breaker.state == state


def test_a_hurried_request_says_nothing_about_the_endpoint():
    """That a flush had less patience than the endpoint is slow is not the endpoint's failure."""
    with listening(lambda connection: time.sleep(5)) as server:
        breaker = Breaker(failures=1)
        exporter = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces", breaker=breaker)
        exporter.hurry(time.monotonic() + 0.2)
        assert exporter.deliver([ended_span()]).fault == "send"
        assert breaker.state == "closed"


def test_failures_are_told_once(caplog):
    """Used alone, there is no ``health()``: a line for each cause in a row."""
    exporter = HttpSpanExporter(endpoint=DEAD, timeout_s=0.2)
    for _ in range(3):
        assert exporter.export([ended_span()]) is SpanExportResult.FAILURE
    lines = [record.getMessage() for record in caplog.records if record.name == "langswarm_otel"]
    assert len(lines) == 1
    assert "traces could not be exported" in lines[0]


def test_mutual_tls(certificate):
    """Our certificate is shown to whom asks; without it there is no answer."""
    with certificate.serving(answering(b"200 OK"), wants_ours=True) as server:
        options = {"endpoint": f"{server.endpoint}/v1/traces", "certificate_file": certificate.file, "timeout_s": 0.8}
        ours = HttpSpanExporter(client_certificate_file=certificate.file, client_key_file=certificate.key, **options)
        assert ours.deliver([ended_span()]).fault is None
        assert HttpSpanExporter(**options).deliver([ended_span()]).fault == "send"


def test_a_renewed_certificate(certificate, tmp_path):
    """A file of authorities that is written anew while the exporter lives is read anew by its next connection."""
    (tmp_path / "renewed").mkdir()
    renewed, trusted = type(certificate)(tmp_path / "renewed"), tmp_path / "trusted.pem"
    trusted.write_bytes(Path(certificate.file).read_bytes())
    with renewed.serving(answering(b"200 OK")) as server:
        exporter = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces", certificate_file=str(trusted), timeout_s=0.8)
        assert exporter.deliver([ended_span()]).fault == "send"
        trusted.write_bytes(Path(renewed.file).read_bytes())
        assert exporter.deliver([ended_span()]).fault is None


def test_a_certificate_of_nobody(certificate):
    """Of the system's authorities none vouches for it."""
    with certificate.serving(answering(b"200 OK")) as server:
        delivery = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces", timeout_s=0.5).deliver([ended_span()])
    assert delivery.fault == "send"
    assert "SSL" in delivery.cause


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_has_a_connection_of_its_own(otlp_server):
    """The parent's connection is neither used nor closed by a child, even if nobody tells the exporter of the fork."""
    exporter = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces")
    assert exporter.deliver([ended_span("before")]).fault is None
    child = os.fork()
    if child == 0:
        fault = "raised"
        with contextlib.suppress(BaseException):
            fault = exporter.deliver([ended_span("child")]).fault
            exporter.shutdown()
        os._exit(0 if fault is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert exporter.deliver([ended_span("after")]).fault is None
    assert sorted(otlp_server.span_names()) == ["after", "before", "child"]


def test_several_threads(otlp_server):
    """The SDK's simple processors export in whatever thread ends a span."""
    exporter = HttpSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces")
    faults = []

    def work() -> None:
        faults.extend(exporter.deliver([ended_span()]).fault for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert faults == [None] * 160
    assert len(otlp_server.spans) == 160


LIGHT = """
    import sys
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="light", endpoint=sys.argv[1], log_output="none")
    with obs.agent("a", provider="openai", model="gpt-4o"), obs.tool("t"):
        obs.log.info("line", number=1)
    print("flushed", obs.flush(10))
    print("heavy", [name for name in ("google.protobuf", "requests", "opentelemetry.exporter.otlp") if name in sys.modules])
"""


def test_neither_protobuf_nor_requests(otlp_server):
    """A program that has configured us and sent all three signals has loaded neither."""
    ended = run(LIGHT, otlp_server.endpoint)
    assert "flushed True" in ended.stdout, ended.stderr
    assert "heavy []" in ended.stdout
    assert {request.signal for request in otlp_server.requests} == {"traces", "metrics", "logs"}


def test_what_is_sent_is_protobuf():
    """The far side decodes it with OpenTelemetry's own classes."""
    bodies = []

    def serve(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, body = data.split(b"\r\n\r\n", 1)
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1])
        while len(body) < length:
            body += connection.recv(65536)
        bodies.append(body)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with listening(serve) as server:
        assert HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces").deliver([ended_span("a")]).fault is None
    (message,) = map(ExportTraceServiceRequest.FromString, bodies)
    assert message.resource_spans[0].scope_spans[0].spans[0].name == "a"
