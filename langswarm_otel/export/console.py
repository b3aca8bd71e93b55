"""Traces as trees on the terminal, for development."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, TextIO

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from langswarm_otel.export.fork import follow_fork
from langswarm_otel.tree import TreeNode, render_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

ORPHAN_S: Final = 30.0
"""How long spans wait for their root before they are printed without it, in seconds."""

MAX_SPANS: Final = 5_000
"""How many spans may wait for their roots; beyond that the oldest trace is printed as far as it is known."""


class ConsoleTreeExporter(SpanExporter):
    """Prints a trace as a tree when its root has ended, with durations, tokens, cost and outcome.

    What never gets a root (it runs in another process, or was forgotten) is printed after a while, and at shutdown. Printing goes to
    standard error by default: standard output belongs to the application.
    """

    def __init__(
        self,
        out: TextIO | None = None,
        *,
        orphan_s: float = ORPHAN_S,
        max_spans: int = MAX_SPANS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an exporter.

        Args:
            out: where to print; the ``sys.stderr`` of the moment by default.
            orphan_s: how long spans wait for their root, in seconds; looked at whenever something is exported.
            max_spans: how many spans may wait.
            clock: what to measure ``orphan_s`` with.
        """
        self._out = out
        self._orphan_s = orphan_s
        self._max_spans = max_spans
        self._clock = clock
        self._waiting: dict[int, list[ReadableSpan]] = {}
        self._since: dict[int, float] = {}
        self._count = 0
        follow_fork(self)

    def after_fork_in_child(self) -> None:
        """Forget what waits: the parent prints it."""
        self._waiting, self._since, self._count = {}, {}, 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take spans and print the traces that are complete."""
        complete: dict[int, None] = {}
        for span in spans:
            context = span.get_span_context()
            if context is None:
                continue
            self._waiting.setdefault(context.trace_id, []).append(span)
            self._since.setdefault(context.trace_id, self._clock())
            self._count += 1
            if span.parent is None or span.parent.is_remote:
                complete[context.trace_id] = None
        written = [self._print(trace_id) for trace_id in (*complete, *self._overdue(complete))]
        return SpanExportResult.SUCCESS if all(written) else SpanExportResult.FAILURE

    def _overdue(self, complete: dict[int, None]) -> list[int]:
        """Return the traces that have waited for too long, or must go because too many spans wait."""
        now = self._clock()
        waiting = [trace_id for trace_id in self._since if trace_id not in complete]
        left = self._count - sum(len(self._waiting[trace_id]) for trace_id in complete)
        overdue = []
        for trace_id in waiting:  # oldest first
            if now - self._since[trace_id] < self._orphan_s and left <= self._max_spans:
                break
            overdue.append(trace_id)
            left -= len(self._waiting[trace_id])
        return overdue

    def _print(self, trace_id: int) -> bool:
        """Print what is known of a trace and forget it; False if that cannot be written."""
        spans = self._waiting.pop(trace_id)
        del self._since[trace_id]
        self._count -= len(spans)
        out: TextIO | None = self._out or sys.stderr
        if out is None:
            return False  # a process without a console
        text = render_tree([_node(span) for span in spans], details=True) + "\n"
        try:
            try:
                out.write(text)
            except UnicodeEncodeError:
                out.write(text.encode("ascii", "backslashreplace").decode("ascii"))
            out.flush()
        except (OSError, ValueError):  # it has been closed
            return False
        return True

    def shutdown(self) -> None:
        """Print what still waits."""
        for trace_id in list(self._waiting):
            self._print(trace_id)

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Do nothing: traces whose root runs wait for it."""
        return True


def _node(span: ReadableSpan) -> TreeNode:
    context = span.get_span_context()
    return TreeNode(
        span_id=format_span_id(context.span_id) if context else "",
        parent_id=format_span_id(span.parent.span_id) if span.parent else None,
        name=span.name,
        start_ns=span.start_time or 0,
        end_ns=span.end_time,
        attributes=dict(span.attributes or {}),
        failed=span.status.status_code is StatusCode.ERROR,
        trace_id=format_trace_id(context.trace_id) if context else "",
    )
