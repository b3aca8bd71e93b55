"""Endpoint roulette: 4317 or 4318, with ``/v1/traces`` or without, scheme required or forbidden.

And a Collector without a pipeline for logs answers 404, or UNIMPLEMENTED, for ever (open-telemetry/opentelemetry-python#5628,
open-telemetry/opentelemetry.io#1586, ogx-ai/ogx#4947).
"""

from __future__ import annotations

import time

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from scripts import run

from langswarm_otel import configure_observability, environment, presets
from langswarm_otel.errors import ConfigurationError

SPELLINGS = [
    "http://collector:4318",
    "http://collector:4318/",
    "collector:4318",
    "http://collector:4318/v1/traces",
    " http://collector:4318 ",
]
URL = "http://collector:4318/v1/traces"


def wait_until(condition, timeout_s=10.0):
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_the_plain_sdk_has_two_meanings(verdict, monkeypatch):
    """The same text is another address as an argument than as a variable, and one of the two is answered 404."""
    as_argument = OTLPSpanExporter(endpoint="http://h:4318")._endpoint
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318")
    as_variable = OTLPSpanExporter()._endpoint
    assert (as_argument, as_variable) == ("http://h:4318", "http://h:4318/v1/traces")
    verdict.plain("http://h:4318 as an argument, http://h:4318/v1/traces as a variable")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_one_address(verdict, spelling):
    """As an argument and as a variable alike."""
    given = {"OTEL_EXPORTER_OTLP_INSECURE": "true"}
    by_argument = environment.resolve(presets.production(endpoint=spelling), given).config
    by_variable = environment.resolve(presets.production(), {**given, "OTEL_EXPORTER_OTLP_ENDPOINT": spelling}).config
    assert by_argument.otlp("traces").url == by_variable.otlp("traces").url == URL
    verdict.ours(f"{len(SPELLINGS)} spellings, as argument and as variable: one address")


@pytest.mark.parametrize(("endpoint", "protocol", "word"), [("http://c:4317", "http/protobuf", "4318"), ("http://c:4318", "grpc", "4317")])
def test_a_port_of_the_other_protocol_is_explained(verdict, endpoint, protocol, word):
    """The message names the port that is meant."""
    with pytest.raises(ConfigurationError, match=word):
        environment.resolve(presets.production(endpoint=endpoint, protocol=protocol), {})
    verdict.ours("a port of the other protocol is explained")


def test_a_collector_without_a_pipeline_for_logs(otlp_server, verdict):
    """That signal is turned off with one line and counted, and the others go on; a new configuration looks again."""
    take = otlp_server._take

    def without_logs(handler):
        if handler.path.endswith("/v1/logs"):
            handler.rfile.read(int(handler.headers["content-length"]))
            otlp_server.asked += 1
            handler.send_response(404)
            handler.send_header("content-length", "0")
            handler.end_headers()
        else:
            take(handler)

    otlp_server.asked = 0
    otlp_server._take = without_logs
    ended = run(
        """
        import sys, time
        from langswarm_otel import configure_observability
        obs = configure_observability("production", endpoint=sys.argv[1], schedule_delay_s=0.05, pipeline_metrics=False)
        for number in range(20):
            with obs.tool("t"):
                obs.log.info("line")
            time.sleep(0.05)
        obs.flush(5)
        for row in obs.health().exporters:
            print("row", row.signal, row.state, row.exported, dict(row.dropped))
        """,
        otlp_server.endpoint,
    )
    rows = {line.split()[1]: line.split(maxsplit=4)[2:] for line in ended.stdout.splitlines() if line.startswith("row")}
    assert rows["logs"] == ["disabled", "0", "{'unsupported': 20}"]
    assert rows["traces"] == ["ok", "20", "{}"]
    assert rows["metrics"][0] == "ok"
    assert otlp_server.asked == 1
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if "has no place for logs" in line]
    assert len(lines) == 1
    verdict.ours("404 for logs: one request, one line, logs off and counted; traces and metrics go on")


def test_a_pipeline_that_was_added_is_found_by_a_new_configuration(otlp_server):
    """Turned off is turned off for a while only."""
    otlp_server.answer(404)
    settings = {"endpoint": otlp_server.endpoint, "log_output": "none", "schedule_delay_s": 0.05, "install_global": False}
    obs = configure_observability("production", **settings)
    obs.log.info("lost")
    assert wait_until(lambda: any(row.state == "disabled" for row in obs.health().exporters))
    otlp_server.healthy()
    again = configure_observability("production", **{**settings, "schedule_delay_s": 0.06})
    with again.tool("t"):
        pass
    assert again.flush(5.0)
    assert otlp_server.span_names() == ["execute_tool t"]
    again.shutdown()
    obs.shutdown()
