"""Configuring twice doubles everything.

Notebooks, Streamlit, reloaders and per-request clients stack processors; or tracers cached before re-configuration keep writing to the old
backend. The plain SDK ignores a second provider with a warning, so a re-configuration there changes nothing.
"""

from __future__ import annotations

import threading
import time

from opentelemetry import metrics, trace
from otlp_server import OtlpServer
from scripts import run

import langswarm_otel
from langswarm_otel import configure_observability

TRACER = trace.get_tracer("of a module, taken at import")
COUNTER = metrics.get_meter("of a module").create_counter("made_at_import")


@langswarm_otel.tool("decorated at import")
def decorated() -> str:
    return "result"


def production(endpoint: str):
    return configure_observability(
        "production", service_name="b08", endpoint=endpoint, log_output="none", configure_structlog=False, instrument=False
    )


def test_equal_configuration_is_the_same_handle_and_nothing_doubles(verdict):
    """Fifty equal calls give one handle and one set of threads; each span, made through whatever tracer, arrives once."""
    with OtlpServer() as server:
        first = production(server.endpoint)
        decorated()
        assert first.flush(5)
        threads = threading.active_count()
        assert all(production(server.endpoint) is first for _ in range(50))
        assert decorated() == "result"
        TRACER.start_span("foreign").end()
        COUNTER.add(1)
        assert first.flush(5)
        assert threading.active_count() <= threads
        assert server.wait_for(spans=3)
        time.sleep(0.1)
        assert sorted(server.span_names()) == ["execute_tool decorated at import", "execute_tool decorated at import", "foreign"]
        assert first.shutdown(5)
    verdict.ours("50 times the same: one handle, each span once")


def test_new_configuration_takes_over_without_loss(verdict):
    """Another endpoint: what was made before arrives at the old one, what comes after at the new one, nothing at both; threads stay."""
    with OtlpServer() as old, OtlpServer() as new:
        first = production(old.endpoint)
        decorated()
        first.flush(5)
        threads = threading.active_count()
        decorated()
        TRACER.start_span("before").end()
        second = production(new.endpoint)
        assert second is not first
        assert first.superseded
        decorated()
        first.tool("by the old handle")(decorated)()
        TRACER.start_span("after").end()
        assert second.flush(5)
        assert old.span_names().count("execute_tool decorated at import") == 2
        assert "before" in old.span_names()
        assert "after" not in old.span_names()
        assert sorted(new.span_names()) == sorted(
            ["execute_tool decorated at import", "execute_tool decorated at import", "execute_tool by the old handle", "after"]
        )
        assert first.shutdown(1)
        decorated()
        assert second.flush(5)
        assert len(new.spans) == 5
        assert threading.active_count() <= threads + 1
        second.shutdown(5)
    verdict.ours("a new endpoint takes over, nothing lost or doubled")


def test_counters_go_on_across_a_new_endpoint():
    """A cumulative counter neither restarts nor loses what was counted before the switch."""
    with OtlpServer() as old, OtlpServer() as new:
        production(old.endpoint)
        COUNTER.add(5)
        second = production(new.endpoint)
        COUNTER.add(2)
        assert second.flush(5)
        values = [point.as_int for name, point in new.metric_points if name == "made_at_import"]
        assert values[-1] >= 7
        second.shutdown(5)


def test_fifty_switches_under_load():
    """Spans made by four threads during fifty re-configurations arrive exactly once each, somewhere."""
    with OtlpServer() as left, OtlpServer() as right:
        handle = production(left.endpoint)
        stop = threading.Event()
        made = [0, 0, 0, 0]

        def work(index: int) -> None:
            while not stop.is_set():
                TRACER.start_span(f"{index}-{made[index]}").end()
                made[index] += 1
                time.sleep(0.0005)

        workers = [threading.Thread(target=work, args=(index,)) for index in range(4)]
        for worker in workers:
            worker.start()
        for number in range(50):
            handle = production((left, right)[number % 2].endpoint)
        stop.set()
        for worker in workers:
            worker.join()
        assert handle.flush(10)
        names = left.span_names() + right.span_names()
        assert len(names) == len(set(names)) == sum(made)
        handle.shutdown(5)


PLAIN_SDK = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    old, new = InMemorySpanExporter(), InMemorySpanExporter()
    first, second = TracerProvider(), TracerProvider()
    for provider, exporter in ((first, old), (first, old), (second, new)):
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
    with trace.get_tracer("t").start_as_current_span("one"):
        pass
    print(len(old.get_finished_spans()), len(new.get_finished_spans()))
"""


def test_the_plain_sdk_doubles_and_does_not_follow(verdict):
    """The same processor added again makes each span twice, and a second provider is ignored with a warning."""
    ended = run(PLAIN_SDK)
    assert ended.stdout.split() == ["2", "0"], ended.stderr
    assert "Overriding of current TracerProvider is not allowed" in ended.stderr
    verdict.plain("set up twice: each span twice; a second provider is ignored")
