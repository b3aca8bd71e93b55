"""The official OTLP/HTTP exporters, which are one setting away: what holds for them alone."""

from __future__ import annotations

import requests
from hub_exporters import OtlpSettings, row, running

from langswarm_otel import configure_observability
from langswarm_otel.export.hub import Target
from langswarm_otel.export.otlp import build_otlp


def test_a_session_of_the_exporter(otlp_server):
    """Without a session of ours (credential providers need theirs) everything works, down to the official exporter's blind spots."""
    exporter = build_otlp("traces", OtlpSettings(url=f"{otlp_server.endpoint}/v1/traces"), official="alone")
    with running(Target(name="t", spans=exporter)) as (hub, source):
        source.spans("a", "lone \ud800 surrogate", "b")
        assert not hub.flush(5.0)
        assert otlp_server.span_names() == ["a", "b"]
        assert row(hub).dropped == {"unencodable": 1}


def test_the_exporter_is_the_official_one():
    """What is built is a subclass of the official exporter, so whoever looks for that finds it."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = build_otlp("traces", OtlpSettings(url="http://127.0.0.1:9/v1/traces"), official="watched")
    assert isinstance(exporter, OTLPSpanExporter)
    assert isinstance(exporter._watched_session, requests.Session)
    exporter.shutdown()
    exporter.shutdown()


def test_the_setting(otlp_server, monkeypatch):
    """One setting, from an argument or the environment, puts the official exporter in the place of ours, and everything arrives."""
    monkeypatch.setenv("LANGSWARM_OTEL_OTLP_EXPORTER", "official")
    handle = configure_observability("production", install_global=False, endpoint=otlp_server.endpoint, log_output="none")
    assert handle.explain().get("otlp_exporter").source == "environment LANGSWARM_OTEL_OTLP_EXPORTER"
    with handle.tool("t"):
        handle.log.info("line")
    assert handle.flush(10.0)
    agents = {request.headers["user-agent"].split("/")[0] for request in otlp_server.requests}
    assert agents == {"OTel-OTLP-Exporter-Python"}
    assert all(row.circuit is None for row in handle.health().exporters)
    handle.shutdown(5.0)
