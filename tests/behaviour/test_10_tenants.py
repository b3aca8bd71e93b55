"""Hijacked global provider: tenants see each other.

A library grabs the global provider, so every tenant's spans go to the first tenant's backend; or somebody else set it first and we fall
silent (langgenius/dify#36107, langflow-ai/langflow#13344, open-telemetry/opentelemetry-python#4557, BerriAI/litellm#7875).
"""

from __future__ import annotations

from contextlib import ExitStack

from otlp_server import OtlpServer
from scripts import run

from langswarm_otel import configure_observability

PLAIN_SDK = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    tenants = {}
    for tenant in ("a", "b"):
        provider = TracerProvider()
        tenants[tenant] = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(tenants[tenant]))
        trace.set_tracer_provider(provider)
        trace.get_tracer("app").start_span("of " + tenant).end()
    print([span.name for span in tenants["a"].get_finished_spans()])
"""

HIJACKED = """
    import sys
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    theirs = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    trace.set_tracer_provider(provider)
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1], log_output="none", on_foreign=sys.argv[2])
    with obs.tool("ours"):
        pass
    trace.get_tracer("app").start_span("theirs").end()
    obs.flush(5)
    print(obs.health().mode, [span.name for span in theirs.get_finished_spans()])
"""


def test_the_plain_sdk_mixes_tenants(verdict):
    """The second tenant's provider is ignored, and its spans go to the first one's backend."""
    assert "['of a', 'of b']" in run(PLAIN_SDK).stdout
    verdict.plain("the second tenant's spans go to the first tenant")


def test_private_handles_do_not_see_each_other(verdict):
    """Three tenants, each with its own server: spans, metrics and lines stay apart, and the global provider stays as it was."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(OtlpServer()) for name in ("a", "b", "c")}
        handles = {
            name: configure_observability(
                "production", service_name=name, endpoint=server.endpoint, install_global=False, log_output="none", export_interval_s=None
            )
            for name, server in servers.items()
        }
        for _ in range(3):
            for name, handle in handles.items():
                with handle.agent(name), handle.tool(f"tool of {name}"):
                    pass
        for name, handle in handles.items():
            assert handle.flush(5.0)
            assert handle.health().mode == "private"
            assert set(servers[name].span_names()) == {f"invoke_agent {name}", f"execute_tool tool of {name}"}
            assert {resource["service.name"] for resource in servers[name].resources} == {name}
            assert handle.shutdown()
    verdict.ours("three private handles: each server gets its tenant only")


def test_a_provider_of_others_is_joined_on_purpose_or_left_alone(otlp_server, verdict):
    """Joined, both get everything, and health says so; private, each gets its own."""
    joined = run(HIJACKED, otlp_server.endpoint, "join")
    assert joined.stdout.strip() == "joined ['execute_tool ours', 'theirs']", joined.stderr
    assert sorted(otlp_server.span_names()) == ["execute_tool ours", "theirs"]
    otlp_server.requests.clear()
    private = run(HIJACKED, otlp_server.endpoint, "private")
    assert private.stdout.strip() == "private ['theirs']", private.stderr
    assert otlp_server.span_names() == ["execute_tool ours"]
    refused = run(HIJACKED, otlp_server.endpoint, "error")
    assert "on_foreign" in refused.stderr
    verdict.ours("a provider of others is joined, left alone or refused, as one says")
