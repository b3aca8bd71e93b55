"""Traces as trees on the terminal."""

from __future__ import annotations

import io
import sys

import pytest
from hub_exporters import RESOURCE, row, running
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from langswarm_otel import semconv
from langswarm_otel.export.console import ConsoleTreeExporter
from langswarm_otel.export.hub import Target


@pytest.fixture
def tracer():
    return TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("t")


def ended(tracer, name, parent=None, **attributes):
    """An ended span under a parent."""
    context = trace.set_span_in_context(parent) if parent is not None else None
    span = tracer.start_span(name, context, attributes=attributes)
    span.end()
    return span


def names(out: io.StringIO) -> list[str]:
    """The names on the lines, with their indentation."""
    return [line.split("  ")[0] if not line.startswith(" ") else "  " + line.strip().split("  ")[0] for line in out.getvalue().splitlines()]


def test_a_tree_is_printed_when_its_root_ends(tracer):
    """Nothing is printed before the root has ended; then the whole trace, nested, with tokens, cost and outcome."""
    out = io.StringIO()
    exporter = ConsoleTreeExporter(out)
    root = tracer.start_span("invoke_agent a")
    usage = {semconv.USAGE_INPUT_TOKENS: 1200, semconv.USAGE_OUTPUT_TOKENS: 30, semconv.COST: 0.0123}
    chat = ended(tracer, "chat m", root, **usage)
    failed = tracer.start_span("execute_tool t", trace.set_span_in_context(root))
    failed.set_status(Status(StatusCode.ERROR))
    failed.end()
    exporter.export([chat, failed])
    assert out.getvalue() == ""
    root.end()
    assert exporter.export([root]) is SpanExportResult.SUCCESS
    assert names(out) == ["invoke_agent a", "  chat m", "  execute_tool t"]
    for part in ("1,200 in", "30 out", "$0.0123", "error"):
        assert part in out.getvalue()


def test_traces_do_not_mix(tracer):
    """Two interleaved traces are printed each for itself."""
    out = io.StringIO()
    exporter = ConsoleTreeExporter(out)
    one, two = tracer.start_span("one"), tracer.start_span("two")
    exporter.export([ended(tracer, "of one", one), ended(tracer, "of two", two)])
    two.end()
    exporter.export([two])
    assert names(out) == ["two", "  of two"]
    one.end()
    exporter.export([one])
    assert names(out) == ["two", "  of two", "one", "  of one"]


def test_a_remote_parent_makes_a_local_root(tracer):
    """A span whose parent is in another process is where this process's tree begins."""
    out = io.StringIO()
    remote = NonRecordingSpan(SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1)))
    span = tracer.start_span("serve", trace.set_span_in_context(remote))
    child = ended(tracer, "chat", span)
    span.end()
    ConsoleTreeExporter(out).export([child, span])
    assert names(out) == ["serve", "  chat"]


def test_orphans_are_printed_after_a_while(tracer):
    """Spans whose root never ends are printed after the time, and at shutdown."""
    out, now = io.StringIO(), [0.0]
    exporter = ConsoleTreeExporter(out, orphan_s=30.0, clock=lambda: now[0])
    exporter.export([ended(tracer, "early", tracer.start_span("never"))])
    now[0] = 29.0
    exporter.export([ended(tracer, "late", tracer.start_span("never"))])
    assert out.getvalue() == ""
    now[0] = 31.0
    exporter.export([ended(tracer, "root")])
    assert sorted(names(out)) == ["early", "root"]
    exporter.shutdown()
    assert sorted(names(out)) == ["early", "late", "root"]


def test_memory_is_bounded(tracer):
    """With too many spans waiting, the oldest traces are printed as they are; what is held stays within the bound."""
    out = io.StringIO()
    exporter = ConsoleTreeExporter(out, max_spans=10)
    for number in range(100):
        exporter.export([ended(tracer, f"s{number}", tracer.start_span("never"))])
        assert exporter._count == sum(map(len, exporter._waiting.values())) <= 10
    assert names(out) == [f"s{number}" for number in range(90)]


def test_one_huge_trace_is_bounded_too(tracer):
    """A trace that alone exceeds the bound is printed in parts."""
    out = io.StringIO()
    exporter = ConsoleTreeExporter(out, max_spans=10)
    root = tracer.start_span("root")
    for _ in range(95):
        exporter.export([ended(tracer, "s", root)])
        assert exporter._count <= 10
    exporter.shutdown()
    assert len(names(out)) == 95


def test_it_prints_to_the_standard_error_of_the_moment(tracer, capsys):
    """Without a stream it writes where ``sys.stderr`` points when it prints, never to standard output."""
    exporter = ConsoleTreeExporter()
    exporter.export([ended(tracer, "s")])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("s")


def test_terminals_that_cannot_show_it(tracer, monkeypatch):
    """A terminal without Unicode gets escapes, a closed one and none at all make the export fail, and nothing raises."""
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    assert ConsoleTreeExporter(narrow).export([ended(tracer, "größe \U0001f600")]) is SpanExportResult.SUCCESS
    narrow.seek(0)
    assert "gr\\xf6\\xdfe" in narrow.read()
    closed = io.StringIO()
    closed.close()
    assert ConsoleTreeExporter(closed).export([ended(tracer, "s")]) is SpanExportResult.FAILURE
    monkeypatch.setattr(sys, "stderr", None)
    assert ConsoleTreeExporter().export([ended(tracer, "s")]) is SpanExportResult.FAILURE


def test_in_a_hub():
    """In a hub, a run is printed by the flush after its end."""
    out = io.StringIO()
    with running(Target(name="console", spans=ConsoleTreeExporter(out))) as (hub, source):
        with source.tracer.start_as_current_span("outer"), source.tracer.start_as_current_span("inner"):
            pass
        assert hub.flush(5.0)
        assert names(out) == ["outer", "  inner"]
        assert row(hub).exported == 2
