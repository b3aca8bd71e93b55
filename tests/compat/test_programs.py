"""Programs as LangSwarm's pages on observability have them, with the imports changed, and what of them arrives at an OTLP server."""

from __future__ import annotations

import pytest
import scripts
from otlp_server import attributes

from langswarm_otel import compat, current
from langswarm_otel.guard import faults

swarm = pytest.importorskip("swarm")


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "LANGSWARM_OTEL_PRESET"):
        monkeypatch.delenv(name, raising=False)


async def look():
    return "seen"


async def chat_once():
    model = swarm.Model(swarm.answer(tokens=(10, 1), tool="desk__look"), swarm.answer(tokens=(20, 2)))
    with swarm.registered(swarm.Tool(look=look)):
        agent = swarm.agent(model)
        await agent.initialize()
        return await agent.chat("look")


def by_name(server):
    return {span.name: span for span in server.spans}


async def test_the_quick_start(otlp_server, monkeypatch):
    """A development provider handed to ``initialize_auto_instrumentation``, an agent, and ``stop``: by the environment to a Collector."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_server.endpoint)
    provider = compat.initialize_auto_instrumentation(compat.create_development_observability())
    await chat_once()
    await provider.stop()
    spans = by_name(otlp_server)
    assert spans.keys() == {"invoke_agent helper", "chat gpt-4o", "execute_tool desk"}
    run = spans["invoke_agent helper"]
    assert spans["execute_tool desk"].parent_span_id == run.span_id
    assert attributes(run.attributes)["langswarm.run.input_tokens"] == 30
    lines = {record.body.string_value: record for record in otlp_server.log_records}
    assert lines["Chat completed for agent helper"].span_id == run.span_id
    assert lines["Chat completed for agent helper"].trace_id == run.trace_id
    assert faults() == {}


async def test_the_configuration_by_hand(otlp_server):
    """An ``ObservabilityConfig``, spans and metrics by hand, the five classes, ``flush`` and ``stop``."""
    config = compat.ObservabilityConfig(
        enabled=True,
        log_level=compat.LogLevel.INFO,
        opentelemetry_enabled=True,
        opentelemetry_service_name="shop",
        opentelemetry_otlp_endpoint=otlp_server.endpoint,
    )
    provider = compat.ObservabilityProvider(config)
    await provider.start()
    with provider.tracer.start_span("agent.chat_request") as span:
        span.add_tag("agent_type", "conversational")
        span.add_tag("user_id", "user_123")
        provider.logger.info("Processing chat request", component="agent", operation="chat")
        with provider.tracer.start_span("agent.generate_response") as nested:
            nested.add_tag("model", "gpt-4")
            provider.metrics.increment_counter("agent.requests.total", agent_type="conversational")
            provider.metrics.record_histogram("agent.response_time", 0.6, model="gpt-4")
    obs = compat.create_all_observability_integrations(provider)
    with obs["agent"].trace_message_processing("helper", 12):
        obs["agent"].record_token_usage("helper", 100, 50, "openai")
        with obs["tool"].trace_tool_execution("abacus", "add", {"a": 1}):
            pass
        with obs["memory"].trace_memory_operation("search", "sqlite"):
            obs["memory"].record_search_performance("sqlite", 4.0, 3)
    with obs["workflow"].trace_workflow_execution("plan", "linear", 1), obs["workflow"].trace_step_execution("plan", "one", "agent"):
        pass
    await provider.flush()
    await provider.stop()
    names = set(otlp_server.span_names())
    assert names == {
        *("agent.chat_request", "agent.generate_response", "invoke_agent helper", "execute_tool abacus", "search_memory"),
        *("invoke_workflow plan", "workflow_step one"),
    }
    request = attributes(by_name(otlp_server)["agent.chat_request"].attributes)
    assert request["langswarm.tag.agent_type"] == "conversational"
    assert "user_123" not in str(otlp_server.spans)
    assert attributes(by_name(otlp_server)["agent.generate_response"].attributes)["gen_ai.request.model"] == "gpt-4"
    metrics = {name for name, _ in otlp_server.metric_points}
    assert {"agent.requests.total", "agent.response_time", "gen_ai.client.token.usage", "gen_ai.execute_tool.duration"} <= metrics
    assert {resource["service.name"] for resource in otlp_server.resources} == {"shop"}
    processing = next(record for record in otlp_server.log_records if record.body.string_value == "Processing chat request")
    assert processing.span_id == by_name(otlp_server)["agent.chat_request"].span_id
    assert {scope.scope.name for message in otlp_server.messages("logs") for one in message.resource_logs for scope in one.scope_logs} >= {
        "langswarm_observability"
    }
    assert faults() == {}


async def test_instrumentation_by_hand(otlp_server):
    """LangSwarm's own mixin, decorators and ``auto_record_metric``, with the provider started and stopped by its functions."""
    from langswarm.core.observability import AutoInstrumentedMixin, auto_instrument_function, instrument_agent_operation
    from langswarm.core.observability.auto_instrumentation import auto_record_metric

    compat.initialize_auto_instrumentation(compat.ObservabilityConfig(opentelemetry_otlp_endpoint=otlp_server.endpoint))
    await compat.start_auto_instrumentation()

    class MyService(AutoInstrumentedMixin):
        def work(self):
            with self._auto_trace("do_work", region="eu"):
                self._auto_log("info", "Working...")

    @instrument_agent_operation("custom_action")
    async def act():
        return "done"

    @auto_instrument_function("data_processing", "custom_component")
    def process():
        raise LookupError("gone")

    MyService().work()
    assert await act() == "done"
    with pytest.raises(LookupError):
        process()
    auto_record_metric("business.sales.completed", 1.0, "counter", region="us-east", product="premium")
    auto_record_metric("api.latency_ms", 350.0, "histogram")
    await compat.stop_auto_instrumentation()
    spans = by_name(otlp_server)
    assert spans.keys() == {"myservice.do_work", "custom_action", "data_processing"}
    assert attributes(spans["data_processing"].attributes)["error.type"] == "LookupError"
    points = {name: attributes(point.attributes) for name, point in otlp_server.metric_points}
    assert points["business.sales.completed"] == {"component": "unknown", "region": "us-east", "product": "premium"} or points[
        "business.sales.completed"
    ] == {"region": "us-east", "product": "premium"}
    assert "api.latency_ms" in points
    assert faults() == {}


async def test_langswarms_shortcuts_reach_us(otlp_server):
    """``log_info``, ``trace_operation`` and ``record_metric`` of LangSwarm's package read one of the slots that we fill."""
    from langswarm.core import observability

    provider = compat.create_observability_provider({"opentelemetry_otlp_endpoint": otlp_server.endpoint})
    with observability.trace_operation("work"):
        observability.log_info("inside", component="shop")
    observability.record_metric("stock", 3, region="eu")
    await provider.flush()
    assert otlp_server.span_names() == ["work"]
    assert "stock" in {name for name, _ in otlp_server.metric_points}
    inside = next(record for record in otlp_server.log_records if record.body.string_value == "inside")
    assert inside.span_id == otlp_server.spans[0].span_id


def test_slots_are_filled_when_langswarm_is_imported_later():
    """The factories do not import LangSwarm; a program that does so afterwards has the provider in both slots."""
    result = scripts.run(
        """
        import sys, warnings
        warnings.simplefilter("ignore")
        from langswarm_otel.compat import create_development_observability
        provider = create_development_observability()
        assert not [name for name in sys.modules if name.split(".")[0] == "langswarm"]
        from langswarm.core import observability
        from langswarm.core.observability import auto_instrumentation
        assert observability.get_observability_provider() is provider
        assert auto_instrumentation.get_global_observability_provider() is provider
        print("both")
        """
    )
    assert result.stdout.strip().endswith("both"), result.stderr
    assert current.current_handle() is None


def test_without_langswarm_the_drop_in_works():
    """Nothing of it is imported, and the slots are nobody's."""
    result = scripts.run(
        """
        import sys
        sys.modules["langswarm"] = None
        from langswarm_otel.compat import create_observability_provider
        provider = create_observability_provider({"trace_sampling_rate": 0.5, "tracing_enabled": False, "metrics_enabled": False})
        with provider.tracer.start_span("work"):
            provider.metrics.increment_counter("sales")
        print("works")
        """
    )
    assert result.stdout.strip().endswith("works"), result.stderr


@pytest.mark.parametrize("own_structlog", [False, True], ids=["our structlog", "a structlog of the application's"])
async def test_what_langswarms_lines_quote_is_withheld(otlp_server, own_structlog):
    """LangSwarm writes the text of errors into its lines; also where the application's loggers have no names, it does not leave."""
    import structlog

    if own_structlog:
        structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])

    async def fail():
        raise KeyError("Jane Doe")

    provider = compat.create_observability_provider({"opentelemetry_otlp_endpoint": otlp_server.endpoint})
    await swarm.Tool(fail=fail).execution.execute("fail", {})
    provider.logger.info("mine")
    await provider.flush()
    texts = [record.body.string_value for record in otlp_server.log_records]
    assert "text withheld: capture_content is off" in texts
    assert "mine" in texts, "the program's own lines are its own to write"
    assert "Jane Doe" not in str(otlp_server.log_records)
