"""OTLP/HTTP exporters in a hub, ours and the official ones: servers that are healthy, refuse, hang, are slow, answer 503, redirect, die."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest
from hub_exporters import OtlpSettings, build, row, running, wait_until
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from otlp_server import OtlpServer

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.hub import Target

pytestmark = pytest.mark.usefixtures("each_exporter")

DEAD = "http://127.0.0.1:9"


def target(endpoint: str, **changes) -> Target:
    """A target of all three signals at an endpoint."""
    settings = {signal: OtlpSettings(url=f"{endpoint}/v1/{signal}", **changes) for signal in ("traces", "metrics", "logs")}
    return Target(
        name=endpoint,
        spans=build("traces", settings["traces"]),
        metrics=build("metrics", settings["metrics"]),
        logs=build("logs", settings["logs"]),
        timeout_s=settings["traces"].timeout_s,
    )


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none"])
def test_all_signals_arrive(otlp_server, compression):
    """What was offered is what the server decodes, with our headers, compressed as asked."""
    with running(target(otlp_server.endpoint, compression=compression, headers={"X-Tenant": "t1"})) as (hub, source):
        source.meter.create_counter("c").add(2)
        source.spans(*[f"s{number}" for number in range(600)])
        source.logs("l")
        assert hub.flush(10.0, before=source.collect)
        assert otlp_server.span_names() == [f"s{number}" for number in range(600)]
        assert [record.body.string_value for record in otlp_server.log_records] == ["l"]
        assert [(name, point.as_int) for name, point in otlp_server.metric_points] == [("c", 2)]
        headers = otlp_server.requests[0].headers
        assert headers["x-tenant"] == "t1"
        assert headers.get("content-encoding", "none") == compression
        assert {one.signal: one.exported for one in hub.counts()} == {"traces": 600, "metrics": 1, "logs": 1}


def test_headers_are_ours_alone(otlp_server, monkeypatch):
    """Headers of the environment, which the exporter would add, are not sent: the settings have the last word on credentials."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-secret=other-tenant")
    with running(target(otlp_server.endpoint, headers={"x-tenant": "t1"})) as (hub, source):
        source.spans("a")
        assert hub.flush(10.0)
        assert "x-secret" not in otlp_server.requests[0].headers
        assert otlp_server.requests[0].headers["content-type"] == "application/x-protobuf"


def test_refused_in_back_off():
    """Nothing listens: flush is False in time, and shutdown breaks the exporter's back-off at its deadline; the cause is told."""
    with running(target(DEAD)) as (hub, source):
        source.spans("a")
        begin = time.monotonic()
        assert not hub.flush(0.3)
        assert time.monotonic() - begin < 0.8
        assert not hub.shutdown(0.5)
        assert time.monotonic() - begin < 1.8
        account = row(hub)
        assert account.dropped == {"deadline": 1}
        assert "refused" in account.last_error.lower()


def test_refused_until_the_exporter_gives_up():
    """When the retries of the exporter end, the batch is counted as ``export_failed``, with cause and time."""
    with running(target(DEAD, timeout_s=0.5)) as (hub, source):
        source.spans(*["a"] * 3)
        begin = time.time()
        assert not hub.flush(5.0)
        account = row(hub)
        assert (account.state, account.dropped) == ("failing", {"export_failed": 3})
        assert "refused" in account.last_error.lower()
        assert begin - 1 <= account.last_error_at <= time.time() + 1


def test_hanging(otlp_server):
    """The server takes requests and never answers: flush and shutdown keep their deadlines, for all signals together."""
    otlp_server.hang()
    with running(target(otlp_server.endpoint, timeout_s=30.0)) as (hub, source):
        source.meter.create_counter("c").add(1)
        source.spans("a")
        source.logs("l")
        begin = time.monotonic()
        assert not hub.flush(0.5, before=source.collect)
        assert not hub.shutdown(0.5)
        assert time.monotonic() - begin < 2.0
        assert {one.signal: one.dropped for one in hub.counts()} == {signal: {"deadline": 1} for signal in ("traces", "metrics", "logs")}
        otlp_server.healthy()


def test_slow(otlp_server):
    """A server that takes its time gets everything, if flush is given the time."""
    otlp_server.slow(0.3)
    with running(target(otlp_server.endpoint)) as (hub, source):
        source.spans("a")
        assert not hub.flush(0.1)
        assert hub.flush(5.0)
        assert otlp_server.span_names() == ["a"]


@pytest.mark.parametrize(("status", "reason"), [(400, "400"), (401, "401"), (500, "500")])
def test_refusals_are_failures(otlp_server, status, reason):
    """An answer that is no success loses the batch, and the status is the cause that is told."""
    otlp_server.answer(status)
    with running(target(otlp_server.endpoint)) as (hub, source):
        source.spans("a", "b")
        assert not hub.flush(5.0)
        assert row(hub).dropped == {"export_failed": 2}
        assert reason in row(hub).last_error


def test_503_is_retried(otlp_server):
    """503 is retried by the exporter: when the server recovers, the batch arrives once and nothing is lost."""
    otlp_server.answer(503)
    with running(target(otlp_server.endpoint)) as (hub, source):
        source.spans("a")
        assert not hub.flush(0.3)
        assert otlp_server.requests[0].status == 503
        otlp_server.healthy()
        assert hub.flush(8.0)
        assert otlp_server.span_names() == ["a"]
        assert row(hub).dropped == {}


def test_retry_after_beyond_the_deadline(otlp_server):
    """A server that asks for an hour's patience does not get it from a shutdown."""
    otlp_server.answer(503, {"retry-after": "3600"})
    with running(target(otlp_server.endpoint, timeout_s=7200.0)) as (hub, source):
        source.spans("a")
        assert not hub.flush(0.3)
        begin = time.monotonic()
        assert not hub.shutdown(0.5)
        assert time.monotonic() - begin < 1.2
        assert wait_until(lambda: not [t for t in threading.enumerate() if t.name == f"langswarm-otel traces to {otlp_server.endpoint}"])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure(otlp_server, status):
    """A redirect is not followed and not taken for a success, as the official exporter would; the cause names where it points."""
    otlp_server.answer(status, {"location": "https://elsewhere.example/v1/traces?token=secret"})
    with running(target(otlp_server.endpoint)) as (hub, source):
        source.spans("a")
        assert not hub.flush(5.0)
        account = row(hub)
        assert account.dropped == {"export_failed": 1}
        assert "https://elsewhere.example/v1/traces" in account.last_error
        assert "secret" not in account.last_error


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_partial_success_is_read(otlp_server, signal):
    """Records that the Collector says it rejected are counted as ``rejected`` and not as exported."""
    body = {
        "traces": ExportTraceServiceResponse(partial_success={"rejected_spans": 2, "error_message": "too old"}),
        "logs": ExportLogsServiceResponse(partial_success={"rejected_log_records": 2, "error_message": "too old"}),
        "metrics": ExportMetricsServiceResponse(partial_success={"rejected_data_points": 2, "error_message": "too old"}),
    }[signal]
    otlp_server.answer(200, body=body)
    with running(target(otlp_server.endpoint)) as (hub, source):
        if signal == "metrics":
            for number in range(5):
                source.meter.create_counter("c").add(1, {"k": number})
        (source.spans if signal == "traces" else source.logs)(*(["a"] * 5 if signal != "metrics" else []))
        assert not hub.flush(5.0, before=source.collect)
        account = row(hub, signal)
        assert (account.exported, account.dropped, account.last_error) == (3, {"rejected": 2}, "too old")


def test_413_is_divided(otlp_server):
    """A batch that the Collector finds too large is sent in smaller ones; a record that is too large alone is counted as such."""
    otlp_server.answer(413)
    with running(target(otlp_server.endpoint), schedule_delay_s=600.0) as (hub, source):
        source.spans(*["a"] * 4)
        assert not hub.flush(5.0)
        assert row(hub).dropped == {"too_large": 4}
        assert [len(request.message.resource_spans[0].scope_spans[0].spans) for request in otlp_server.requests] == [4, 2, 1, 1, 2, 1, 1]


def test_a_server_that_dies_in_the_middle(otlp_server):
    """The server stops while spans are made, and comes back: every span is exported or counted, and no line of it is missing."""
    otlp_server.answer(200, {"connection": "close"})  # or the connection would outlive the listener
    with running(target(otlp_server.endpoint, timeout_s=0.5), schedule_delay_s=0.01, max_batch=10) as (hub, source):
        source.spans(*["before"] * 50)
        assert hub.flush(5.0)
        otlp_server.refuse()
        source.spans(*["during"] * 10)
        assert wait_until(lambda: row(hub).state == "failing")
        otlp_server.healthy()
        source.spans(*["after"] * 50)
        assert not hub.flush(5.0)  # those of the outage are lost
        assert row(hub).state == "ok"
        account = row(hub)
        assert (account.made, account.exported) == (110, len(otlp_server.spans))
        assert otlp_server.span_names().count("after") == 50


def test_a_server_that_closes_without_an_answer():
    """Connections that are cut during the request are a failure with a cause, not a hang."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(100)
                connection.close()

        threading.Thread(target=cut, daemon=True).start()
        with running(target(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=0.5)) as (hub, source):
            source.spans("a")
            assert not hub.flush(5.0)
            assert row(hub).dropped == {"export_failed": 1}
            assert row(hub).last_error
        listener.shutdown(socket.SHUT_RDWR)


def test_a_deadline_for_requests():
    """Once hurried, a request ends by the deadline and not by the exporter's own timeout."""
    with OtlpServer() as server:
        server.hang()
        exporter = build("traces", OtlpSettings(url=f"{server.endpoint}/v1/traces", timeout_s=30.0))
        with running(Target(name="t", spans=exporter)) as (hub, source):
            exporter.hurry(time.monotonic() + 0.5)
            source.spans("a")
            begin = time.monotonic()
            assert not hub.flush(10.0)
            assert time.monotonic() - begin < 5.0
            assert row(hub).dropped == {"export_failed": 1}
            exporter.hurry(None)
        server.healthy()


def test_no_certificate_is_trusted_by_accident():
    """A TLS endpoint with a certificate that nobody vouches for is refused, and the cause says so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    context.wrap_socket(connection, server_side=True)
                except ssl.SSLError:
                    connection.close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        exporter = build("traces", OtlpSettings(url=f"https://127.0.0.1:{listener.getsockname()[1]}/v1/traces", timeout_s=0.5))
        with running(Target(name="t", spans=exporter)) as (hub, source):
            source.spans("a")
            assert not hub.flush(5.0)
            assert "SSL" in row(hub).last_error
        listener.shutdown(socket.SHUT_RDWR)


def test_wrong_protocol_is_named():
    """A protocol that is none is refused by name."""
    with pytest.raises(ConfigurationError, match=r"protocol='http/json'.*http/protobuf"):
        build("traces", OtlpSettings(url=DEAD, protocol="http/json"))


def test_an_endpoint_without_a_place_for_the_signal_turns_it_off(otlp_server):
    """404: what comes is counted and not sent; the official exporters do not tell it from other refusals."""
    otlp_server.answer(404)
    with running(target(otlp_server.endpoint)) as (hub, source):
        source.spans("a", "b")
        assert not hub.flush(5.0)
        asked = len(otlp_server.requests)
        source.spans("c")
        assert not hub.flush(5.0)
        account = row(hub)
        assert sum(account.dropped.values()) == 3
        assert "404" in account.last_error
        if "unsupported" in account.dropped:
            assert (account.state, len(otlp_server.requests)) == ("disabled", asked)
