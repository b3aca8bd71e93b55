"""Whatever a Collector answers, the account adds up, ``flush`` tells the truth, and nothing is counted as a fault of ours."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable

import pytest
from raw_server import answering, listening, read_request

from langswarm_otel import configure_observability

SPANS = 12


def reset_in_the_middle(connection: socket.socket) -> None:
    """Read a little and reset the connection."""
    connection.recv(50)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def another_protocol(connection: socket.socket) -> None:
    """Speak first, as SSH does."""
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def endless_headers(connection: socket.socket) -> None:
    """Begin an answer that never gets to its body."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Slow: 1\r\n")
        threading.Event().wait(0.2)


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        (answering(b"200 OK", b"<html>no protobuf"), None),
        (answering(b"204 No Content"), "export_failed"),
        (answering(b"400 Bad Request", b"bad"), "export_failed"),
        (answering(b"413 Too Large"), "too_large"),
        (answering(b"429 Busy\r\nRetry-After: 3600"), "export_failed"),
        (answering(b"503 Busy\r\nRetry-After: 3600"), "export_failed"),
        (answering(b"301 Moved\r\nLocation: http://127.0.0.1:1/x"), "export_failed"),
        (reset_in_the_middle, "export_failed"),
        (another_protocol, "export_failed"),
        (endless_headers, "export_failed"),
    ],
    ids=["garbage", "204", "400", "413", "429", "503", "301", "reset", "ssh", "slow-loris"],
)
def test_every_span_is_accounted_for(serve: Callable[[socket.socket], None], reason: str | None) -> None:
    """Made = exported + dropped after the end, all for the one reason; ``shutdown`` is True only if all was delivered."""
    with listening(serve) as server:
        handle = configure_observability(
            "production", install_global=False, endpoint=server.endpoint, log_output="none", timeout_s=1.0, shutdown_timeout_s=2.0
        )
        for _ in range(SPANS):
            handle.tracer.start_span("work").end()
        assert handle.shutdown(2.0) is (reason is None)
        (row,) = [row for row in handle.health().exporters if row.signal == "traces"]
    assert (row.made, row.queued, row.in_flight) == (SPANS, 0, 0)
    lost = dict(row.dropped)
    if reason == "export_failed":  # what a retry was broken off for counts as the deadline's
        lost = {reason: lost.pop("export_failed", 0) + lost.pop("deadline", 0), **lost}
    assert (row.exported, lost) == ((SPANS, {}) if reason is None else (0, {reason: SPANS}))
    assert not handle.health().faults
