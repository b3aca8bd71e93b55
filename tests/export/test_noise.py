"""An outage is one WARNING and one INFO of ours, and nothing of OpenTelemetry's or of the HTTP client's."""

from __future__ import annotations

import logging

import pytest
from hub_exporters import Logs, OtlpSettings, Spans, row, running, switch, threads, wait_until
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp_server import OtlpServer

from langswarm_otel.export import noise
from langswarm_otel.export.hub import ExportHub, Target
from langswarm_otel.export.noise import Voice
from langswarm_otel.export.otlp import build_otlp

DEAD = "http://127.0.0.1:9"


@pytest.fixture
def heard(caplog):
    """Everything logged by anybody, at any level."""
    caplog.set_level(logging.DEBUG)
    return caplog


def ours(heard) -> list[tuple[int, str]]:
    return [(record.levelno, record.getMessage()) for record in heard.records if record.name == "langswarm_otel"]


def theirs(heard) -> list[str]:
    return [record.getMessage() for record in heard.records if record.name.startswith(("opentelemetry", "urllib3", "requests", "grpc"))]


def test_an_outage_and_its_end(heard):
    """The official exporter against a server that refuses, is back, and refuses again: one WARNING with endpoint, cause and next step, one
    INFO; the second outage within a minute is not reported anew.
    """
    with OtlpServer() as server:
        server.refuse()
        exporter = build_otlp("traces", OtlpSettings(url=f"{server.endpoint}/v1/traces", timeout_s=0.2))
        with running(Target(name=server.endpoint, spans=exporter)) as (hub, source):
            for _ in range(4):
                source.spans("a")
                assert not hub.flush(5.0)
            assert [level for level, _ in ours(heard)] == [logging.WARNING]
            message = ours(heard)[0][1]
            for part in (server.endpoint, "Connection refused", f"langswarm-otel doctor --endpoint {server.endpoint}"):
                assert part in message
            server.answer(200, {"connection": "close"})
            for _ in range(3):
                source.spans("b")
                assert hub.flush(5.0)
            assert [level for level, _ in ours(heard)] == [logging.WARNING, logging.INFO]
            server.refuse()
            source.spans("c")
            assert not hub.flush(5.0)
        assert [level for level, _ in ours(heard)] == [logging.WARNING, logging.INFO]
        assert theirs(heard) == []


def test_all_signals_are_one_outage(heard):
    """Traces and logs of a target fail together: one WARNING; INFO comes when both are back."""
    spans, logs = Spans(fails=True), Logs(fails=True)
    with running(Target(name="t", spans=spans, logs=logs)) as (hub, source):

        def export() -> None:
            source.spans("a")
            source.logs("l")
            hub.flush(5.0)

        export()
        export()
        assert [level for level, _ in ours(heard)] == [logging.WARNING]
        spans.conduct.fails = False
        export()
        assert [level for level, _ in ours(heard)] == [logging.WARNING]
        logs.conduct.fails = False
        export()
        assert [level for level, _ in ours(heard)] == [logging.WARNING, logging.INFO]


def test_a_deadline_is_reported_too(heard):
    """A target that never answered until the shutdown is reported then, once, with what was known of the cause."""
    with running(Target(name="t", spans=Spans(hangs=True), logs=Logs(hangs=True))) as (hub, source):
        source.spans("a")
        source.logs("l")
        hub.shutdown(0.2)
        assert [level for level, _ in ours(heard)] == [logging.WARNING]
        assert "deadline" in ours(heard)[0][1]


def test_nothing_lost_nothing_said(heard):
    """Healthy operation, a switch and a shutdown say nothing."""
    with running(Target(name="t", spans=Spans())) as (hub, source):
        source.spans("a")
        hub.flush(5.0)
        switch(hub, Target(name="u", spans=Spans()))
        source.spans("a")
        hub.shutdown(5.0)
    assert ours(heard) == []


def test_exporters_of_others_keep_talking(heard):
    """Only what is logged in our workers is kept quiet: an exporter that somebody else runs logs as ever, while and after ours is used."""
    with running(Target(name=DEAD, spans=OTLPSpanExporter(endpoint=f"{DEAD}/v1/traces", timeout=0.2))) as (hub, source):
        source.spans("a")
        hub.flush(5.0)
        assert theirs(heard) == []
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{DEAD}/v1/traces", timeout=0.2)))
        provider.get_tracer("t").start_span("b").end()
        provider.force_flush()
        assert any("Failed to export" in message for message in theirs(heard))
        provider.shutdown()


def filtered() -> set[str]:
    """Names of the loggers that carry our filter."""
    return {name for name in noise.LOGGERS if noise._filter in logging.getLogger(name).filters}


def test_filters_go_with_the_last_target():
    """The filters are on each exact logger while a hub has targets, through switches too, and gone afterwards; hubs count."""
    before = filtered()
    one, two = ExportHub(), ExportHub()
    switch(one, Target(name="t", spans=Spans()))
    switch(two, Target(name="t", spans=Spans()))
    switch(one, Target(name="u", spans=Spans()))
    assert filtered() == set(noise.LOGGERS)
    one.shutdown(1.0)
    assert filtered() == set(noise.LOGGERS)
    two.shutdown(1.0)
    two.shutdown(1.0)
    assert filtered() == before


def test_a_worker_that_was_left_behind_stays_quiet(heard):
    """When a request that was left behind at a shutdown fails at last, its library says nothing either."""
    with OtlpServer() as server:
        server.hang()
        before = threads()
        exporter = OTLPSpanExporter(endpoint=f"{server.endpoint}/v1/traces", timeout=0.7)
        with running(Target(name="t", spans=exporter)) as (hub, source):
            source.spans("a")
            assert not hub.shutdown(0.1)
            assert threads() - before
            assert wait_until(lambda: threads() <= before)  # the request has failed now
        server.healthy()
    assert theirs(heard) == []


def test_flapping_is_said_once_a_minute(heard, monkeypatch):
    """A target that fails every other time is reported once in the quiet time, and again after it."""
    now = [1000.0]
    monkeypatch.setattr(noise.time, "monotonic", lambda: now[0])
    voice = Voice("http://c:4318")
    for _ in range(50):
        voice.failed("traces", "why")
        voice.succeeded("traces")
        now[0] += 1.0
    assert [level for level, _ in ours(heard)] == [logging.WARNING, logging.INFO]
    now[0] += noise.QUIET_S
    voice.failed("traces", "why")
    assert [level for level, _ in ours(heard)] == [logging.WARNING, logging.INFO, logging.WARNING]


def test_failing_state_while_quiet(heard):
    """health() knows what the log does not repeat."""
    with running(Target(name="t", spans=Spans(fails=True)), schedule_delay_s=0.01) as (hub, source):
        for number in range(1, 4):
            source.spans("a")
            assert wait_until(lambda want=number: row(hub).dropped.get("export_failed") == want)
        assert len(ours(heard)) == 1
