"""The demo's report: the same from what arrived as from what was made, and drawn as it should be."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from langswarm_otel import environment, presets, semconv
from langswarm_otel.cli import arrived, held, rendering
from langswarm_otel.cli.plain import plain_text
from langswarm_otel.cli.report import Counts, LogLine, Report, SeriesRow
from langswarm_otel.cli.wording import amount, distinguished
from langswarm_otel.config import SignalConfig
from langswarm_otel.receiver import OtlpReceiver
from langswarm_otel.runtime import configure_observability
from langswarm_otel.tree import TreeNode

MS = 1_000_000


def drawn(report, width=100, **options):
    terminal = Console(file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False, **options)
    rendering.print_report(terminal, report)
    return terminal.file.getvalue()


def node(span_id, parent_id, name, start, end, *, failed=False, trace_id="t" * 32, **attributes):
    return TreeNode(
        span_id=span_id,
        parent_id=parent_id,
        name=name,
        start_ns=start * MS,
        end_ns=None if end is None else end * MS,
        failed=failed,
        attributes=attributes,
        trace_id=trace_id,
    )


def test_what_arrived_reads_as_what_was_made():
    """Spans, percentiles of every series and log lines are the same at the receiver as in memory and in the statistics."""
    with OtlpReceiver() as receiver:
        both = SignalConfig(exporters=("otlp", "memory"))
        settings = {"traces": both, "metrics": both, "logs": both, "instrument": False, "pipeline_metrics": False}
        config = presets.production(endpoint=receiver.endpoint, log_output="none", **settings)
        handle = configure_observability(environment.resolve(config, {}).config, install_global=False)
        for number in range(20):
            with handle.agent("a"), handle.inference(provider="openai", model="gpt-4o") as call:
                call.usage(input_tokens=10 * number, output_tokens=number)
                handle.log.info("answered", number=number)
        statistics = handle.statistics()
        assert handle.shutdown(10)
        made, there = held.report_of(handle, statistics), arrived.report_of(receiver)
        assert arrived.counts_of(receiver) == held.emitted(handle.health()) == held.delivered(handle.health())
    key = lambda one: (one.metric, sorted(map(str, one.attributes.items())))  # noqa: E731
    assert there.nodes == made.nodes
    assert len(there.nodes) == 40
    for ours, theirs in zip(sorted(made.series, key=key), sorted(there.series, key=key), strict=True):
        assert ours.metric == theirs.metric
        assert ours.attributes == theirs.attributes
        assert ours.count == theirs.count
        assert [ours.p50, ours.p95, ours.p99, ours.total] == pytest.approx([theirs.p50, theirs.p95, theirs.p99, theirs.total])
    assert [(line.text, line.level, line.span_id) for line in there.lines] == [(line.text, line.level, line.span_id) for line in made.lines]
    assert len(there.lines) == 20


def test_a_trace_is_drawn_as_a_waterfall():
    """Branches, bars at their time, totals marked, the error with its type."""
    nodes = [
        node("1", None, "invoke_agent a", 0, 100, **{semconv.RUN_INPUT_TOKENS: 10, semconv.RUN_OUTPUT_TOKENS: 2, semconv.RUN_COST: 0.5}),
        node("2", "1", "chat m", 0, 50, **{semconv.USAGE_INPUT_TOKENS: 10, semconv.USAGE_OUTPUT_TOKENS: 2, semconv.COST: 0.5}),
        node("3", "1", "execute_tool t", 50, 100, failed=True, **{semconv.ERROR_TYPE: "TimeoutError"}),
        node("4", "3", "inner", 75, None),
    ]
    head, _, root, chat, tool, inner = drawn(Report(nodes=nodes, series=(), lines=())).splitlines()[:6]
    assert head == f"Trace  {'t' * 32}"
    assert root.startswith("  invoke_agent a")
    assert chat.startswith("  ├─ chat m")
    assert tool.startswith("  └─ execute_tool t")
    assert inner.startswith("     └─ inner")
    assert root.count("█") >= 2 * chat.count("█") - 1
    assert tool.index("█") > chat.rindex("█") - 1
    assert "Σ 10→2" in root
    assert "  10→2" in chat
    assert tool.endswith("✗ TimeoutError")
    assert "running" in inner


def test_traces_are_drawn_apart_in_the_order_they_began():
    """Each trace has its own section and its own scale."""
    nodes = [node("1", None, "second", 500, 600, trace_id="b"), node("1", None, "first", 0, 1, trace_id="a")]
    lines = [line for line in drawn(Report(nodes=nodes, series=(), lines=())).splitlines() if line.startswith("Trace")]
    assert lines == ["Trace  a", "Trace  b"]


def test_nothing_is_drawn_of_nothing():
    """An empty report prints nothing, and a trace of no duration does not divide by zero."""
    assert drawn(Report(nodes=(), series=(), lines=())) == ""
    assert "instant  ▏" in drawn(Report(nodes=[node("1", None, "instant", 5, 5)], series=(), lines=()))


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    """However long names, attributes and lines are."""
    nodes = [node("1", None, "x" * 300, 0, 5)]
    series = [SeriesRow(metric="m" * 200, unit="s", attributes={"a": str(i) * 80}, count=1, p50=1, p95=1, p99=1, total=1) for i in range(2)]
    lines = [LogLine(time_ns=1, level="info", text="y" * 500, trace_id="t" * 32, span_id="1")]
    assert max(map(len, drawn(Report(nodes=nodes, series=series, lines=lines), width).splitlines())) <= width


def test_what_telemetry_says_cannot_drive_the_terminal():
    """Escape sequences and markup in names, attributes and bodies are shown, not obeyed, in both renderings."""
    evil = "\x1b[2J[bold]x\n"
    report = Report(
        nodes=[node("1", None, evil, 0, 5, **{semconv.ERROR_TYPE: evil, semconv.OUTCOME: "error"})],
        series=[SeriesRow(metric="m", unit=evil, attributes={"k": evil + str(i)}, total=1) for i in range(2)],
        lines=[LogLine(time_ns=1, level="info", text=evil, attributes={evil: evil}, trace_id="t" * 32, span_id="1")],
    )
    for text in (drawn(report, 200), plain_text(report)):
        assert "\x1b" not in text
        assert "\\x1b[2J[bold]x\\n" in text


def test_series_are_told_apart_by_as_few_values_as_possible():
    """What is the same for all is left out, agents come first, a single series needs nothing."""

    def row(metric, **attributes):
        return SeriesRow(metric=metric, unit="s", attributes=attributes)

    rows = [
        row("m", **{"z": 1, semconv.OPERATION_NAME: "chat", semconv.AGENT_NAME: "a", "same": 0}),
        row("m", **{"z": 1, semconv.OPERATION_NAME: "chat", semconv.AGENT_NAME: "b", "same": 0}),
        row("m", **{"z": 2, semconv.OPERATION_NAME: "search", semconv.AGENT_NAME: "b", "same": 0}),
        row("alone", z=5),
    ]
    assert distinguished(rows) == ["a chat", "b chat", "b search", ""]


def test_amounts_have_the_unit_that_people_say():
    """Seconds as durations, dollars as money, things that are counted as whole numbers."""
    said = {(0.0123, "s"): "12.3 ms", (0.5, "{USD}"): "$0.5000", (34.2, "{token}"): "34", (1.5, "{record}"): "1.5", (1e6, "1"): "1,000,000"}
    assert {key: amount(*key) for key in said} == said
    assert amount(None, "s") == ""


def test_lines_outside_a_trace_are_counted_not_shown():
    """The report is about lines that carry their trace."""
    lines = [
        LogLine(time_ns=1, level="info", text="inside", trace_id="t" * 32, span_id="1"),
        LogLine(time_ns=2, level="info", text="apart"),
    ]
    report = Report(nodes=[node("1", None, "span", 0, 5)], series=(), lines=lines)
    for text in (drawn(report), plain_text(report)):
        assert "inside" in text
        assert "apart" not in text
        assert "1 more belong to no trace" in text


def test_counts_say_what_they_count():
    """The summary line of the demo."""
    assert str(Counts(spans=1, metric_points=2, log_records=3)) == "1 spans, 2 metric points, 3 log records"
    assert Counts(spans=1, metric_points=2, log_records=3).total == 6
