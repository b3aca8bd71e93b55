"""Checks of an address before anything is sent to it: name, port, TLS, and which protocol answers there."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from langswarm_otel.cli.findings import CERTIFICATE_SETTINGS, ENDPOINT_SETTINGS, Finding, bad, good

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.config import OtlpTarget

R = TypeVar("R")

_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
_SETTINGS_FRAME: Final = 4
_FRAME_HEADER: Final = 9
_OTLP_PORTS: Final = {4317: 4318, 4318: 4317}
_PORT_PROTOCOL: Final = {4317: "grpc", 4318: "http/protobuf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a connection goes."""

    host: str
    """Name or IP address."""

    port: int
    """Port."""

    tls: bool
    """Whether it is to be encrypted."""

    @classmethod
    def of(cls, url: str) -> Address:
        """Return the address of a URL, with the port that its scheme implies."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        return cls(host=parts.hostname or "", port=parts.port or (443 if tls else 80), tls=tls)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def within(seconds: float, function: Callable[[], R]) -> R:
    """Return what a function returns, or give up on it: name servers and slow servers keep no deadline of ours.

    Raises:
        TimeoutError: it took longer; its daemon thread is left behind.
    """
    results: list[R] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True, name="langswarm-otel-doctor")
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def check_name(address: Address, timeout_s: float) -> Finding:
    """Look the host up."""
    try:
        found = within(timeout_s, lambda: socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM))
    except TimeoutError:
        return bad("DNS", f"no answer about {address.host} within {timeout_s:g} s", "look at the name server in /etc/resolv.conf")
    except (OSError, UnicodeError):
        return bad("DNS", f"nobody knows the host {address.host}", f"correct {ENDPOINT_SETTINGS}, or run this where that name is known")
    addresses = sorted({str(entry[4][0]) for entry in found})
    return good("DNS", f"{address.host} is {', '.join(addresses)}" if addresses != [address.host] else f"{address.host} is an address")


def check_port(address: Address, timeout_s: float) -> Finding:
    """Connect and hang up."""
    begun = time.monotonic()
    try:
        within(timeout_s, lambda: _connect(address, timeout_s).close())
    except TimeoutError:
        mend = f"a firewall in between may drop it, or {ENDPOINT_SETTINGS} is wrong"
        return bad("port", f"{address} did not accept a connection within {timeout_s:g} s", mend)
    except ConnectionRefusedError:
        return bad("port", f"nothing listens on {address}", _mend_of_refusal(address, timeout_s))
    except OSError as error:
        return bad("port", f"{address} cannot be reached ({_os_reason(error)})", f"correct {ENDPOINT_SETTINGS}, or the network in between")
    return good("port", f"{address} accepts connections ({(time.monotonic() - begun) * 1000:.0f} ms)")


def check_tls(address: Address, timeout_s: float, target: OtlpTarget) -> Finding:
    """Shake hands and verify the certificate, as an exporter does."""
    if not address.tls:
        return good("TLS", "not used (http://)")
    try:
        context = ssl.create_default_context(cafile=target.certificate_file)
        if target.client_certificate_file is not None:
            context.load_cert_chain(target.client_certificate_file, target.client_key_file)
    except OSError:  # SSLError is one
        files = [name for name in (target.certificate_file, target.client_certificate_file, target.client_key_file) if name]
        return bad("TLS", f"no readable certificates and keys in {', '.join(files)}", f"correct {CERTIFICATE_SETTINGS} and its like")
    try:
        version = within(timeout_s, lambda: _handshake(address, timeout_s, context))
    except ssl.SSLCertVerificationError as error:
        mend = f"give the authority that signed it in {CERTIFICATE_SETTINGS}, or use the name that it is for"
        return bad("TLS", f"the certificate of {address} is not trusted ({error.verify_message})", mend)
    except TimeoutError:
        return bad(
            "TLS", f"{address} did not shake hands within {timeout_s:g} s", f"if it speaks plain HTTP, write http:// in {ENDPOINT_SETTINGS}"
        )
    except OSError:
        return bad("TLS", f"{address} does not speak TLS", f"write http:// in {ENDPOINT_SETTINGS}, or switch TLS on there")
    return good("TLS", f"{version}, the certificate is valid")


def speaks_http2(address: Address, timeout_s: float) -> bool:
    """Whether the server greets an HTTP/2 client, as gRPC servers do, without TLS or after it."""

    def ask() -> bool:
        with contextlib.ExitStack() as stack:
            connection: socket.socket = stack.enter_context(_connect(address, timeout_s))
            if address.tls:
                context = _trusting_context()
                context.set_alpn_protocols(["h2"])
                connection = stack.enter_context(context.wrap_socket(connection, server_hostname=address.host))
            connection.sendall(_HTTP2_PREFACE)
            greeting = connection.recv(_FRAME_HEADER)
            return len(greeting) == _FRAME_HEADER and greeting[3] == _SETTINGS_FRAME

    return _holds(ask, timeout_s)


def speaks_http1(address: Address, timeout_s: float) -> bool:
    """Whether the server answers an HTTP/1.1 request."""

    def ask() -> bool:
        with _connect(address, timeout_s) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(8).startswith(b"HTTP/1.")

    return _holds(ask, timeout_s)


def speaks_tls(address: Address, timeout_s: float) -> bool:
    """Whether the server shakes hands; its certificate does not matter here."""
    return _holds(lambda: bool(_handshake(address, timeout_s, _trusting_context())), timeout_s)


def _holds(ask: Callable[[], bool], timeout_s: float) -> bool:
    try:
        return within(timeout_s, ask)
    except OSError:  # TimeoutError and SSLError are OSErrors too
        return False


def _connect(address: Address, timeout_s: float) -> socket.socket:
    return socket.create_connection((address.host, address.port), timeout=timeout_s)


def _handshake(address: Address, timeout_s: float, context: ssl.SSLContext) -> str:
    with _connect(address, timeout_s) as plain, context.wrap_socket(plain, server_hostname=address.host) as encrypted:
        return encrypted.version() or "TLS"


def _trusting_context() -> ssl.SSLContext:
    """A context for finding out who answers; nothing is sent over it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _mend_of_refusal(address: Address, timeout_s: float) -> str:
    """Return what to do about a closed port; the other OTLP port may be the one that is open."""
    other = _OTLP_PORTS.get(address.port)
    if other is not None:
        there = Address(host=address.host, port=other, tls=False)
        with contextlib.suppress(OSError):
            within(timeout_s, lambda: _connect(there, timeout_s).close())
            return f"but {there} is open: use that port with protocol {_PORT_PROTOCOL[other]}"
    return f"start a Collector there (docker compose up -d, or langswarm-otel stack up), or correct {ENDPOINT_SETTINGS}"


def _os_reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
