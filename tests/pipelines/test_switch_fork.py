"""Handles obtained before a fork work in the child, which is a process of its own to whoever reads its telemetry."""

from __future__ import annotations

import os

import pytest
from scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

PROGRAM = """
    import os, threading, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from opentelemetry.sdk._logs import LogRecordLimits
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from langswarm_otel.pipelines.sampling import SwitchSampler
    from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
    from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    resource = Resource.create({"service.name": "s"})
    tracers = SwitchTracerProvider(
        resource=resource, sampler=SwitchSampler(), span_limits=SpanLimits(), processors=[SimpleSpanProcessor(spans)]
    )
    loggers = SwitchLoggerProvider(resource=resource, limits=LogRecordLimits(), processors=[SimpleLogRecordProcessor(logs)])
    tracer, logger = tracers.get_tracer("t"), loggers.get_logger("l", attributes={"a": 1})

    def seen():
        tracer.start_span("s").end()
        logger.emit(body="b")
        resources = [spans.get_finished_spans()[-1].resource, logs.get_finished_logs()[-1].resource]
        return {(one.attributes["service.name"], one.attributes["service.instance.id"]) for one in resources}

    before = seen()
    pid = os.fork()
    if pid == 0:
        after = seen()
        tracers.get_tracer("new")
        os._exit(0 if len(before) == len(after) == 1 and not before & after and {name for name, _ in after} == {"s"} else 1)
    print(os.waitpid(pid, 0)[1], seen() == before)
"""


def test_a_child_has_an_instance_id_of_its_own() -> None:
    """Spans and records of a tracer and a logger from before the fork carry the new id in the child, and the old one in the parent."""
    ended = run(PROGRAM)
    assert ended.stdout.split() == ["0", "True"], (ended.stdout, ended.stderr)
