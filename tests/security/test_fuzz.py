"""Fuzzing what strangers send: propagation headers, and requests to the receiver. Every case comes from a printed seed."""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from langswarm_otel import context_from, inject_context
from langswarm_otel.guard import faults
from langswarm_otel.receiver import OtlpReceiver
from langswarm_otel.receiver.body import RequestError
from langswarm_otel.receiver.decode import PROTOBUF, load_codecs

SEED = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(10**6)))

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
VALUES = [
    TRACEPARENT,
    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "key=value;property,other=%F0%9F%8E%89",
    *("", " ", "\x00", "\ud800", "🎉" * 50, "=" * 5000, "," * 5000, "a=b," * 3000, "-" * 200),
]
KEYS = ["traceparent", "tracestate", "baggage", "TraceParent", "b3", "x-b3-traceid", "uber-trace-id", "", "\ud800"]


@pytest.fixture(autouse=True)
def _unheard() -> Iterator[None]:
    """Keep what libraries log of the garbage out of pytest's report, which xdist cannot carry with half a letter in it."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def mutated(rng: random.Random, text: str) -> object:
    """A value as a stranger may send it."""
    letters = list(text)
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(letters) + 1)
        what = rng.choice(["insert", "drop", "repeat"])
        if what == "insert":
            letters.insert(place, chr(rng.choice([0, 10, 45, 48, 97, 127, 255, 0xD800, 0x1F389])))
        elif letters:
            place = min(place, len(letters) - 1)
            letters[place : place + 1] = [] if what == "drop" else [letters[place]] * rng.choice([2, 50])
    said = "".join(letters)
    return rng.choice([said, said, said.encode("utf-8", "surrogatepass"), [said, said], (said,), None, 5, said * rng.choice([1, 100])])


def test_propagation_headers():
    """Nothing raises, nothing takes long, and what is injected afterwards is bounded."""
    print(f"FUZZ_SEED={SEED}")
    rng = random.Random(SEED)
    begin = time.monotonic()
    for _ in range(3000):
        carrier = {rng.choice([*KEYS, None, 7, b"traceparent"]): mutated(rng, rng.choice(VALUES)) for _ in range(rng.randrange(6))}
        with context_from(carrier):
            assert trace.get_current_span() is not None
            sent = inject_context({})
        assert len(str(sent)) < 20_000, f"FUZZ_SEED={SEED}"
    assert time.monotonic() - begin < 45
    assert not {place for place in faults() if place == "inject_context"}


def valid_request() -> bytes:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "fuzz"
    span = resource.scope_spans.add().spans.add(
        name="s", trace_id=b"\1" * 16, span_id=b"\2" * 8, start_time_unix_nano=1, end_time_unix_nano=2
    )
    for number in range(3):
        span.attributes.add(key=f"k{number}").value.array_value.values.add().int_value = number
    return request.SerializeToString()


def test_bodies_of_requests():
    """Mutations of a valid request are decoded, or refused with 400; nothing else is ever raised."""
    print(f"FUZZ_SEED={SEED}")
    rng, whole, codec = random.Random(SEED), valid_request(), load_codecs()["/v1/traces"]
    answers = []
    for _ in range(3000):
        body = bytearray(whole)
        for _ in range(rng.randrange(1, 6)):
            place = rng.randrange(len(body))
            what = rng.choice(["flip", "drop", "insert", "cut"])
            if what == "flip":
                body[place] ^= 1 << rng.randrange(8)
            elif what == "insert":
                body[place:place] = rng.randbytes(rng.choice([1, 4, 40]))
            elif len(body) > 10:
                del body[place : place + 1 if what == "drop" else len(body)]
            body = body or bytearray(b"\0")
        try:
            codec.decode(bytes(body), PROTOBUF)
        except RequestError as error:
            answers.append(error.status)
    assert set(answers) == {400}, f"FUZZ_SEED={SEED}"
    assert len(answers) < 3000


@pytest.mark.timeout(120)
def test_raw_requests(capfd):
    """Whatever is sent to the receiver's port, it answers or hangs up, says nothing on the terminal, and takes the next request."""
    print(f"FUZZ_SEED={SEED}")
    rng, body = random.Random(SEED), valid_request()
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: %d\r\n\r\n" % len(body)
    with OtlpReceiver() as receiver:
        host, port = receiver.endpoint.removeprefix("http://").split(":")
        for _ in range(150):
            sent = bytearray(head + body)
            for _ in range(rng.randrange(1, 5)):
                place = rng.randrange(len(head))
                sent[place : place + rng.choice([0, 1, 8])] = rng.choice([rng.randbytes(3), b"\r\n", b"0" * 30, b"chunked", b"-1", b"gzip"])
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(bytes(sent))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(head + body)
            assert connection.recv(100).startswith(b"HTTP/1.1 200"), f"FUZZ_SEED={SEED}"
    assert "Traceback" not in capfd.readouterr().err
