"""Spans as an indented tree of text, for terminals and for tests."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from langswarm_otel import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_INDENT: Final = 1000
"""Levels that are indented exactly; deeper ones share the last indentation, so that text grows with the number of spans only."""

_WIDEST_NAME: Final = 72
_INDENT: Final = "  "
_OF_ONE_CALL: Final = frozenset({semconv.USAGE_INPUT_TOKENS, semconv.USAGE_OUTPUT_TOKENS, semconv.COST})


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeNode:
    """One span, as much of it as a tree shows."""

    span_id: str
    """Id of the span, unique within its trace; any spelling, as long as ``parent_id`` uses the same."""

    parent_id: str | None = None
    """Id of the parent span; None (or an id that is not among the nodes) makes this a root."""

    name: str
    """Span name."""

    start_ns: int
    """Start, in nanoseconds since the epoch."""

    end_ns: int | None = None
    """End, in nanoseconds since the epoch; None while the span runs."""

    attributes: Mapping[str, object] = field(default_factory=dict)
    """Span attributes, under the names of the catalogue."""

    failed: bool = False
    """Whether the span's status is ERROR."""

    trace_id: str = ""
    """Id of the trace; nodes of several traces may be rendered together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A node and how deep it stands."""

    depth: int
    """0 for a root."""

    node: TreeNode
    """The node itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a tree says about one span beside its name; an empty text means that there is nothing to say."""

    duration: str
    """Wall time with its unit, or ``running``."""

    tokens: str
    """Input and output tokens, as ``1,240 in 310 out``; of the whole run where the span made no call itself."""

    cost: str
    """US dollars, as ``$0.0123``; of the whole run where the span made no call itself."""

    outcome: str
    """``ok``, ``cancelled``, ``abandoned`` or ``error`` followed by the type of the error."""

    is_total: bool = False
    """Whether tokens and cost are those of the whole run below the span."""


def place(nodes: Iterable[TreeNode]) -> Iterator[Placed]:
    """Yield every node exactly once, parents before children, siblings by start time and then as given.

    Spans whose parent is missing are roots. Where broken instrumentation made spans each other's ancestors, the one that started
    first counts as a root, after the real ones.
    """
    given = tuple(nodes)
    order = sorted(range(len(given)), key=lambda index: given[index].start_ns)
    known = {(node.trace_id, node.span_id) for node in given}
    roots: list[int] = []
    children: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index in order:
        node = given[index]
        if node.parent_id is None or node.parent_id == node.span_id or (node.trace_id, node.parent_id) not in known:
            roots.append(index)
        else:
            children[node.trace_id, node.parent_id].append(index)
    seen = [False] * len(given)
    for root in (*roots, *order):
        waiting = [(root, 0)]
        while waiting:
            index, depth = waiting.pop()
            if seen[index]:
                continue
            seen[index] = True
            node = given[index]
            yield Placed(depth=depth, node=node)
            waiting.extend((child, depth + 1) for child in reversed(children.get((node.trace_id, node.span_id), ())))


def render_tree(nodes: Iterable[TreeNode], *, details: bool = False) -> str:
    """Return the spans as text, one a line, two spaces an indentation, without a line end after the last.

    Args:
        nodes: the spans of one or several traces, in any order.
        details: also say duration, tokens, cost and outcome, in columns.
    """
    placed = tuple(place(nodes))
    names = [_INDENT * min(one.depth, MAX_INDENT) + one_line(one.node.name) for one in placed]
    if not details:
        return "\n".join(names)
    summaries = [summarise(one.node) for one in placed]
    columns = [names, *([getattr(summary, name) for summary in summaries] for name in ("duration", "tokens", "cost", "outcome"))]
    return "\n".join(_aligned(columns))


def summarise(node: TreeNode) -> Summary:
    """Return duration, tokens, cost and outcome of one span as text."""
    own = node.attributes
    tokens_in = _number(own.get(semconv.USAGE_INPUT_TOKENS, own.get(semconv.RUN_INPUT_TOKENS)))
    tokens_out = _number(own.get(semconv.USAGE_OUTPUT_TOKENS, own.get(semconv.RUN_OUTPUT_TOKENS)))
    cost = _number(own.get(semconv.COST, own.get(semconv.RUN_COST)))
    counted = tokens_in is not None or tokens_out is not None
    return Summary(
        duration="running" if node.end_ns is None else duration_text(node.end_ns - node.start_ns),
        tokens=f"{int(tokens_in or 0):,} in {int(tokens_out or 0):,} out" if counted else "",
        cost="" if cost is None else cost_text(cost),
        outcome=_outcome(node),
        is_total=not own.keys() & _OF_ONE_CALL,
    )


def duration_text(nanoseconds: float) -> str:
    """Return a duration in the unit that people would say it in."""
    seconds = max(nanoseconds, 0) / 1e9
    if seconds < 0.9995e-3:  # noqa: PLR2004 - where three digits of microseconds end
        return f"{seconds * 1e6:.0f} us"
    if seconds < 0.9995:  # noqa: PLR2004 - where three digits of milliseconds end
        return f"{_three_digits(seconds * 1e3)} ms"
    if seconds < 59.95:  # noqa: PLR2004 - what three digits would round to a minute
        return f"{_three_digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _three_digits(value: float) -> str:
    """Return a number up to a thousand with as many places as keep its last digit worth reading."""
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"  # noqa: PLR2004 - where rounding adds a digit


def cost_text(dollars: float) -> str:
    """Return US dollars with as many places as small amounts need."""
    if dollars == 0:
        return "$0"
    sign, amount = ("-" if dollars < 0 else ""), abs(dollars)
    places = 2 if amount >= 1 else 4 if amount >= 0.01 else min(12, 1 - math.floor(math.log10(amount)))  # noqa: PLR2004 - a cent
    return f"{sign}${amount:,.{places}f}"


def one_line(text: str) -> str:
    """Return text with control characters escaped, so that a name can neither break the tree nor drive the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _aligned(columns: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the rows of columns: the first one to the left, the numbers to the right, the last one as it is."""
    kept = [columns[0], *(column for column in columns[1:-1] if any(column))]
    widths = [min(max(map(len, column), default=0), _WIDEST_NAME) for column in kept]
    for row in zip(*kept, columns[-1], strict=True):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:], strict=True)), row[-1]]
        yield "  ".join(cells).rstrip()


def _outcome(node: TreeNode) -> str:
    """Return the outcome that the span states, else what its status and error type say."""
    kind = node.attributes.get(semconv.ERROR_TYPE)
    outcome = str(node.attributes.get(semconv.OUTCOME, semconv.ERROR if node.failed else ""))
    if kind is not None and outcome != semconv.OK:
        return one_line(f"{outcome or semconv.ERROR} {kind}")
    return one_line(outcome)


def _number(value: object) -> float | None:
    """Return a finite number, or None for whatever else stands there."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None
