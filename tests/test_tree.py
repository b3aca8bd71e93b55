"""The tree of spans: order, roots, cycles, depth and what it says about each span."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from langswarm_otel import semconv
from langswarm_otel.tree import MAX_INDENT, TreeNode, cost_text, duration_text, place, render_tree, summarise

MS = 1_000_000


def node(span_id, parent_id=None, *, start=0, end=None, name=None, trace_id="", failed=False, **attributes):
    return TreeNode(
        span_id=span_id,
        parent_id=parent_id,
        name=name or span_id,
        start_ns=start,
        end_ns=start if end is None else end,
        attributes=attributes,
        trace_id=trace_id,
        failed=failed,
    )


def test_children_follow_their_parent_in_the_order_they_started():
    """Nodes arrive in end order, as exporters hand them out; the tree is in start order, nested, without a trailing line end."""
    nodes = [node("tool", "agent", start=2), node("chat", "agent", start=1), node("agent", start=0), node("late", start=9)]
    assert render_tree(nodes) == "agent\n  chat\n  tool\nlate"


def test_siblings_of_the_same_start_keep_the_order_given():
    """A clock that stands still (frozen in tests) leaves the given order."""
    nodes = [node("root", start=5), node("b", "root", start=5), node("a", "root", start=5), node("c", "root", start=5)]
    assert render_tree(nodes) == "root\n  b\n  a\n  c"


def test_a_span_whose_parent_is_missing_is_a_root():
    """Remote parents and lost spans cost the nesting, never the span."""
    assert render_tree([node("x", "elsewhere", start=1), node("y", "x", start=2)]) == "x\n  y"


def test_equal_span_ids_of_different_traces_stay_apart():
    """The key of a span is trace and span id together."""
    nodes = [
        node("1", name="first", trace_id="a"),
        node("1", name="second", trace_id="b", start=5),
        node("2", "1", name="child of second", trace_id="b", start=6),
    ]
    assert render_tree(nodes) == "first\nsecond\n  child of second"


def test_a_span_delivered_twice_is_shown_twice_but_its_children_once():
    """OTLP delivers at least once; a repeated parent does not repeat the tree below it."""
    assert render_tree([node("a"), node("b", "a", start=1), node("a")]) == "a\n  b\na"


def test_cycles_are_printed_once_each():
    """Spans that name each other as parent neither hang nor vanish."""
    nodes = [node("self", "self", start=0), node("a", "c", start=1), node("b", "a", start=2), node("c", "b", start=3), node("ok", start=9)]
    assert render_tree(nodes) == "self\nok\na\n  b\n    c"


def test_depth_is_not_limited_by_recursion():
    """A chain of 20 000 spans renders, each on its line, and its indentation stays bounded."""
    nodes = [node(str(i), str(i - 1) if i else None, start=i) for i in range(20_000)]
    random.Random(1).shuffle(nodes)
    lines = render_tree(nodes).splitlines()
    assert [line.strip() for line in lines] == [str(i) for i in range(20_000)]
    assert lines[MAX_INDENT].startswith("  " * MAX_INDENT + str(MAX_INDENT))
    assert len(lines[-1]) == 2 * MAX_INDENT + len("19999")


@given(st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 12), st.integers(0, 4)), max_size=25))
def test_every_node_is_placed_exactly_once(shape):
    """Whatever the ids and parents are, no node is lost or doubled and a child stands one level below its parent."""
    nodes = [node(str(i), None if parent is None else str(parent), start=start, name=f"n{k}") for k, (i, parent, start) in enumerate(shape)]
    placed = list(place(nodes))
    assert sorted(one.node.name for one in placed) == sorted(one.name for one in nodes)
    for before, one in zip([None, *placed], placed, strict=False):
        assert one.depth == 0 or (before is not None and one.depth <= before.depth + 1)


def test_details_say_duration_tokens_cost_and_outcome():
    """The columns of a detailed tree, run totals on the root and usage on the call."""
    nodes = [
        node("invoke_agent a", start=0, end=1240 * MS, **{semconv.OUTCOME: "error", semconv.ERROR_TYPE: "TimeoutError"}),
        node(
            "chat gpt-4o",
            "invoke_agent a",
            start=1,
            end=320 * MS,
            **{semconv.USAGE_INPUT_TOKENS: 1200, semconv.USAGE_OUTPUT_TOKENS: 45, semconv.COST: 0.00345, semconv.OUTCOME: "ok"},
        ),
    ]
    assert render_tree(nodes, details=True).splitlines() == [
        "invoke_agent a  1.24 s                            error TimeoutError",
        "  chat gpt-4o   320 ms  1,200 in 45 out  $0.0034  ok",
    ]


def test_totals_of_a_run_stand_where_the_span_made_no_call():
    """A root shows ``langswarm.run.*``; a call shows its own usage."""
    root = node("r", end=1, **{semconv.RUN_INPUT_TOKENS: 10, semconv.RUN_OUTPUT_TOKENS: 2, semconv.RUN_COST: 1.5})
    assert (summarise(root).tokens, summarise(root).cost, summarise(root).is_total) == ("10 in 2 out", "$1.50", True)
    assert not summarise(node("call", **{semconv.USAGE_INPUT_TOKENS: 10})).is_total


def test_foreign_spans_are_described_by_their_status():
    """Without our outcome attribute the status and the standard error type speak."""
    assert summarise(node("f", failed=True, **{semconv.ERROR_TYPE: "500"})).outcome == "error 500"
    assert summarise(node("f", failed=True)).outcome == "error"
    assert summarise(node("f", **{semconv.ERROR_TYPE: "500"})).outcome == "error 500"
    assert summarise(node("f")).outcome == ""


def test_a_running_span_says_so():
    """No end time is a state, not an error."""
    assert summarise(TreeNode(span_id="1", name="n", start_ns=3)).duration == "running"


def test_senseless_numbers_are_left_out():
    """Attributes of foreign spans hold anything; the tree shows what is a finite number only."""
    for value in (float("nan"), float("inf"), "12", True, None, [1], 10**400):
        summary = summarise(node("x", **{semconv.USAGE_INPUT_TOKENS: value, semconv.COST: value}))
        assert (summary.tokens, summary.cost) == ("", "")


def test_names_cannot_break_the_tree_or_drive_the_terminal():
    """Line ends and escape sequences in a name are shown escaped, other scripts as they are, lone surrogates too."""
    assert render_tree([node("a", name="evil\n  fake \x1b[31mred")]) == "evil\\n  fake \\x1b[31mred"
    assert render_tree([node("a", name="检索 поиск")]) == "检索 поиск"
    assert render_tree([node("a", name="x\ud800")]).encode() == b"x\\ud800"


def test_durations_read_naturally():
    """Each magnitude in its unit; a clock set back counts as zero."""
    written = {0: "0 us", 512_000: "512 us", 12_300_000: "12.3 ms", 999_600_000: "1.00 s", 1_240_000_000: "1.24 s"}
    written |= {94_000_000: "94.0 ms", 9_996_000: "10.0 ms", 120_400_000: "120 ms", 59_900_000_000: "59.9 s"}
    written |= {59_990_000_000: "1 min 00 s", 125_000_000_000: "2 min 05 s", 3_720_000_000_000: "1 h 02 min", -5: "0 us"}
    assert {ns: duration_text(ns) for ns in written} == written


def test_costs_show_small_amounts():
    """Fractions of a cent keep two digits; large sums keep cents."""
    written = {0: "$0", 0.000042: "$0.000042", 0.0123456: "$0.0123", 12.5: "$12.50", 1234.567: "$1,234.57", -0.5: "-$0.5000"}
    assert {cost: cost_text(cost) for cost in written} == written


def test_nothing_renders_as_nothing():
    """No spans, no text, with and without details."""
    assert render_tree([]) == ""
    assert render_tree([], details=True) == ""
