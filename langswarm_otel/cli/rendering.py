"""The demo's report in a terminal, by rich: waterfall of each trace, table of metrics, log lines."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from langswarm_otel import semconv
from langswarm_otel.cli.plain import plain_text
from langswarm_otel.cli.terminal import fixed_width
from langswarm_otel.cli.wording import amount, arrow, clock, distinguished, fields_of
from langswarm_otel.tree import one_line, place, summarise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langswarm_otel.cli.report import LogLine, Report, SeriesRow
    from langswarm_otel.tree import Placed, TreeNode

_MARGIN: Final = 2
_GAP: Final = 2
_WIDEST_NAME: Final = 56
_NARROWEST_NAME: Final = 32
_WIDEST_BAR: Final = 64
_NARROWEST_BAR: Final = 8
_SHORT_ID: Final = 8
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_STYLE_OF_OPERATION: Final = {
    semconv.INVOKE_WORKFLOW: "bold magenta",
    semconv.WORKFLOW_STEP: "magenta",
    semconv.INVOKE_AGENT: "bold cyan",
    semconv.EXECUTE_TOOL: "yellow",
    **dict.fromkeys(semconv.INFERENCE_OPERATIONS, "green"),
    **dict.fromkeys(semconv.MEMORY_OPERATIONS, "blue"),
}
_STYLE_OF_LEVEL: Final = {
    "WARN": "yellow",
    "WARNING": "yellow",
    "ERROR": "bold red",
    "FATAL": "bold red",
    "CRITICAL": "bold red",
    "DEBUG": "dim",
}


def show(report: Report) -> None:
    """Print a report, without drawing where the terminal lacks the characters for it."""
    terminal = Console(width=fixed_width(), highlight=False, emoji=False, markup=False)
    if terminal.encoding.lower().startswith("utf"):
        print_report(terminal, report)
    else:
        print(plain_text(report))


def print_report(terminal: Console, report: Report) -> None:
    """Print traces, metrics and log lines."""
    width = terminal.width - _MARGIN
    by_trace: dict[str, list[TreeNode]] = {}
    for node in sorted(report.nodes, key=lambda node: node.start_ns):
        by_trace.setdefault(node.trace_id, []).append(node)
    for trace_id, nodes in by_trace.items():
        _print_section(terminal, "Trace", trace_id, _waterfall(nodes, width))
    if report.series:
        _print_section(terminal, "Metrics", "percentiles are estimates from histogram buckets", _metrics(report.series, width))
    if report.lines:
        within = report.lines_in_traces()
        outside = len(report.lines) - len(within)
        about = f"in their span and trace{f'; {outside} more belong to no trace' if outside else ''}"
        _print_section(terminal, "Logs", about, _logs(within, report.nodes, width))


def print_lines(terminal: Console, content: RenderableType) -> None:
    """Print without the blanks at the ends of lines that rich fills its tables with; piped into a file they would only be noise."""
    if terminal.is_terminal:
        terminal.print(content)
        return
    with terminal.capture() as capture:
        terminal.print(content)
    terminal.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _print_section(terminal: Console, title: str, about: str, content: RenderableType) -> None:
    print_lines(terminal, Text.assemble((title, "bold"), "  ", (about, "dim")))
    print_lines(terminal, Padding(content, (0, 0, 1, _MARGIN)))


def _table(rows: Sequence[Sequence[Text]], widths: Sequence[int], justify: str) -> Table:
    """Return rows in columns of fixed width; ``justify`` has a letter a column, ``l`` or ``r``."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    for width, side in zip(widths, justify, strict=True):
        table.add_column(no_wrap=True, overflow="ellipsis", width=width, justify="right" if side == "r" else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _widths(rows: Sequence[Sequence[Text]]) -> list[int]:
    return [max((cell.cell_len for cell in column), default=0) for column in zip(*rows, strict=True)]


def _waterfall(nodes: Sequence[TreeNode], width: int) -> Table:
    """Return one trace: what ran below what, when, for how long, and what it cost."""
    placed = list(place(nodes))
    rows = [
        [Text.assemble((guide, "dim"), (one_line(one.node.name), _style(one.node))), *_facts(one.node)]
        for guide, one in zip(_guides(placed), placed, strict=True)
    ]
    head = [Text(title, style="dim") for title in ("", "time", "tokens in→out", "cost", "")]
    begin = min(node.start_ns for node in nodes)
    length = max(max(node.end_ns or node.start_ns for node in nodes) - begin, 1)
    widths = _widths([head, *rows])
    facts_width = sum(widths[1:]) + _GAP * len(widths)
    bar_width = min(width - facts_width - min(widths[0], _WIDEST_NAME), _WIDEST_BAR)
    if bar_width < _NARROWEST_BAR and width - facts_width < min(widths[0], _NARROWEST_NAME):
        short = [[row[0], row[1], row[4]] for row in (head, *rows)]
        return _table(short, [width - widths[1] - widths[4] - 3 * _GAP, widths[1], widths[4]], "lrl")
    if bar_width < _NARROWEST_BAR:
        return _table([head, *rows], [min(widths[0], width - facts_width), *widths[1:]], "lrrrl")
    bars = [Text(), *(_bar(one.node, begin, length, bar_width) for one in placed)]
    with_bars = [[row[0], bar, *row[1:]] for row, bar in zip([head, *rows], bars, strict=True)]
    return _table(with_bars, [min(widths[0], _WIDEST_NAME), bar_width, *widths[1:]], "llrrrl")


def _facts(node: TreeNode) -> list[Text]:
    """Return duration, tokens, cost and outcome of a span; totals of a run are dimmed and marked, for they hold what stands below."""
    summary = summarise(node)
    style, mark = ("dim", "Σ ") if summary.is_total else ("", "")
    return [
        Text(summary.duration),
        Text(f"{mark}{arrow(summary.tokens)}" if summary.tokens else "", style=style),
        Text(f"{mark}{summary.cost}" if summary.cost else "", style=style),
        _outcome(summary.outcome),
    ]


def _guides(placed: Sequence[Placed]) -> list[str]:
    """Return the lines that lead to each row, from the last one up: a branch goes on where a later row hangs on it."""
    goes_on: set[int] = set()
    guides = []
    for one in reversed(placed):
        stems = "".join("│  " if level in goes_on else "   " for level in range(1, one.depth))
        guides.append("" if one.depth == 0 else f"{stems}{'├─ ' if one.depth in goes_on else '└─ '}")
        goes_on = {level for level in goes_on if level < one.depth} | {one.depth}
    return guides[::-1]


def _bar(node: TreeNode, begin: int, length: int, width: int) -> Text:
    """Return when a span ran within its trace, drawn in eighths of a character."""
    start = (node.start_ns - begin) * width / length
    end = ((node.end_ns or node.start_ns) - begin) * width / length
    first = min(int(start), width - 1)
    eighths = max(round((end - first) * 8), 1)
    whole, rest = divmod(min(eighths, (width - first) * 8), 8)
    return Text(
        " " * first + "█" * whole + (_EIGHTHS[rest] if rest else ""), style="red" if node.failed else _style(node).replace("bold ", "")
    )


def _style(node: TreeNode) -> str:
    """Return the colour of a kind of operation."""
    operation = str(node.attributes.get(semconv.OPERATION_NAME, semconv.WORKFLOW_STEP if semconv.STEP_NAME in node.attributes else ""))
    return _STYLE_OF_OPERATION.get(operation, "white")


def _outcome(outcome: str) -> Text:
    if outcome in ("", semconv.OK):
        return Text("✓", style="green")
    if outcome.startswith(semconv.ERROR):
        return Text(f"✗{outcome.removeprefix(semconv.ERROR)}", style="bold red")
    return Text(outcome, style="yellow")


def _metrics(rows: Sequence[SeriesRow], width: int) -> Table:
    """Return one line a series, below its metric where that has several."""
    lines = [[Text(title, style="dim") for title in ("", "count", "p50", "p95", "p99", "total")]]
    before, several = "", Counter(row.metric for row in rows)
    for row, of in zip(rows, distinguished(rows), strict=True):
        if several[row.metric] > 1 and row.metric != before:
            lines.append([Text(row.metric, style="cyan"), *[Text()] * 5])
        before = row.metric
        name = Text(f"  {of}") if several[row.metric] > 1 else Text(row.metric, style="cyan")
        count = "" if row.count is None else f"{row.count:,}"
        lines.append([name, Text(count), *(Text(amount(value, row.unit)) for value in (row.p50, row.p95, row.p99, row.total))])
    widths = _widths(lines)
    return _table(lines, [min(widths[0], width - sum(widths[1:]) - _GAP * len(widths)), *widths[1:]], "lrrrrr")


def _logs(lines: Sequence[LogLine], nodes: Sequence[TreeNode], width: int) -> Table:
    """Return one line a record."""
    names: dict[tuple[str | None, str | None], str] = {(node.trace_id, node.span_id): node.name for node in nodes}
    rows = []
    for line in lines:
        level = line.level.upper()
        where = Text(f"{one_line(names.get((line.trace_id, line.span_id), ''))} {(line.trace_id or '')[:_SHORT_ID]}".strip(), style="dim")
        said = Text.assemble(one_line(line.text), " ", (fields_of(line), "dim"))
        rows.append([Text(clock(line.time_ns), style="dim"), Text(level, style=_STYLE_OF_LEVEL.get(level, "green")), said, where])
    widths = _widths(rows or [[Text()] * 4])
    left = width - widths[0] - widths[1] - _GAP * len(widths)
    where_width = min(widths[3], left // 2)
    return _table(rows, [widths[0], widths[1], min(widths[2], left - where_width), where_width], "llll")
