"""The far side of the tests is itself right: the official exporters' data arrives, and each mode does what it says."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from otlp_server import OtlpServer, attributes


def post(server, *, timeout=5.0):
    request = urllib.request.Request(f"{server.endpoint}/v1/traces", data=b"", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_three_signals_of_the_official_exporters_arrive(otlp_server):
    """Spans, points and log records are decoded and counted, with their attributes and resource."""
    resource = Resource({"service.name": "peer"})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{otlp_server.endpoint}/v1/traces")))
    with tracers.get_tracer("t").start_as_current_span("one", attributes={"a": [1, 2], "b": True}):
        pass
    loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(f"{otlp_server.endpoint}/v1/logs")))
    loggers.get_logger("t").emit(body={"k": "v"})
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{otlp_server.endpoint}/v1/metrics"))
    meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    meters.get_meter("t").create_counter("c").add(3)
    for provider in (tracers, loggers, meters):
        provider.shutdown()
    assert otlp_server.wait_for(spans=1, log_records=1, metric_points=1)
    assert otlp_server.span_names() == ["one"]
    assert attributes(otlp_server.spans[0].attributes) == {"a": [1, 2], "b": True}
    assert attributes(otlp_server.log_records[0].body.kvlist_value.values) == {"k": "v"}
    assert [(name, point.as_int) for name, point in otlp_server.metric_points] == [("c", 3)]
    assert [resource["service.name"] for resource in otlp_server.resources] == ["peer"] * 3


def test_status_codes_and_headers(otlp_server):
    """A chosen status is answered with its headers, the request is kept but its spans do not count, and healthy means 200 again."""
    otlp_server.answer(503, {"retry-after": "7"})
    status, headers = post(otlp_server)
    assert (status, headers["retry-after"]) == (503, "7")
    assert [request.status for request in otlp_server.requests] == [503]
    assert otlp_server.messages("traces") == []
    otlp_server.healthy()
    assert post(otlp_server)[0] == 200


def test_refuse_and_listen_again(otlp_server):
    """Refusing means that nobody listens on the port; healthy listens on the very same one."""
    port = otlp_server.port
    otlp_server.refuse()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    otlp_server.healthy()
    assert otlp_server.port == port
    assert post(otlp_server)[0] == 200


def test_hang_accepts_and_never_answers(otlp_server):
    """A hanging server takes the connection and the request, and answers nothing until it is healthy."""
    otlp_server.hang()
    with pytest.raises(TimeoutError):
        post(otlp_server, timeout=0.2)
    assert [request.status for request in otlp_server.requests] == [0]
    otlp_server.healthy()
    assert post(otlp_server)[0] == 200


def test_slow_answers_late(otlp_server):
    """A slow server answers after its delay."""
    otlp_server.slow(0.2)
    before = time.monotonic()
    assert post(otlp_server)[0] == 200
    assert time.monotonic() - before >= 0.2


def test_unknown_path_is_404(otlp_server):
    """A path that is no signal's is answered 404, as a Collector does."""
    with pytest.raises(urllib.error.HTTPError, match="404") as caught:
        urllib.request.urlopen(f"{otlp_server.endpoint}/", data=b"", timeout=5)
    caught.value.close()


def test_ipv6():
    """The server also lives on the IPv6 loopback, where there is one."""
    try:
        server = OtlpServer(host="::1")
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here ({error})")
    with server:
        assert server.endpoint.startswith("http://[::1]:")
        assert post(server)[0] == 200
