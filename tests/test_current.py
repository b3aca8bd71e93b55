"""The handle in force, and the operations as functions that follow it."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langswarm_otel import current, override
from langswarm_otel.signals.telemetry import Policy, build_telemetry


class Handle:
    """Something that has telemetry, and remembers what arrived there."""

    def __init__(self):
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.telemetry = build_telemetry(provider, NoOpMeterProvider(), NoOpLoggerProvider(), Policy())

    @property
    def names(self):
        return [span.name for span in self._exporter.get_finished_spans()]


@pytest.fixture(autouse=True)
def _no_handle():
    before = current.current_handle()
    yield
    current.set_current(before)
    override.set_override(None)


@current.tool("decorated")
def decorated():
    return 1


def test_twins_follow_the_handle():
    """A decorator applied at import and blocks emit into the handle that is current when they run."""
    first, second = Handle(), Handle()
    current.set_current(first)
    decorated()
    current.set_current(second)
    decorated()
    with current.agent("a"), current.inference(model="m"), current.memory("search", store="s"):
        pass
    assert current.current_handle() is second
    assert first.names == ["execute_tool decorated"]
    assert second.names == ["execute_tool decorated", "search_memory", "chat m", "invoke_agent a"]


def test_an_override_wins():
    """A capture takes what is emitted in its context, whichever handle is current."""
    handle, captured = Handle(), Handle()
    current.set_current(handle)
    override.set_override(captured)  # type: ignore[arg-type]
    assert current.telemetry() is captured.telemetry
    decorated()
    override.set_override(None)
    decorated()
    assert (captured.names, handle.names) == (["execute_tool decorated"], ["execute_tool decorated"])


def test_every_twin_is_there():
    """All operations and all recorders."""
    current.set_current(handle := Handle())
    with current.session("s"), current.workflow("w"), current.step("s"), current.traced("f"), current.timer("t"):
        pass
    current.agents.record_execution("a", "p", "m", 1, 1, 1.0, True)
    current.tools.record_execution("t", 1.0)
    current.sessions.record_message("s")
    current.memories.record_operation("search", "m", 1.0)
    current.workflows.record_execution("w", 1.0)
    assert handle.names == [
        "f",
        "workflow_step s",
        "invoke_workflow w",
        "chat m",
        "invoke_agent a",
        "execute_tool t",
        "search_memory",
        "invoke_workflow w",
    ]


def run(script):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=60).stdout


def test_without_a_handle_the_apis_global_providers_are_used():
    """A program that sets up OpenTelemetry itself, even afterwards, gets our spans and metrics there."""
    out = run("""
        from langswarm_otel import current
        @current.tool("early")
        def early(): return 7
        assert early() == 7
        from opentelemetry import trace, metrics
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider(); provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider); metrics.set_meter_provider(MeterProvider([reader]))
        early()
        print([span.name for span in exporter.get_finished_spans()])
        print(sorted(m.name for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics))
    """)
    assert out.splitlines() == ["['execute_tool early']", "['gen_ai.execute_tool.duration']"]


def test_nothing_heavy_is_loaded():
    """Floors 0, 3, 4 and 5 load neither the SDK nor any optional library, nor asyncio, also when they are used without configuration."""
    out = run("""
        import sys
        from langswarm_otel import current, propagation
        with current.session("s"), current.agent("a"), current.tool("t"):
            pass
        heavy = ("opentelemetry.sdk", "structlog", "wrapt", "opentelemetry.instrumentation", "opentelemetry.util.genai", "requests",
                 "urllib3", "grpc", "google.protobuf", "prometheus_client", "genai_prices", "pydantic", "asyncio", "langswarm", "rich")
        print([name for name in heavy if name in sys.modules])
    """)
    assert out.strip() == "[]"
