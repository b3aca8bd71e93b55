"""A running receiver and ways to send to it."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import pytest

from langswarm_otel.receiver import OtlpReceiver


@pytest.fixture
def receiver():
    with OtlpReceiver() as running:
        yield running


class Sender:
    """Sends raw HTTP to a receiver."""

    def __init__(self, endpoint):
        self.address = urlsplit(endpoint)

    def request(self, method, path, body=b"", **headers):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=10)
        try:
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, fields, encode_chunked="transfer-encoding" in fields)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def post(self, path, body, content_type="application/x-protobuf", **headers):
        return self.request("POST", path, body, content_type=content_type, **headers)


@pytest.fixture
def sender(receiver):
    return Sender(receiver.endpoint)


@pytest.fixture
def sender_to():
    return Sender
