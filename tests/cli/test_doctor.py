"""The doctor names the cause and the mend of each way in which telemetry does not arrive, and never a secret."""

from __future__ import annotations

import time

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from langswarm_otel.cli import main

SECRET = "Bearer s3cr3t-value"


def examine(capsys, *arguments):
    """Run the doctor; return its exit status, the lines of checks that failed, and everything it said."""
    status = main(["doctor", *arguments])
    output = capsys.readouterr()
    return status, [line for line in output.out.splitlines() if line.startswith("FAIL")], output.out + output.err


def test_a_healthy_receiver_passes_every_check(otlp_server, capsys):
    """Name, port and each signal are checked; an empty request of each arrives, and nothing in it."""
    status, failed, said = examine(capsys, "--endpoint", otlp_server.endpoint)
    assert (status, failed) == (0, [])
    assert [line.split()[:2] for line in said.splitlines() if line.startswith("  ok")] == [
        ["ok", check] for check in ("DNS", "port", "TLS", "traces", "metrics", "logs")
    ]
    assert sorted(request.path for request in otlp_server.requests) == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert (otlp_server.spans, otlp_server.metrics, otlp_server.log_records) == ([], [], [])


def test_the_environment_says_where_to_look(otlp_server, capsys, monkeypatch):
    """Without options the doctor checks what the application would use, headers and compression included."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_server.endpoint)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cr3t-value")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    status, failed, said = examine(capsys)
    assert (status, failed) == (0, [])
    assert {request.headers["authorization"] for request in otlp_server.requests} == {SECRET}
    assert {request.headers["content-encoding"] for request in otlp_server.requests} == {"gzip"}
    assert "s3cr3t" not in said


def test_signals_that_are_off_are_said_and_not_sent(otlp_server, capsys, monkeypatch):
    """A signal without OTLP is no failure."""
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    status, failed, said = examine(capsys, "--endpoint", otlp_server.endpoint)
    assert (status, failed) == (0, [])
    assert "metrics   are not exported over OTLP" in said
    assert "/v1/metrics" not in {request.path for request in otlp_server.requests}


def test_an_unknown_host(capsys):
    """A name that does not resolve ends the checks of that address."""
    status, failed, said = examine(capsys, "--endpoint", "http://collector.invalid:4318")
    assert status == 1
    assert len(failed) == 1
    assert "nobody knows the host collector.invalid" in failed[0]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in failed[0]
    assert "port" not in [line.split()[1] for line in said.splitlines() if line.startswith(("  ok", "FAIL"))]


def test_nothing_listens(capsys, closed_port):
    """A closed port is told from an unknown host, with what to start."""
    status, failed, _ = examine(capsys, "--endpoint", f"http://127.0.0.1:{closed_port}")
    assert status == 1
    assert len(failed) == 1
    assert f"nothing listens on 127.0.0.1:{closed_port}; start a Collector" in failed[0]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (("301 Moved", "Location: https://user:pw@elsewhere/v1/traces?key=s3cr3t\r\n"), "redirects to https://***@elsewhere/v1/traces"),
        (("308 Permanent Redirect", ""), "exporters do not follow"),
        (("401 Unauthorized", ""), "wants credentials"),
        (("403 Forbidden", ""), "refuses these credentials"),
        (("404 Not Found", ""), "no pipeline for traces"),
        (("405 Method Not Allowed", ""), "takes no POST"),
        (("415 Unsupported", ""), "does not take protobuf"),
        (("429 Too Many", ""), "takes no more for now"),
        (("503 Unavailable", ""), "overloaded"),
        (("500 Oops", ""), "HTTP 500"),
        (("204 No Content", ""), "where OTLP answers 200"),
        (("200 OK", "Content-Type: text/html\r\n", b"<html>hello</html>"), "not from an OTLP receiver"),
        (("200 OK", "Content-Type: text/plain\r\n", b"\xff\xffhello"), "not from an OTLP receiver"),
    ],
)
def test_each_answer_that_is_no_success_is_explained(http_server, capsys, answer, cause):
    """200 with the response message is the only success: redirects, 204 and somebody's home page are failures with a mend."""
    status, failed, said = examine(capsys, "--endpoint", f"http://127.0.0.1:{http_server(*answer)}")
    assert status == 1
    assert len(failed) == 3
    assert cause in failed[0]
    assert "; " in failed[0]
    assert "s3cr3t" not in said
    assert "pw@" not in said


@pytest.mark.parametrize(
    "answer",
    [
        ("200 OK",),
        ("200 OK", "Content-Type: application/json\r\n", b'{"partialSuccess":{}}'),
        ("200 OK", "Content-Type: application/x-protobuf\r\n", ExportTraceServiceResponse().SerializeToString()),
    ],
)
def test_receivers_that_answer_tersely_pass(http_server, capsys, answer):
    """An empty answer and a JSON one are successes in the field."""
    assert examine(capsys, "--endpoint", f"http://127.0.0.1:{http_server(*answer)}")[0] == 0


def test_a_receiver_that_hangs_is_given_up(silent_server, capsys):
    """Each signal is bounded by the timeout, whatever the server does."""
    begun = time.monotonic()
    status, failed, _ = examine(capsys, "--endpoint", f"http://127.0.0.1:{silent_server}", "--timeout", "0.3")
    assert status == 1
    assert len(failed) == 3
    assert all("did not answer within 0.3 s" in line for line in failed)
    assert time.monotonic() - begun < 10


def test_a_server_that_drips_is_given_up(dripping_server, capsys):
    """A byte now and then resets a socket's timeout, but not the check's."""
    status, failed, _ = examine(capsys, "--endpoint", f"http://127.0.0.1:{dripping_server}", "--timeout", "0.5")
    assert status == 1
    assert all("did not answer within 0.5 s" in line for line in failed)


def test_http_to_a_grpc_port(grpc_server, capsys):
    """The most frequent mistake is named as what it is."""
    status, failed, _ = examine(capsys, "--endpoint", f"http://127.0.0.1:{grpc_server('traces')}")
    assert status == 1
    assert len(failed) == 3
    assert "is a gRPC server" in failed[0]
    assert "grpc in protocol=" in failed[0]


def test_port_4317_over_http_is_refused_without_a_connection(capsys):
    """The settings themselves say that this cannot work."""
    status, failed, _ = examine(capsys, "--endpoint", "http://127.0.0.1:4317")
    assert status == 1
    assert len(failed) == 1
    assert "4318" in failed[0]


def test_a_grpc_receiver_passes(grpc_server, capsys):
    """Each signal is called over gRPC."""
    port = grpc_server("traces", "metrics", "logs")
    status, failed, said = examine(capsys, "--endpoint", f"http://127.0.0.1:{port}", "--protocol", "grpc")
    assert (status, failed) == (0, [])
    assert said.count("gRPC OK") == 3


def test_a_grpc_receiver_without_a_pipeline(grpc_server, capsys):
    """UNIMPLEMENTED of one signal is that signal's failure alone."""
    port = grpc_server("traces", "logs")
    status, failed, said = examine(capsys, "--endpoint", f"http://127.0.0.1:{port}", "--protocol", "grpc")
    assert status == 1
    assert len(failed) == 1
    assert "metrics   gRPC UNIMPLEMENTED" in failed[0]
    assert said.count("gRPC OK") == 2


def test_grpc_to_an_http_port(otlp_server, capsys):
    """The mistake the other way round."""
    pytest.importorskip("grpc")
    status, failed, _ = examine(capsys, "--endpoint", otlp_server.endpoint, "--protocol", "grpc", "--timeout", "2")
    assert status == 1
    assert len(failed) == 3
    assert "speaks HTTP/1.1, not gRPC" in failed[0]


def test_tls_to_a_plain_port(http_server, capsys):
    """https:// where nobody speaks TLS."""
    status, failed, _ = examine(capsys, "--endpoint", f"https://127.0.0.1:{http_server('200 OK')}", "--timeout", "1")
    assert status == 1
    assert len(failed) == 1
    assert "write http://" in failed[0]


def test_plain_to_a_tls_port(tls_server, capsys):
    """http:// where everybody speaks TLS."""
    status, failed, _ = examine(capsys, "--endpoint", f"http://127.0.0.1:{tls_server}")
    assert status == 1
    assert "speaks TLS only; write https://" in failed[0]


def test_a_certificate_nobody_signed(tls_server, capsys):
    """A certificate that the exporter would refuse is a failure here."""
    status, failed, _ = examine(capsys, "--endpoint", f"https://127.0.0.1:{tls_server}")
    assert status == 1
    assert len(failed) == 1
    assert "is not trusted" in failed[0]
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in failed[0]


def test_a_certificate_that_is_given_is_trusted(tls_server, certificate, capsys, monkeypatch):
    """With the authority of the settings the same server passes."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificate[0]))
    status, failed, said = examine(capsys, "--endpoint", f"https://127.0.0.1:{tls_server}")
    assert (status, failed) == (0, [])
    assert "the certificate is valid" in said


def test_a_certificate_file_that_is_none(tls_server, capsys, monkeypatch, tmp_path):
    """A file without certificates is a failure that names the file."""
    (tmp_path / "empty.pem").write_text("nothing")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tmp_path / "empty.pem"))
    status, failed, _ = examine(capsys, "--endpoint", f"https://127.0.0.1:{tls_server}")
    assert status == 1
    assert "empty.pem" in failed[0]


def test_a_header_with_a_line_end_is_found_and_not_shown(otlp_server, capsys, monkeypatch):
    """The library's own message would repeat the value."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cr3t%0Ax")
    status, _, said = examine(capsys, "--endpoint", otlp_server.endpoint)
    assert status == 1
    assert "s3cr3t" not in said


def test_requests_go_through_the_proxy_of_the_environment(otlp_server, capsys, monkeypatch):
    """The exporter would use it, so the doctor does; its credentials are not shown."""
    monkeypatch.setenv("HTTP_PROXY", otlp_server.endpoint.replace("http://", "http://user:s3cr3t@"))
    status, failed, said = examine(capsys, "--endpoint", "http://collector.invalid:4318")
    assert (status, failed) == (0, [])
    assert f"go through {otlp_server.endpoint}" in said
    assert len(otlp_server.requests) == 3
    assert "s3cr3t" not in said


def test_telemetry_that_is_switched_off_is_a_cause(capsys, monkeypatch):
    """Nothing arrives because nothing is sent."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    status, failed, _ = examine(capsys)
    assert status == 1
    assert "switched off (environment OTEL_SDK_DISABLED)" in failed[0]


@pytest.mark.parametrize("arguments", [["--endpoint", "ftp://x"], ["--preset", "prodution"], ["--preset", "testing"]])
def test_settings_that_make_no_sense_are_one_failure(capsys, arguments):
    """Nothing is tried with them."""
    status, failed, _ = examine(capsys, *arguments)
    assert status == 1
    assert len(failed) == 1
    assert " settings " in failed[0]


@pytest.mark.parametrize(
    "arguments", [["--timeout", "0"], ["--timeout", "x"], ["--timeout", "nan"], ["--protocol", "http/json"], ["extra"]]
)
def test_a_command_line_that_makes_no_sense_is_refused(capsys, arguments):
    """The parser says how it goes and exits with 2."""
    with pytest.raises(SystemExit) as exit_:
        main(["doctor", *arguments])
    assert exit_.value.code == 2
