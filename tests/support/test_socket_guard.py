"""The socket guard refuses what leaves loopback, records it, and lets loopback pass."""

from __future__ import annotations

import asyncio
import socket

import pytest
import socket_guard


def test_connections_outside_are_refused_and_recorded():
    """TCP, UDP and asyncio connections to another host fail before a packet is sent, and would fail the test."""
    with pytest.raises(socket_guard.OutsideConnectionError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, pytest.raises(socket_guard.OutsideConnectionError):
        udp.sendto(b"x", ("192.0.2.1", 53))
    with pytest.raises(OSError, match="loopback"):
        asyncio.run(asyncio.open_connection("192.0.2.1", 80))
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("collector.somewhere", 80)
    assert len(socket_guard.violations) == 4
    socket_guard.violations.clear()


def test_reserved_names_do_not_resolve_and_are_no_violation():
    """A test may look up a name that can never exist."""
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("nowhere.invalid", 80)
    assert socket_guard.violations == []


def test_loopback_passes_and_is_seen_by_a_recording():
    """Loopback connections work; a recording lists them, so that a test can prove there were none."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket_guard.recording() as tried:
        with socket.create_connection(server.getsockname(), timeout=5):
            pass
    assert tried == [f"socket.connect {server_address(tried)}"]
    with socket_guard.recording() as nothing:
        pass
    assert nothing == []


def server_address(tried):
    return tried[0].removeprefix("socket.connect ")
