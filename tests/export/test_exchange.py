"""Requests end by their deadline and answers cost little memory, whatever the server sends; header values are not spoken about."""

from __future__ import annotations

import gzip
import logging
import shutil
import ssl
import subprocess
import time
import tracemalloc
import zlib

import pytest
import requests
from hub_exporters import OtlpSettings, build, row, running
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.util.re import parse_env_headers
from raw_server import Flood, answering, dripping, listening, read_request

from langswarm_otel.export.hub import Target

pytestmark = pytest.mark.usefixtures("each_exporter")

MEBIBYTE = 1024 * 1024
REJECTION = ExportTraceServiceResponse(partial_success={"rejected_spans": 1, "error_message": "too old"}).SerializeToString()


def target(endpoint: str, timeout_s: float = 5.0) -> Target:
    """A target of spans."""
    spans = build("traces", OtlpSettings(url=f"{endpoint}/v1/traces", timeout_s=timeout_s))
    return Target(name=endpoint, spans=spans, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"200 OK\r\nContent-Length: 419430400", (1, {})),
        (b"200 OK", (1, {})),
        (b"400 Bad Request\r\nContent-Length: 419430400", (0, {"export_failed": 1})),
        (b"413 Too Large\r\nContent-Length: 419430400", (0, {"too_large": 1})),
        (b"302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 419430400", (0, {"export_failed": 1})),
    ],
    ids=["200", "200 until closed", "400", "413", "302"],
)
def test_a_huge_answer_is_not_read(head, expected):
    """Of an answer of hundreds of megabytes only the beginning is taken, and the status decides as ever."""
    flood = Flood(head)
    with listening(flood) as server, running(target(server.endpoint)) as (hub, source):
        source.spans("a")
        assert hub.flush(10.0) is (expected[0] == 1)
        assert (row(hub).exported, row(hub).dropped) == expected
    assert flood.sent < 32 * MEBIBYTE  # what the buffers of two sockets take


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_bomb_does_not_go_off(pack):
    """An answer that unpacks to a thousand times its size costs no memory; the request counts as the success that it was."""
    bomb = pack(b"\0" * 50 * MEBIBYTE)
    encoding = b"gzip" if pack is gzip.compress else b"deflate"
    serve = answering(b"200 OK\r\nContent-Encoding: " + encoding, bomb)
    with listening(serve) as server, running(target(server.endpoint)) as (hub, source):
        tracemalloc.start()
        try:
            source.spans("a")
            assert hub.flush(10.0)
            assert tracemalloc.get_traced_memory()[1] < 8 * MEBIBYTE
        finally:
            tracemalloc.stop()
        assert (row(hub).exported, row(hub).dropped) == (1, {})


@pytest.mark.parametrize(
    ("encoding", "body", "rejected"),
    [
        (b"identity", REJECTION, 1),
        (b"gzip", gzip.compress(REJECTION), 1),
        (b"deflate", zlib.compress(REJECTION), 1),
        (b"gzip", REJECTION, 0),
        (b"br", REJECTION, 0),
    ],
    ids=["plain", "gzip", "deflate", "no gzip", "brotli"],
)
def test_packed_answers_are_understood(encoding, body, rejected):
    """Partial success is read from packed answers too; what cannot be unpacked says nothing, and the connection is kept all the same."""
    with (
        listening(answering(b"200 OK\r\nContent-Encoding: " + encoding, body)) as server,
        running(target(server.endpoint)) as (hub, source),
    ):
        for _ in range(3):
            source.spans("a", "b")
            assert hub.flush(10.0) is not rejected
        assert row(hub).dropped.get("rejected", 0) == 3 * rejected
        assert server.accepted == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n",
    ],
    ids=["status", "headers", "body", "body without length", "chunk"],
)
def test_a_dripping_answer_is_too_late(answer):
    """A server that sends a byte every 50 ms does not hold the lane beyond the time of a request: it is a failure with a cause."""
    with listening(dripping(answer)) as server, running(target(server.endpoint, timeout_s=0.6)) as (hub, source):
        begin = time.monotonic()
        source.spans("a")
        assert not hub.flush(30.0)
        assert time.monotonic() - begin < 5.0
        account = row(hub)
        assert (account.state, account.dropped) == ("failing", {"export_failed": 1})
        assert account.last_error


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_over_tls(tmp_path, monkeypatch):
    """The same holds over TLS, whatever certificates the environment names: one connection for all, and what drips is too late."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", requests.certs.where())
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run([*command, *names], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    turn = [answering(b"200 OK"), dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")]

    def serve(connection):
        with context.wrap_socket(connection, server_side=True) as encrypted:
            turn[0](encrypted)

    with listening(serve) as server:
        url = f"{server.endpoint.replace('http:', 'https:')}/v1/traces"
        for _ in list(turn):
            exporter = build("traces", OtlpSettings(url=url, certificate_file=str(certificate), timeout_s=0.6))
            with running(Target(name="t", spans=exporter)) as (hub, source):
                for _ in range(2):
                    source.spans("a" * 100_000)
                    begin = time.monotonic()
                    assert hub.flush(30.0) is (len(turn) == 2)
                    assert time.monotonic() - begin < 5.0
                assert row(hub).dropped == ({} if len(turn) == 2 else {"export_failed": 2})
            assert server.accepted == 1 or len(turn) == 1
            turn.pop(0)


def test_a_dripping_refusal_is_a_refusal():
    """The status of an answer that is no success holds, even if its body never ends."""
    serve = dripping(b"HTTP/1.1 413 Too Large\r\nContent-Length: 60000\r\n\r\n")
    with listening(serve) as server, running(target(server.endpoint, timeout_s=0.6)) as (hub, source):
        source.spans("a")
        assert not hub.flush(30.0)
        assert row(hub).dropped == {"too_large": 1}


def test_shutdown_beside_a_dripping_answer():
    """The deadline of a shutdown holds while a server drips, and what was on its way is accounted for."""
    with listening(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as server, running(target(server.endpoint, timeout_s=30.0)) as (hub, source):
        source.spans("a", "b")
        begin = time.monotonic()
        assert not hub.shutdown(0.5)
        assert time.monotonic() - begin < 2.0
        assert row(hub).made == 2
        assert row(hub).exported == 0


@pytest.mark.parametrize("status", [b"429 Too Many Requests", b"502 Bad", b"503 Busy", b"504 Late"])
def test_a_busy_server_is_tried_again(status):
    """What may pass is tried again, after the time that the server asks for; the batch then arrives once."""
    asked = []

    def serve(connection):
        while True:
            read_request(connection)
            asked.append(time.monotonic())
            head = status + b"\r\nRetry-After: 1" if len(asked) == 1 else b"200 OK"
            connection.sendall(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")

    with listening(serve) as server, running(target(server.endpoint)) as (hub, source):
        source.spans("a")
        assert hub.flush(10.0)
        assert len(asked) == 2
        assert asked[1] - asked[0] >= 0.9
        assert (row(hub).exported, row(hub).dropped) == (1, {})


@pytest.mark.parametrize("head", [b"500 Oops", b"429 Busy\r\nRetry-After: 3600"])
def test_what_cannot_pass_in_time_is_final(head):
    """500 is not tried again, nor is a server that asks for more patience than the request has."""
    with listening(answering(head)) as server, running(target(server.endpoint)) as (hub, source):
        begin = time.monotonic()
        source.spans("a")
        assert not hub.flush(10.0)
        assert time.monotonic() - begin < 3.0
        assert row(hub).dropped == {"export_failed": 1}
        assert row(hub).last_error.startswith("HTTP " + head[:3].decode())


@pytest.mark.parametrize("value", ["authorization=Bearer SECRÉT", 'x-key="SECRET v"'])
@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_header_values_are_not_logged(monkeypatch, caplog, value, protocol):
    """The official constructors parse the variable again and would log what they do not understand; later the parser talks as before."""
    if protocol == "grpc":
        pytest.importorskip("grpc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", value)
    caplog.set_level(logging.DEBUG)
    for signal in ("traces", "metrics", "logs"):
        build(signal, OtlpSettings(url="http://127.0.0.1:9", protocol=protocol)).shutdown()
    assert "SECR" not in caplog.text
    parse_env_headers("not a header")
    assert "not a header" in caplog.text
