"""Proxies are those of the environment, as for everything else that speaks HTTP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest
from otlp_server import OtlpServer
from raw_server import answering, listening

from langswarm_otel.export.otlp_http import HttpSpanExporter
from langswarm_otel.export.proxies import proxy_for
from langswarm_otel.export.transport import Transport

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "http://a", None),
        ({"http_proxy": "http://p:1"}, "http://a", "http://p:1"),
        ({"http_proxy": "http://p:1"}, "https://a", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://a", "http://p:1"),
        ({"ALL_PROXY": "p:1"}, "https://a:4318/v1/traces", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "b,a.example"}, "http://x.a.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": ".a.example"}, "http://a.example:4318", None),
        ({"all_proxy": "http://p:1", "no_proxy": "a.example:4318"}, "http://a.example:4318", None),
        ({"all_proxy": "http://p:1", "no_proxy": "a.example:4318"}, "http://a.example:4319", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "a.example"}, "http://nota.example", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "*"}, "http://a", None),
        ({"all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8, fd00::/8"}, "http://10.1.2.3:4318", None),
        ({"all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8, fd00::/8"}, "http://[fd00::7]:4318", None),
        ({"all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8,garbage/99"}, "http://11.1.2.3", "http://p:1"),
    ],
)
def test_which_proxy(monkeypatch, environment, url, expected):
    """By scheme, unless ``NO_PROXY`` names the host, what is above it, or its network."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == expected


def test_a_proxy_gets_the_whole_url(monkeypatch):
    """And the credentials that its own URL has; the endpoint itself is never connected to."""
    heads = []

    def serve(connection):
        heads.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with listening(serve) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.endpoint.replace("//", "//user:p%40ss@"))
        exporter = HttpSpanExporter(endpoint="http://collector.example:4318/v1/traces?k=v", timeout_s=5.0)
        assert exporter.deliver([]).fault is None
    assert heads[0].startswith(b"POST http://collector.example:4318/v1/traces?k=v HTTP/1.1\r\nHost: collector.example:4318\r\n")
    assert b"\r\nproxy-authorization: Basic dXNlcjpwQHNz\r\n" in heads[0]


def test_a_proxy_that_refuses_is_named_as_the_cause(monkeypatch):
    """A dead proxy is a failure in time, and the cause says that it is the proxy's; its credentials are not spoken about."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@127.0.0.1:9")
    exporter = HttpSpanExporter(endpoint="https://collector.example/v1/traces", timeout_s=0.5)
    delivery = exporter.deliver([])
    assert (delivery.fault, delivery.again) == ("send", True)
    assert "proxy" in delivery.cause
    assert "secret" not in delivery.cause


def test_a_tunnel_that_drips_is_too_late():
    """The answer to CONNECT must come before the deadline too."""

    def serve(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 ")
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)

    with listening(serve) as proxy:
        transport = Transport("https://collector.example/v1/traces", headers={}, proxy=proxy.endpoint)
        begin = time.monotonic()
        with pytest.raises(Exception, match="no answer in time"):
            transport.post(b"x", begin + 0.5)
        assert time.monotonic() - begin < 5.0


def test_a_tunnel(tmp_path, monkeypatch, certificate):
    """Over TLS the proxy passes bytes on and sees none of what they say."""
    seen = bytearray()

    def pump(source, sink, log=None):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if log is not None:
                    log += data
                sink.sendall(data)

    def serve(connection):
        head = connection.recv(65536)
        host, port = head.split(b" ")[1].split(b":")
        with socket.create_connection((host.decode(), int(port))) as upstream:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            threading.Thread(target=pump, args=(upstream, connection), daemon=True).start()
            pump(connection, upstream, seen)

    with certificate.serving(answering(b"200 OK")) as server, listening(serve) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.endpoint)
        exporter = HttpSpanExporter(
            endpoint=f"{server.endpoint}/v1/traces", headers={"x": "planted"}, certificate_file=certificate.file, timeout_s=5.0
        )
        assert [exporter.deliver([]).cause for _ in range(2)] == [None, None]
        assert (proxy.accepted, server.accepted) == (1, 1)
    assert seen
    assert b"planted" not in seen


def test_socks_without_its_library(monkeypatch):
    """A proxy that cannot be used is a failure with a cause, not an error at the start of the program."""
    monkeypatch.setenv("ALL_PROXY", "socks5h://127.0.0.1:9")
    with OtlpServer() as server:
        delivery = HttpSpanExporter(endpoint=f"{server.endpoint}/v1/traces", timeout_s=0.5).deliver([])
    assert delivery.fault == "send"
    assert delivery.cause
