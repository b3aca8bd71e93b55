"""The five ``*Observability`` classes: LangSwarm's signatures, standard telemetry, nothing counted twice."""

import inspect

import pytest

from langswarm_otel import compat
from langswarm_otel.guard import faults

swarm = pytest.importorskip("swarm")

CLASSES = ["Agent", "Tool", "Session", "Memory", "Workflow", "Component"]


def shape(function):
    """Names, kinds and defaults of a function's parameters."""
    return [(one.name, one.kind, one.default) for one in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", CLASSES)
def test_signatures_are_langswarms(name):
    """Every public method of the real class is there, with the same parameters."""
    from langswarm.core.observability import integrations

    real, ours = getattr(integrations, f"{name}Observability"), getattr(compat, f"{name}Observability")
    methods = {key: value for key, value in vars(real).items() if not key.startswith("_") or key == "__init__"}
    assert methods
    for key, method in methods.items():
        assert shape(getattr(ours, key)) == shape(method), key


@pytest.mark.parametrize(
    "name",
    [
        *("create_observability_provider", "create_development_observability", "create_production_observability"),
        *("create_all_observability_integrations", "create_agent_observability", "get_observability_provider"),
        *("set_observability_provider", "initialize_observability", "log_info", "log_error", "trace_operation", "record_metric"),
        *("set_global_observability_provider", "get_global_observability_provider", "initialize_auto_instrumentation"),
        *("start_auto_instrumentation", "stop_auto_instrumentation", "counter", "gauge", "histogram", "timer", "get_tracer"),
        *("get_logger", "get_metrics", "create_logger", "create_tracer", "create_metrics"),
    ],
)
def test_functions_have_langswarms_signatures(name):
    """The factories and shortcuts of LangSwarm's package."""
    from langswarm.core import observability
    from langswarm.core.observability import integrations

    real = getattr(observability, name, None) or getattr(integrations, name)
    assert shape(getattr(compat, name)) == shape(real)


@pytest.mark.parametrize(("interface", "part"), [("ILogger", "logger"), ("ITracer", "tracer"), ("IMetrics", "metrics")])
def test_the_parts_of_the_provider_have_langswarms_interfaces(interface, part):
    """Every abstract method, with the same parameters."""
    from langswarm.core.observability import interfaces

    declared = getattr(interfaces, interface)
    ours = type(getattr(compat.ObservabilityProvider(), part))
    for name in declared.__abstractmethods__:
        assert shape(getattr(ours, name)) == shape(getattr(declared, name)), name


def test_the_configuration_has_langswarms_fields():
    """By name and default."""
    import dataclasses

    from langswarm.core.observability import ObservabilityConfig

    def described(config):
        return {one.name: getattr(config(), one.name) for one in dataclasses.fields(config)}

    assert described(compat.ObservabilityConfig) == described(ObservabilityConfig)


def test_agents(provider, telemetry):
    """Creation, a run, and what is told of runs that nobody traced."""
    obs = provider.agent_obs
    obs.trace_agent_creation("a-1", "openai", "gpt-4o")
    with obs.trace_message_processing("a-1", 42):
        obs.record_token_usage("a-1", 100, 50, "openai")
        obs.record_error("a-1", "timeout", "openai", "gpt-4o")
    assert telemetry.tree() == "agent.create\ninvoke_agent a-1"
    run = telemetry.span("invoke_agent a-1")
    assert (run.status, run.attributes["error.type"]) == ("ERROR", "timeout")
    assert run.attributes["gen_ai.usage.input_tokens"] == 100
    assert run.attributes["langswarm.tag.message_length"] == 42
    assert telemetry.total("langswarm.operation.errors", {"gen_ai.operation.name": "invoke_agent"}) == 1
    assert telemetry.log("Started operation: agent.process_message").span_id == run.span_id
    assert telemetry.log("agent: Agent error: timeout").severity_text == "ERROR"
    obs.record_response_time("a-2", 1500.0, "openai", "gpt-4o")
    obs.record_token_usage("a-2", 7, 3, "ProviderType.OPENAI")
    obs.record_error("a-2", "timeout", "openai", "gpt-4o")
    assert telemetry.metric("gen_ai.invoke_agent.duration", {"gen_ai.agent.name": "a-2"}).value == 1.5
    assert telemetry.total("gen_ai.client.token.usage", {"gen_ai.agent.name": "a-2", "gen_ai.provider.name": "openai"}) == 10
    assert telemetry.total("langswarm.operation.errors", {"gen_ai.agent.name": "a-2"}) == 1
    assert faults() == {}


def test_tools(provider, telemetry):
    """A call that is traced, and calls that are told of."""
    obs = provider.tool_obs
    with obs.trace_tool_execution("abacus", "add", {"a": 1, "b": 2}):
        obs.record_execution_time("abacus", "add", 5.0, success=True)
        obs.record_tool_error("abacus", "add", "overflow")
    span = telemetry.span("execute_tool abacus")
    assert span.attributes["langswarm.tool.method"] == "add"
    assert span.attributes["langswarm.tag.param_count"] == 2
    assert span.attributes["error.type"] == "overflow"
    assert telemetry.metric("gen_ai.execute_tool.duration").count == 1
    obs.record_execution_time("scales", "weigh", 250.0, success=False)
    obs.record_tool_error("scales", "weigh", "broken")
    failed = telemetry.metric("gen_ai.execute_tool.duration", {"gen_ai.tool.name": "scales"})
    assert (failed.value, failed.attributes["langswarm.outcome"]) == (0.25, "error")
    assert telemetry.total("langswarm.operation.errors", {"gen_ai.tool.name": "scales"}) == 1
    with obs.trace_tool_registry_operation("register", "abacus"):
        pass
    assert telemetry.span("tool.registry.register").attributes["gen_ai.tool.name"] == "abacus"
    assert faults() == {}


def test_sessions(provider, telemetry):
    """Creation, messages, duration; the user leaves as a hash, and the conversation is on everything inside."""
    obs = provider.session_obs
    obs.trace_session_creation("s-1", "jane", "openai", "local")
    with obs.trace_message_handling("s-1", "user", 5), provider.tracer.start_span("inside"):
        pass
    obs.record_session_duration("s-1", 2.5, "openai")
    obs.record_message_count("s-1", 10, "openai")
    obs.record_session_error("s-1", "timeout", "send_message")
    assert telemetry.tree() == "session.create\nsession.handle_message\n  inside"
    assert telemetry.span("inside").attributes["gen_ai.conversation.id"] == "s-1"
    assert telemetry.metric("langswarm.session.messages").attributes == {"langswarm.message.role": "user"}
    assert telemetry.metric("langswarm.session.duration").value == 150.0
    assert telemetry.metric("session.message_count").value == 10
    assert telemetry.total("langswarm.operation.errors", {"gen_ai.operation.name": "session"}) == 1
    assert "jane" not in str((telemetry.spans, telemetry.logs, telemetry.metrics))
    assert faults() == {}


def test_memory(provider, telemetry):
    """Operations by their standard names, look-ups by result."""
    obs = provider.memory_obs
    with obs.trace_memory_operation("search", "sqlite", "s-1"):
        obs.record_search_performance("sqlite", 4.0, 3)
        obs.record_operation_time("search", "sqlite", 4.0, success=True)
    with obs.trace_memory_operation("store", "sqlite"):
        obs.record_memory_error("store", "sqlite", "disk_full")
    assert telemetry.tree() == "search_memory\ncreate_memory"
    search = telemetry.span("search_memory")
    assert (search.attributes["langswarm.memory.result"], search.attributes["gen_ai.memory.record.count"]) == ("hit", 3)
    assert search.attributes["gen_ai.conversation.id"] == "s-1"
    assert telemetry.span("create_memory").attributes["error.type"] == "disk_full"
    obs.record_search_performance("redis", 20.0, 0)
    obs.record_operation_time("delete", "redis", 30.0, success=False)
    obs.record_memory_usage("redis", 2, 30, 1.5)
    lookups = {
        (point.attributes["gen_ai.memory.store.id"], point.attributes["langswarm.memory.result"]): point.value
        for point in telemetry.metrics
        if point.name == "langswarm.memory.lookups"
    }
    assert lookups == {("sqlite", "hit"): 1, ("redis", "miss"): 1}
    deleted = telemetry.metric("gen_ai.client.operation.duration", {"gen_ai.operation.name": "delete_memory"})
    assert (deleted.value, deleted.attributes["langswarm.outcome"]) == (0.03, "error")
    assert telemetry.metric("memory.storage_mb").value == 1.5
    assert faults() == {}


def test_workflows(provider, telemetry):
    """Runs and steps."""
    obs = provider.workflow_obs
    with obs.trace_workflow_execution("plan", "linear", 2), obs.trace_step_execution("plan", "fetch", "tool"):
        obs.record_step_performance("plan", "fetch", "tool", 3.0, success=True)
        obs.record_workflow_duration("plan", 9.0, success=True)
        obs.record_workflow_error("plan", "fetch", "timeout")
    assert telemetry.tree() == "invoke_workflow plan\n  workflow_step fetch"
    step = telemetry.span("workflow_step fetch")
    assert (step.attributes["gen_ai.workflow.name"], step.attributes["langswarm.workflow.step.type"]) == ("plan", "tool")
    assert step.attributes["error.type"] == "timeout"
    assert telemetry.metric("gen_ai.invoke_workflow.duration").count == 1
    assert telemetry.metric("langswarm.workflow.step.duration").count == 1
    with obs.trace_step_execution("other", "alone", "agent"):
        pass
    assert telemetry.span("workflow_step alone").attributes["gen_ai.workflow.name"] == "other"
    obs.record_workflow_duration("told", 2000.0, success=False)
    obs.record_step_performance("told", "one", "agent", 1000.0, success=True)
    obs.record_workflow_error("told", None, "timeout")
    assert telemetry.metric("gen_ai.invoke_workflow.duration", {"gen_ai.workflow.name": "told"}).value == 2.0
    assert telemetry.total("langswarm.operation.errors", {"gen_ai.workflow.name": "told"}) == 1
    assert faults() == {}


def test_langswarms_own_classes_work_on_our_provider(provider, telemetry):
    """A program may still import the five from LangSwarm: operations are ours, and its metrics are instruments of their names."""
    from langswarm.core.observability import create_all_observability_integrations

    theirs = create_all_observability_integrations(provider)
    with theirs["tool"].trace_tool_execution("abacus", "add", {}), theirs["workflow"].trace_step_execution("plan", "one", "agent"):
        pass
    theirs["agent"].record_token_usage("a-1", 100, 50, "openai")
    theirs["agent"].log_operation("ready")
    assert telemetry.tree() == "execute_tool abacus\n  workflow_step one"
    assert telemetry.metric("agent.tokens.total").value == 150
    assert faults() == {}


def test_without_a_provider_they_follow_the_current_handle(telemetry):
    """LangSwarm would make each a provider of its own."""
    made = compat.create_all_observability_integrations()
    assert sorted(made) == ["agent", "memory", "session", "tool", "workflow"]
    with made["workflow"].trace_workflow_execution("plan", "linear", 1):
        pass
    assert telemetry.tree() == "invoke_workflow plan"


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram", "timer", "unheard-of"])
def test_components_of_ones_own(provider, telemetry, kind):
    """Name of the component first; a kind that there is not is left out."""
    compat.ComponentObservability("shop", provider).record_metric("sales", 3, kind, region="eu", session_id="s-1")
    points = [point for point in telemetry.metrics if point.name == "shop.sales"]
    assert [dict(point.attributes) for point in points] == ([{"region": "eu", "component": "shop"}] if kind != "unheard-of" else [])
