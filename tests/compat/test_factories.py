"""The factories: LangSwarm's settings become ours, and what has no meaning here is said in one line."""

import logging

import pytest

from langswarm_otel import compat, current, presets
from langswarm_otel.compat import ObservabilityConfig, ObservabilityProvider
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.runtime import configure_observability
from langswarm_otel.settings.signal import SignalConfig

swarm = pytest.importorskip("swarm")


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "LANGSWARM_OTEL_PRESET"):
        monkeypatch.delenv(name, raising=False)


def configured():
    return current.current_handle().config


def test_development():
    """Everything sampled, lines for people, nothing sent."""
    provider = compat.create_development_observability()
    config = configured()
    assert (config.preset, config.sample_ratio, config.log_level, config.log_format) == ("development", 1.0, "DEBUG", "console")
    assert config.exporters("traces") == ("console",)
    assert provider.opentelemetry_enabled


def test_production(otlp_server, caplog):
    """A tenth of the traces, JSON lines, OTLP to the endpoint; the default log file is not written to, and that is said."""
    with caplog.at_level(logging.INFO, "langswarm_otel"):
        compat.create_production_observability(otlp_endpoint=otlp_server.endpoint, opentelemetry_enabled=True)
    config = configured()
    assert (config.preset, config.sample_ratio, config.endpoint) == ("production", 0.1, otlp_server.endpoint)
    assert (config.log_output, config.log_format) == ("console", "json")
    assert "/var/log/langswarm/app.log" in caplog.text


def test_production_with_a_file_and_addresses_of_its_own(tmp_path, otlp_server):
    """A file that is named is written to, and the addresses are taken exactly."""
    traces, metrics = f"{otlp_server.endpoint}/v1/traces", f"{otlp_server.endpoint}/v1/metrics"
    provider = compat.create_production_observability(str(tmp_path / "app.log"), traces, metrics)
    assert (configured().traces.endpoint, configured().metrics.endpoint) == (traces, metrics)
    provider.logger.info("written", component="shop")
    assert '"written"' in (tmp_path / "app.log").read_text()


def test_each_setting_becomes_ours(otlp_server):
    """By a mapping, by our configuration or by LangSwarm's own, with the same result."""
    from langswarm.core import observability

    given = {
        "log_level": "warning",
        "log_format": "text",
        "trace_sampling_rate": 0.5,
        "metrics_enabled": False,
        "metrics_export_interval": 30,
        "opentelemetry_service_name": "shop",
        "opentelemetry_service_version": "1.2",
        "opentelemetry_otlp_endpoint": otlp_server.endpoint,
        "opentelemetry_otlp_headers": {"x-key": "secret"},
    }
    for config in (given, ObservabilityConfig(**given), observability.ObservabilityConfig(**given)):
        provider = compat.create_observability_provider(config)
        found = configured()
        assert (found.log_level, found.log_format, found.sample_ratio, found.export_interval_s) == ("WARNING", "console", 0.5, 30)
        assert (found.service_name, found.service_version, found.endpoint) == ("shop", "1.2", otlp_server.endpoint)
        assert found.metrics == SignalConfig(exporters=())
        assert dict(found.headers) == {"x-key": "secret"}
        assert (provider.config.tracing_enabled, provider.config.metrics_enabled) == (True, False)
        current.current_handle().shutdown()


def test_port_4317_is_grpc():
    """LangSwarm's pages name it, and LangSwarm would speak gRPC there."""
    pytest.importorskip("grpc")
    compat.create_production_observability(otlp_endpoint="http://localhost:4317", opentelemetry_enabled=True)
    assert configured().protocol == "grpc"


def test_switched_off_nothing_runs():
    """``enabled=False``."""
    provider = compat.create_observability_provider({"enabled": False})
    assert configured().disabled
    assert not provider.opentelemetry_enabled
    with provider.tracer.start_span("work") as span:
        assert span.trace_id == "0" * 32


@pytest.mark.parametrize(
    ("setting", "value", "instead"),
    [
        ("opentelemetry_jaeger_endpoint", "http://localhost:14268/api/traces", ":4318"),
        ("buffer_size", 50, "queue_max_bytes"),
        ("flush_interval", 1, "schedule_delay_s"),
        ("async_processing", False, "caller's thread"),
        ("trace_export_url", "http://localhost:14268/api/traces", "4318/v1/traces"),
        ("metrics_export_url", "http://localhost:9090/api/v1/write", "9090/api/v1/otlp/v1/metrics"),
    ],
)
def test_what_has_no_meaning_here_is_one_line(caplog, setting, value, instead):
    """It names the setting, the value and what to do instead; the rest goes on."""
    compat.create_observability_provider({setting: value})
    (line,) = [record.getMessage() for record in caplog.records if setting in record.getMessage()]
    assert repr(value) in line
    assert instead in line
    assert configured().traces.endpoint is None


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"trace_sampling_rate": 2.0}, "trace_sampling_rate"),
        ({"log_level": "loud"}, "log_level"),
        ({"log_format": "xml"}, "log_format"),
        ({"log_output": "printer"}, "log_output"),
        ({"log_output": "file"}, "log_file_path"),
        ({"trace_export_url": "nowhere at all"}, "trace_export_url"),
        ({"opentelemetry_otlp_endpoint": "ftp://collector"}, "opentelemetry_otlp_endpoint"),
        ({"opentelemetry_otlp_endpoint": "http://user:pass@collector"}, "opentelemetry_otlp_endpoint"),
        ({"metrics_export_interval": -1}, "metrics_export_interval"),
        ({"opentelemetry_prometheus_enabled": True, "opentelemetry_prometheus_port": 99_999}, "opentelemetry_prometheus_port"),
        ({"trace_sampling_rat": 1.0}, "trace_sampling_rat"),
        (7, "config"),
    ],
)
def test_wrong_values_are_named_as_langswarm_names_them(config, field):
    """Field, value and mend; and nothing has been configured."""
    with pytest.raises(ConfigurationError) as raised:
        compat.create_observability_provider(config)
    assert raised.value.field == field
    assert raised.value.mend
    assert "pass@" not in str(raised.value)
    assert current.current_handle() is None
    assert compat.get_observability_provider() is None


def test_a_handle_that_is_there_is_used(caplog):
    """The program's own configuration holds, and one line says so; a second provider says it again."""
    handle = configure_observability(presets.testing(service_name="mine"))
    with caplog.at_level(logging.INFO, "langswarm_otel"):
        provider = compat.create_production_observability()
    assert current.current_handle() is handle
    assert len([record for record in caplog.records if "configured already" in record.getMessage()]) == 1
    with provider.tracer.start_span("work"):
        pass
    assert handle.flush()
    assert [span.name for span in handle.in_memory.spans.kept.items()] == ["work"]


async def test_a_provider_of_ones_own_configures_when_it_starts():
    """As in LangSwarm's pages: made, started, stopped; it can be used before, and started twice."""
    provider = ObservabilityProvider(ObservabilityConfig(log_format="text"), preset="development")
    assert current.current_handle() is None
    assert provider.get_health_status()["status"] == "stopped"
    await provider.start()
    await provider.start()
    # Degraded is what a process stays whose earlier exporters, those of other tests, have lost something.
    assert provider.get_health_status()["status"] in ("healthy", "degraded")
    assert configured().log_format == "console"
    await provider.stop()
    assert provider.get_health_status()["status"] == "stopped"
    assert current.current_handle().running, "others may still be at work"


def test_a_provider_can_be_set_to_something_else():
    """Its own handle is configured anew; that of the program is left alone, and a wrong value changes nothing."""
    provider = compat.create_observability_provider({"trace_sampling_rate": 0.5})
    provider.configure({"trace_sampling_rate": 0.25})
    assert configured().sample_ratio == 0.25
    assert provider.config.trace_sampling_rate == 0.25
    with pytest.raises(ConfigurationError, match="trace_sampling_rate"):
        provider.configure({"trace_sampling_rate": 7})
    assert configured().sample_ratio == provider.config.trace_sampling_rate == 0.25
    current.current_handle().shutdown()
    handle = configure_observability(presets.testing())
    provider.configure({"trace_sampling_rate": 0.1})
    assert current.current_handle() is handle
    assert configured().sample_ratio == 1.0


async def test_both_slots_are_filled_and_emptied():
    """LangSwarm's helpers read one, its own instrumentation the other; ours is an instance of its interfaces."""
    from langswarm.core import observability
    from langswarm.core.observability import auto_instrumentation

    provider = compat.create_observability_provider()
    assert observability.get_observability_provider() is provider
    assert auto_instrumentation.get_global_observability_provider() is provider
    assert isinstance(provider, observability.IObservabilityProvider)
    assert isinstance(provider.logger, observability.ILogger)
    assert isinstance(provider.tracer, observability.ITracer)
    assert isinstance(provider.metrics, observability.IMetrics)
    assert auto_instrumentation.is_auto_instrumentation_enabled()
    await provider.stop()
    assert observability.get_observability_provider() is auto_instrumentation.get_global_observability_provider() is None


async def test_slots_that_hold_another_provider_are_left_alone():
    """Each slot by itself."""
    from langswarm.core import observability
    from langswarm.core.observability import auto_instrumentation

    provider = compat.create_observability_provider()
    other = ObservabilityProvider()
    auto_instrumentation.set_global_observability_provider(other)
    await provider.stop()
    assert auto_instrumentation.get_global_observability_provider() is other
    assert observability.get_observability_provider() is None


def test_the_provider_can_be_set_and_asked_for():
    """By LangSwarm's functions, which are two for each slot and one here."""
    assert compat.get_observability_provider() is None
    compat.initialize_observability()
    first = compat.get_global_observability_provider()
    compat.initialize_observability()
    assert compat.get_observability_provider() is first
    compat.set_observability_provider(None)
    assert compat.get_observability_provider() is None


def test_health_and_memory_have_langswarms_fields(provider, telemetry):
    """And ours beside them."""
    with provider.tracer.start_span("work") as span:
        provider.metrics.increment_counter("sales")
        health = provider.get_health_status()
    assert health["current_trace"] == {"trace_id": span.trace_id, "span_active": True}
    assert health["config"] == {"enabled": True, "log_level": "info", "tracing_enabled": True, "metrics_enabled": True}
    assert health["metrics_summary"]["counters_count"] == 1
    usage = provider.get_memory_usage()
    assert usage["series"] >= 1
    assert usage["total_bytes"] == usage["queued_bytes"] + usage["series_bytes"] > 0


def test_memory_counts_what_waits():
    """The bytes in the queues are those of ``health()``."""
    handle = configure_observability(presets.production(endpoint="http://127.0.0.1:9", instrument=False, schedule_delay_s=60.0))
    provider = ObservabilityProvider()
    with provider.tracer.start_span("work"):
        pass
    assert provider.get_memory_usage()["queued_bytes"] == sum(row.queued_bytes for row in handle.health().exporters) > 0


def test_headers_carry_the_trace(provider, telemetry):
    """W3C; into those that are given, or new ones."""
    headers = {"accept": "*/*"}
    with provider.tracer.start_span("work") as span:
        assert provider.propagate_trace_context(headers) is headers
        fresh = provider.propagate_trace_context()
    assert headers["traceparent"] == fresh["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
    assert provider.propagate_trace_context({}) == {}


@pytest.mark.telemetry(price_table={"gpt-4o": {"input": 2.5, "output": 10.0}})
def test_a_run_that_is_over_can_be_recorded(provider, telemetry):
    """The concept's ``record_agent_execution``: spans of run and call, duration, tokens, cost."""
    provider.record_agent_execution("a-1", "openai", "gpt-4o", 100, 50, 1500.0, True)
    provider.record_agent_execution("a-1", "ProviderType.OPENAI", "gpt-4o", 10, 5, 500.0, success=False)
    assert telemetry.tree().split("\n") == ["invoke_agent a-1", "  chat gpt-4o"] * 2
    assert telemetry.total("gen_ai.client.token.usage", {"gen_ai.provider.name": "openai"}) == 165
    assert telemetry.total("langswarm.gen_ai.cost") > 0
    assert telemetry.total("gen_ai.invoke_agent.duration") == 2.0


def test_spans_and_points_of_others_can_be_exported(provider, telemetry):
    """LangSwarm's own objects, with their times; spans of this provider have been exported already."""
    import datetime as dt

    from langswarm.core.observability import MetricPoint, MetricType, SpanStatus, TraceSpan

    began = dt.datetime(2026, 1, 1, 12, 0)
    told = TraceSpan(
        "1", "2", "tool.execute", began, began + dt.timedelta(seconds=2), status=SpanStatus.ERROR, tags={"tool_name": "abacus"}
    )
    with provider.tracer.start_span("work") as span:
        pass
    points = [MetricPoint("sales", 3, MetricType.COUNTER, began, {"region": "eu"})]
    provider.export_to_opentelemetry([span, told, object()], points)
    provider.export_to_opentelemetry()
    tool = telemetry.span("execute_tool abacus")
    assert (tool.status, tool.duration_s) == ("ERROR", 2.0)
    assert tool.start_ns == int(began.replace(tzinfo=dt.timezone.utc).timestamp()) * 10**9
    assert len(telemetry.spans) == 2
    assert telemetry.metric("sales", region="eu").value == 3
