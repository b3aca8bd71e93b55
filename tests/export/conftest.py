"""What tests of OTLP over HTTP share."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess

import hub_exporters
import pytest
from raw_server import listening


@pytest.fixture(params=[None, "watched"], ids=["ours", "official"])
def each_exporter(request, monkeypatch):
    """Run the test with our exporters over HTTP and with the official ones; the value is as in ``build_otlp``."""
    monkeypatch.setattr(hub_exporters, "official", request.param)
    return request.param


class Certificate:
    """A certificate for loopback, which vouches for itself, and servers that show it."""

    def __init__(self, folder) -> None:
        self.file, self.key = str(folder / "certificate.pem"), str(folder / "key.pem")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.file]
        subprocess.run([*command, *names], check=True, capture_output=True, timeout=60)

    @contextlib.contextmanager
    def serving(self, serve, *, wants_ours=False):
        """Serve over TLS; with ``wants_ours``, only whom shows the same certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        if wants_ours:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)

        def encrypted(connection):
            with context.wrap_socket(connection, server_side=True) as wrapped:
                serve(wrapped)

        with listening(encrypted) as server:
            server.endpoint = server.endpoint.replace("http:", "https:")
            yield server


@pytest.fixture
def certificate(tmp_path):
    """A certificate for loopback."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    return Certificate(tmp_path)
