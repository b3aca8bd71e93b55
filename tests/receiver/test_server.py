"""How the receiver answers, what it refuses, what it keeps, and that it ends cleanly."""

from __future__ import annotations

import gzip
import json
import socket
import subprocess
import sys
import threading
import zlib

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.receiver import OtlpReceiver


def span_request(*names):
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for name in names:
        spans.add(name=name, trace_id=b"t" * 16, span_id=b"s" * 8)
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("path", "response"),
    [("/v1/traces", ExportTraceServiceResponse), ("/v1/metrics", ExportMetricsServiceResponse), ("/v1/logs", ExportLogsServiceResponse)],
)
def test_an_empty_request_is_a_full_success(sender, path, response):
    """What ``doctor`` sends to each signal is answered with that signal's response message and no partial success."""
    status, headers, body = sender.post(path, b"")
    assert (status, headers["content-type"]) == (200, "application/x-protobuf")
    assert not response.FromString(body).HasField("partial_success")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bytes])
def test_each_encoding_is_unpacked(receiver, sender, pack):
    """gzip, deflate (zlib) and identity."""
    encoding = {gzip.compress: "gzip", zlib.compress: "deflate", bytes: "identity"}[pack]
    assert sender.post("/v1/traces", pack(span_request("a")), content_encoding=encoding)[0] == 200
    assert [span.name for span in receiver.spans] == ["a"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/traces", 405),
        ("PUT", "/v1/metrics", 405),
        ("HEAD", "/v1/logs", 405),
        ("GET", "/", 404),
        ("POST", "/", 404),
        ("POST", "/v1/traces/", 404),
        ("POST", "/v1/profiles", 404),
        ("OPTIONS", "/v1/traces", 405),
        ("BREW", "/v1/traces", 501),
    ],
)
def test_other_paths_and_methods_are_refused(receiver, sender, method, path, status):
    """404 elsewhere, 405 with Allow for other methods, no answer that lets a web page in."""
    got, headers, _ = sender.request(method, path, b"", content_type="application/x-protobuf")
    assert got == status
    assert headers["allow"] == ("POST" if status == 405 else None)
    assert headers["access-control-allow-origin"] is None
    assert receiver.spans == ()


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/x-www-form-urlencoded", "application/grpc"])
def test_other_content_types_are_refused(sender, content_type):
    """A web page can post these without asking; a gRPC client learns that this is HTTP."""
    assert sender.post("/v1/traces", span_request("a"), content_type)[0] == 415


GARBAGE = {
    "random bytes": (b"\xff\xfe\xfd", "application/x-protobuf", ""),
    "text": (b"hello", "application/x-protobuf", ""),
    "not json": (b"{", "application/json", ""),
    "json of another shape": (b'{"resourceSpans": 3}', "application/json", ""),
    "json list": (b"[]", "application/json", ""),
    "ids that are not hex": (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz"}]}]}]}', "application/json", ""),
    "ids that are numbers": (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":5}]}]}]}', "application/json", ""),
    "lone surrogate": (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"\\ud800"}]}]}]}', "application/json", ""),
    "deep json": (b"[" * 100_000, "application/json", ""),
    "not gzip": (b"hello", "application/x-protobuf", "gzip"),
    "gzip cut off": (gzip.compress(b"x" * 1000)[:-9], "application/x-protobuf", "gzip"),
    "gzip and a rest": (gzip.compress(b"") + b"x", "application/x-protobuf", "gzip"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_answered_with_400_and_stops_nothing(receiver, sender, what):
    """Nothing of it is kept, no fault is counted, the next request is taken; the answer is a Status that says why."""
    body, content_type, encoding = GARBAGE[what]
    before = guard.faults()
    status, headers, answer = sender.post("/v1/traces", body, content_type, content_encoding=encoding)
    assert (status, headers["content-type"], receiver.spans) == (400, content_type, ())
    if content_type == "application/json":
        assert "body" in json.loads(answer)["message"]
    else:
        assert b"body" in answer[2:]
        assert answer[:2] == bytes([0x12, len(answer) - 2])
    assert sender.post("/v1/traces", span_request("next"))[0] == 200
    assert guard.faults() == before


def test_a_deeply_nested_value_is_refused_not_fatal(sender):
    """Protobuf bounds the depth of nested values; what passes it decodes."""
    request = ExportLogsServiceRequest()
    value = request.resource_logs.add().scope_logs.add().log_records.add().body
    for _ in range(20):
        value = value.array_value.values.add()
    value.string_value = "deep"
    assert sender.post("/v1/logs", request.SerializeToString())[0] == 200
    for _ in range(200):
        value = value.array_value.values.add()
    assert sender.post("/v1/logs", request.SerializeToString())[0] == 400


def test_bodies_are_bounded_packed_and_unpacked(sender_to):
    """413 for a body beyond the limit, by its length, by chunks and after unpacking; the sender gets to read the answer."""
    with OtlpReceiver(max_body_bytes=100_000) as small:
        sender = sender_to(small.endpoint)
        assert sender.post("/v1/traces", b"x" * 20_000_000)[0] == 413
        assert sender.post("/v1/traces", iter([b"x" * 60_000] * 3), transfer_encoding="chunked")[0] == 413
        assert sender.post("/v1/traces", gzip.compress(b"\0" * 50_000_000), content_encoding="gzip")[0] == 413
        assert sender.post("/v1/traces", b"", content_length="9" * 5000)[0] == 413
        assert sender.post("/v1/traces", gzip.compress(span_request("x" * 90_000)), content_encoding="gzip")[0] == 200


def test_chunked_bodies_are_read(receiver, sender):
    """Senders that stream their requests are understood."""
    whole = span_request("chunked")
    assert sender.post("/v1/traces", iter([whole[:10], whole[10:]]), transfer_encoding="chunked")[0] == 200
    assert [span.name for span in receiver.spans] == ["chunked"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("", 411),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: x\r\n", 400),
        ("Content-Length: 5\r\nContent-Encoding: br\r\n", 415),
        ("Transfer-Encoding: chunked\r\n", 400),
    ],
)
def test_senseless_framing_is_refused(receiver, headers, status):
    """Each framing that HTTP libraries would not send gets its own answer."""
    with socket.create_connection(("127.0.0.1", int(receiver.endpoint.rsplit(":", 1)[1])), timeout=10) as raw:
        raw.sendall(f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n{headers}\r\nhello\r\n".encode())
        assert raw.recv(1000).split()[1] == str(status).encode()


def test_connections_are_kept_for_the_next_request(receiver):
    """Exporters send every batch over one connection."""
    with socket.create_connection(("127.0.0.1", int(receiver.endpoint.rsplit(":", 1)[1])), timeout=10) as raw:
        for name in ("first", "second"):
            body = span_request(name)
            head = f"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: {len(body)}\r\n\r\n"
            raw.sendall(head.encode() + body)
            assert raw.recv(1000).startswith(b"HTTP/1.1 200")
    assert [span.name for span in receiver.spans] == ["first", "second"]


def test_what_is_kept_is_bounded(sender_to):
    """Older requests give way to newer ones and are counted."""
    with OtlpReceiver(max_bytes=50_000) as small:
        sender = sender_to(small.endpoint)
        for number in range(30):
            sender.post("/v1/traces", span_request(*[f"{number}" + "x" * 4000] * 2))
        kept = len(small.spans)
        assert 0 < kept < 15
        assert small.evicted == 60 - kept
        assert small.spans[-1].name.startswith("29x")
        small.clear()
        assert (small.spans, small.evicted) == ((), 0)


def test_senders_in_parallel_lose_nothing(receiver, sender):
    """Every span of eight senders is there once."""

    def send(worker):
        for number in range(10):
            assert sender.post("/v1/traces", span_request(f"{worker}.{number}"))[0] == 200

    threads = [threading.Thread(target=send, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    assert receiver.wait_for(lambda r: len(r.spans) == 80, 30)
    for thread in threads:
        thread.join()
    assert len({span.name for span in receiver.spans}) == 80


def test_waiting_ends_at_its_deadline(receiver):
    """What never arrives is answered with False."""
    assert not receiver.wait_for(lambda r: bool(r.spans), 0.05)


def test_closing_ends_threads_and_connections(sender_to):
    """An idle connection does not hold up the end; afterwards nothing listens, nothing runs, and what arrived is still there."""
    before = set(threading.enumerate())
    receiver = OtlpReceiver().start()
    assert receiver.start() is receiver
    sender_to(receiver.endpoint).post("/v1/traces", span_request("kept"))
    port = int(receiver.endpoint.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as idle:
        head = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
        idle.sendall(head.encode())
        assert idle.recv(1000).startswith(b"HTTP/1.1 200")
        receiver.close()
        assert idle.recv(10) == b""
    receiver.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    assert [span.name for span in receiver.spans] == ["kept"]


def test_a_taken_port_is_explained():
    """The error names the port and the mend."""
    with OtlpReceiver() as first:
        port = int(first.endpoint.rsplit(":", 1)[1])
        with pytest.raises(ConfigurationError, match=f"port={port}.*use 0 for a free port"):
            OtlpReceiver(port=port).start()


def test_ipv6_endpoints_have_brackets(sender_to):
    """An IPv6 address can be listened on and its endpoint can be used as it is."""
    try:
        receiver = OtlpReceiver("::1").start()
    except ConfigurationError as error:
        if "address" in str(error).lower():
            pytest.skip(f"no IPv6 loopback here: {error}")
        raise
    with receiver:
        assert receiver.endpoint.startswith("http://[::1]:")
        assert sender_to(receiver.endpoint).post("/v1/traces", span_request("six"))[0] == 200


def test_protobuf_is_imported_on_use_and_its_absence_is_explained():
    """Importing the receiver loads no protobuf; where it is missing, starting names the extra."""
    script = (
        "import sys, langswarm_otel.receiver as r\n"
        "assert not [m for m in sys.modules if m.startswith('google.protobuf')]\n"
        "sys.modules['opentelemetry.proto'] = None\n"
        "try: r.OtlpReceiver().start()\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "pip install 'langswarm-otel[cli]'" in done.stdout, done.stderr
