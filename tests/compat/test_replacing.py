"""Programs that import LangSwarm's own names, and are not changed at all."""

from __future__ import annotations

import sys

import pytest
import scripts
from openai_server import OpenAiServer

from langswarm_otel import compat

swarm = pytest.importorskip("swarm")

QUICK_START = """
import asyncio, sys, warnings
from langswarm_otel import compat

compat.install()
warnings.simplefilter("ignore")

from langswarm.core import agents
from langswarm.core.observability import auto_instrumentation, provider as of_langswarm

async def ask(address):
    observed = auto_instrumentation.initialize_auto_instrumentation(of_langswarm.create_development_observability())
    builder = agents.AgentBuilder("debugger").openai("sk-not-a-real-key-of-anyone").base_url(address)
    await (await builder.model("gpt-4o").build()).chat("what is the time?")
    await observed.stop()

asyncio.run(ask(sys.argv[1]))
"""


def test_the_quick_start_of_langswarms_documentation(otlp_server):
    """It names LangSwarm's modules only, and an agent that can be built: run, call and tokens arrive by their standard names."""
    pytest.importorskip("openai")
    with OpenAiServer() as model:
        done = scripts.run(QUICK_START, model.base_url, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_server.endpoint)
    assert done.returncode == 0, done.stderr
    spans = {span.name: span for span in otlp_server.spans}
    assert {"invoke_agent debugger", "chat gpt-4o"} <= spans.keys()
    assert spans["chat gpt-4o"].parent_span_id == spans["invoke_agent debugger"].span_id
    metrics = {name for name, _ in otlp_server.metric_points}
    assert {"gen_ai.invoke_agent.duration", "gen_ai.client.token.usage"} <= metrics


def test_every_name_is_put_back():
    """Package and modules have the identical objects again, also after a second round; LangSwarm's data was never touched."""
    from langswarm.core import observability
    from langswarm.core.observability import integrations

    modules = [module for name, module in sys.modules.items() if name.startswith("langswarm.core.observability")]
    before = {module: dict(vars(module)) for module in modules}
    for _ in range(2):
        compat.install()
        compat.install()
        assert observability.create_development_observability is compat.create_development_observability
        assert integrations.AgentObservability is compat.AgentObservability
        assert observability.LogLevel is before[observability]["LogLevel"]
        compat.uninstall()
        for module, names in before.items():
            assert all(vars(module)[name] is one for name, one in names.items())


async def test_langswarms_own_configuration_is_taken(telemetry):
    """Its ``ObservabilityConfig``, provider and classes, by LangSwarm's own names."""
    from langswarm.core import observability

    compat.install()
    try:
        provider = observability.ObservabilityProvider(observability.ObservabilityConfig(log_level=observability.LogLevel.INFO))
        agents = observability.AgentObservability(provider)
        with provider.tracer.start_span("work"), agents.trace_message_processing("writer", 3):
            observability.counter("sold", 2, shop="north")
    finally:
        compat.uninstall()
    assert telemetry.tree() == "work\n  invoke_agent writer"
    assert telemetry.metric("sold", shop="north").value == 2
