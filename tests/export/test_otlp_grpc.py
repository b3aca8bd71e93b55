"""The official OTLP/gRPC exporters in a hub, against a real gRPC server on loopback."""

from __future__ import annotations

import socket
import sys
import threading
import time
from concurrent import futures
from pathlib import Path

import pytest
from hub_exporters import OtlpSettings, row, running

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.hub import Target
from langswarm_otel.export.otlp import build_otlp

grpc = pytest.importorskip("grpc")

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc  # noqa: E402
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc  # noqa: E402
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc  # noqa: E402


class Collector(
    trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer, logs_service_pb2_grpc.LogsServiceServicer
):
    """Takes everything and remembers it; hangs on demand."""

    def __init__(self, credentials=None):
        self.requests = []
        self.metadata = {}
        self.rejected = 0
        self.free = threading.Event()
        self.free.set()
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(self, self.server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(self, self.server)
        address = "127.0.0.1:0"
        self.port = self.server.add_insecure_port(address) if credentials is None else self.server.add_secure_port(address, credentials)
        self.server.start()

    def Export(self, request, context):
        self.free.wait(30)
        self.requests.append(request)
        self.metadata = dict(context.invocation_metadata())
        kind = type(request).__name__
        if self.rejected and kind == "ExportTraceServiceRequest":
            answer = trace_service_pb2.ExportTraceServiceResponse()
            answer.partial_success.rejected_spans, answer.partial_success.error_message = self.rejected, "quota"
            return answer
        return {
            "ExportTraceServiceRequest": trace_service_pb2.ExportTraceServiceResponse,
            "ExportMetricsServiceRequest": metrics_service_pb2.ExportMetricsServiceResponse,
            "ExportLogsServiceRequest": logs_service_pb2.ExportLogsServiceResponse,
        }[kind]()


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.free.set()
    collector.server.stop(0).wait(5)


def target(port: int, **changes) -> Target:
    settings = OtlpSettings(url=f"http://127.0.0.1:{port}", protocol="grpc", **changes)
    return Target(
        name=settings.url,
        spans=build_otlp("traces", settings),
        metrics=build_otlp("metrics", settings),
        logs=build_otlp("logs", settings),
        timeout_s=settings.timeout_s,
    )


def test_all_signals_arrive(collector):
    """What was offered is what the server gets, with our metadata."""
    with running(target(collector.port, headers={"X-Tenant": "t1"})) as (hub, source):
        source.meter.create_counter("c").add(1)
        source.spans("a", "b")
        source.logs("l")
        assert hub.flush(10.0, before=source.collect)
        assert sorted(type(request).__name__ for request in collector.requests) == [
            "ExportLogsServiceRequest",
            "ExportMetricsServiceRequest",
            "ExportTraceServiceRequest",
        ]
        assert collector.metadata["x-tenant"] == "t1"


@pytest.mark.parametrize("wants_ours", [False, True])
def test_tls(certificate, wants_ours):
    """The server's certificate is verified with ours of authorities, and ours is shown to whom asks; otherwise nothing is sent."""
    key, chain = Path(certificate.key).read_bytes(), Path(certificate.file).read_bytes()
    collector = Collector(grpc.ssl_server_credentials([(key, chain)], chain if wants_ours else None, wants_ours))
    shown = {"client_certificate_file": certificate.file, "client_key_file": certificate.key}
    trusting = {"certificate_file": certificate.file, **(shown if wants_ours else {})}
    strangers = [{}, {"certificate_file": certificate.file}] if wants_ours else [{}]
    try:
        for settings, arrives in [(trusting, True), *((one, False) for one in strangers)]:
            url = f"https://127.0.0.1:{collector.port}"
            spans = build_otlp("traces", OtlpSettings(url=url, protocol="grpc", timeout_s=1.0, **settings))
            with running(Target(name=url, spans=spans, timeout_s=1.0)) as (hub, source):
                before = len(collector.requests)
                source.spans("a")
                assert hub.flush(5.0 if arrives else 1.0) is arrives
                assert len(collector.requests) - before == arrives
    finally:
        collector.server.stop(0).wait(5)


def test_a_bad_record_costs_that_record(collector):
    """The gRPC exporter raises while encoding; the bad span is found and the others arrive."""
    with running(target(collector.port)) as (hub, source):
        source.spans("a", "lone \ud800 surrogate", "b")
        assert not hub.flush(10.0)
        names = [span.name for request in collector.requests for span in request.resource_spans[0].scope_spans[0].spans]
        assert names == ["a", "b"]
        assert row(hub).dropped == {"unencodable": 1}


def test_refused():
    """Nothing listens: deadlines are kept in the exporter's back-off, and the cause is told without noise."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with running(target(port)) as (hub, source):
        source.spans("a")
        begin = time.monotonic()
        assert not hub.flush(0.5)
        assert not hub.shutdown(1.0)
        assert time.monotonic() - begin < 2.5
        assert row(hub).dropped == {"deadline": 1}


def test_hanging(collector):
    """The server takes the call and does not answer: deadlines are kept."""
    collector.free.clear()
    with running(target(collector.port, timeout_s=30.0)) as (hub, source):
        source.spans("a")
        begin = time.monotonic()
        assert not hub.flush(0.3)
        assert not hub.shutdown(0.5)
        assert time.monotonic() - begin < 2.0
        assert row(hub).dropped == {"deadline": 1}


def test_settings_that_grpc_does_not_know():
    """Deflate is refused by name, and so is a certificate that cannot be read."""
    with pytest.raises(ConfigurationError, match="compression='deflate'"):
        target(1, compression="deflate")
    with pytest.raises(ConfigurationError, match=r"certificate_file='/nowhere/ca.pem'"):
        build_otlp("traces", OtlpSettings(url="https://127.0.0.1:1", protocol="grpc", certificate_file="/nowhere/ca.pem"))


def test_the_missing_extra_is_named(monkeypatch):
    """Without gRPC the error says what to install, and what to write instead."""
    monkeypatch.delitem(sys.modules, "langswarm_otel.export.otlp_grpc", raising=False)
    monkeypatch.delattr("langswarm_otel.export.otlp_grpc", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(ConfigurationError, match=r"langswarm-otel\[grpc\].*http/protobuf"):
        build_otlp("traces", OtlpSettings(url="http://127.0.0.1:1", protocol="grpc"))


def test_partial_success_is_seen(collector):
    """What the Collector says it did not keep is counted as rejected."""
    collector.rejected = 2
    with running(target(collector.port)) as (hub, source):
        source.spans("a", "b", "c")
        assert not hub.flush(10.0)
        account = row(hub)
        assert (account.exported, account.dropped) == (1, {"rejected": 2})
        assert "quota" in account.last_error
