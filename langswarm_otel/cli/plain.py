"""The demo's report as plain text, for where rich is not installed or the terminal has no box characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langswarm_otel.cli.wording import amount, clock, distinguished, fields_of
from langswarm_otel.tree import one_line, render_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langswarm_otel.cli.report import Report


def plain_text(report: Report) -> str:
    """Return traces, metrics and log lines as text that any terminal can show."""
    return "\n".join(_lines(report)).encode("ascii", "backslashreplace").decode("ascii")


def _lines(report: Report) -> Iterator[str]:
    for trace_id in dict.fromkeys(node.trace_id for node in sorted(report.nodes, key=lambda node: node.start_ns)):
        yield f"Trace {trace_id}"
        yield render_tree((node for node in report.nodes if node.trace_id == trace_id), details=True)
        yield ""
    if report.series:
        yield "Metrics"
    for row, of in zip(report.series, distinguished(report.series), strict=True):
        values = {"p50": row.p50, "p95": row.p95, "p99": row.p99, "total": row.total}
        said = "  ".join(f"{name} {amount(value, row.unit)}" for name, value in values.items() if value is not None)
        yield f"  {f'{row.metric} {of}':<60}  {'' if row.count is None else f'count {row.count}  '}{said}".rstrip()
    if report.lines:
        yield ""
        yield "Logs"
    names = {(node.trace_id, node.span_id): node.name for node in report.nodes}
    within = report.lines_in_traces()
    for line in within:
        where = names.get((line.trace_id or "", line.span_id or ""), "")
        of = f"[{one_line(where)} {(line.trace_id or '')[:8]}]"
        yield f"  {clock(line.time_ns)} {line.level.upper():<7} {one_line(line.text)} {fields_of(line)} {of}"
    if len(within) < len(report.lines):
        yield f"  {len(report.lines) - len(within)} more belong to no trace"
