"""What listens, listens on this machine only unless told otherwise, and nobody can hold or fill it."""

from __future__ import annotations

import contextlib
import socket
import time
import urllib.request

import pytest

from langswarm_otel import configure_observability
from langswarm_otel.config import ObservabilityConfig
from langswarm_otel.receiver import OtlpReceiver

prometheus = pytest.importorskip("langswarm_otel.export.prometheus")


@contextlib.contextmanager
def page():
    endpoint = prometheus.PrometheusEndpoint(port=0)
    try:
        yield endpoint
    finally:
        endpoint.close()


def test_everything_listens_on_loopback():
    """By default, in settings and in sockets."""
    assert ObservabilityConfig().prometheus_host == "127.0.0.1"
    with page() as endpoint, OtlpReceiver() as receiver:
        assert endpoint._server.socket.getsockname()[0] == "127.0.0.1"
        assert receiver.endpoint.startswith("http://127.0.0.1:")
        assert receiver._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_scraper_that_says_nothing_is_let_go(monkeypatch):
    """A connection that never asks is closed after a while, and others are served meanwhile."""
    monkeypatch.setattr(prometheus, "IDLE_S", 0.3)
    with page() as endpoint, socket.create_connection(("127.0.0.1", endpoint.port)) as silent:
        silent.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=5) as answer:
            assert answer.status == 200
        silent.settimeout(5)
        begin = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while silent.recv(4096):
                pass
        assert time.monotonic() - begin < 4


def test_scrapers_are_bounded(monkeypatch):
    """Beyond the bound a connection is closed, and when others have gone there is room again."""
    monkeypatch.setattr(prometheus, "MOST_SCRAPERS", 2)
    with page() as endpoint, contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", endpoint.port))) for _ in range(2)]
        time.sleep(0.3)
        third = stack.enter_context(socket.create_connection(("127.0.0.1", endpoint.port)))
        third.settimeout(5)
        with contextlib.suppress(ConnectionError):
            third.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            assert third.recv(100) == b""
        for connection in held:
            connection.close()
        for _ in range(50):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=5) as answer:
                assert answer.status == 200
                return
            time.sleep(0.1)
        pytest.fail("no room was made")


def test_the_page_shows_no_header_and_no_key(otlp_server):
    """Nothing of the configuration is on it."""
    secret = "s3cr3t-value"
    obs = configure_observability(
        "production",
        endpoint=otlp_server.endpoint,
        headers={"authorization": secret},
        prometheus_port=0,
        log_output="none",
        install_global=False,
    )
    with obs.tool("t"):
        pass
    port = obs._installation.pipelines.pull._endpoint.port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert secret.encode() not in answer.read()
    obs.shutdown()
