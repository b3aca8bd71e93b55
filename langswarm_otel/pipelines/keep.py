"""Keeps the traces that a person will ask for, those with an error and the slow and the expensive ones, though they were not sampled.

Head sampling decides when a trace begins, and cannot know. Where a rule is set, spans that are not sampled are recorded, and this process's
part of their trace is held until its local root ends; then it is handed to the exporters whole, or forgotten. As soon as a rule holds
nothing waits any more: what there is goes at once, and each later span of the trace when it ends. It is no tail sampler: what other
processes have of the trace stays with them, and the traces that are sampled pass by.

Nobody waits here. A caller puts its event down and takes care of what has been put down, unless another thread is at it. So the rest is
written for one thread, and a span that ends in a finaliser or a signal handler, in the middle of this, is only put down.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import TraceFlags

from langswarm_otel.export.noise import here
from langswarm_otel.export.sdk_private import changed_span
from langswarm_otel.export.sizes import span_size
from langswarm_otel.guard import record_fault
from langswarm_otel.pipelines.keep_health import GivenUpReason, KeepHealth
from langswarm_otel.pipelines.keep_rules import HeldTrace, KeepReason, KeepRules, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from langswarm_otel.config import ObservabilityConfig

_SAMPLED: Final = int(TraceFlags.SAMPLED)
_AT_ONCE: Final = 256
"""Events that one caller takes care of at most: others put down more meanwhile."""

_REMEMBERED: Final = 4096
"""Kept traces of which is known that they are, open ones and ended ones each: what comes late follows."""

_WAIT_S: Final = 0.2


class Keep(SpanProcessor):
    """Holds what is not sampled until it is known whether to keep it; inert until ``configure`` gives it rules."""

    def __init__(self, offer: Callable[[ReadableSpan], None], ratio: Callable[[], float | None]) -> None:
        """Make one that does nothing.

        Args:
            offer: takes the spans of traces that are kept; never waits and never raises.
            ratio: returns the share of new traces that are sampled at this moment, or None.
        """
        self._offer: Final = offer
        self._ratio: Final = ratio
        self._rules: KeepRules | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew with nothing: also in a child after fork, where what is held belongs to the parent."""
        self._lock = threading.Lock()
        self._inbox: deque[tuple[bool, Any]] = deque()
        self._undecided: OrderedDict[int, HeldTrace] = OrderedDict()
        self._kept: OrderedDict[int, HeldTrace] = OrderedDict()
        self._ended: OrderedDict[int, HeldTrace] = OrderedDict()
        self._bytes = 0
        self._kept_traces: dict[KeepReason, int] = {}
        self._given_up_traces: dict[GivenUpReason, int] = {}
        self._spans_kept = self._spans_let_go = self._spans_given_up = self._spans_held = 0

    def apply(self, config: ObservabilityConfig) -> None:
        """Follow the rules of a configuration from now on."""
        self.configure(rules_of(config))

    def configure(self, rules: KeepRules | None) -> None:
        """Follow other rules from now on; None lets go of everything that is undecided, and of what comes."""
        if rules is None and self._rules is None:
            return
        self._rules = rules
        with self._owned() as is_mine:
            if is_mine:
                self._empty_inbox()
            while is_mine and rules is None and self._undecided:
                self._let_go(self._undecided.popitem(last=False)[1])

    # The caller's side: nobody waits, nothing is raised.

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's signature
        """Begin to hold a trace, if the span is a local root of one that is not sampled."""
        try:
            context = span.get_span_context()
            if context is None or context.trace_flags & _SAMPLED or self._rules is None or here.exporting:
                return
            parent = span.parent
            if parent is None or parent.is_remote:
                self._put(True, (context.trace_id, context.span_id, span.start_time or 0, None if parent else self._ratio()))  # noqa: FBT003
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("Keep.on_start", error)

    def on_end(self, span: ReadableSpan) -> None:
        """Hold the span, hand it on, or forget it."""
        try:
            context = span.get_span_context()
            if context is None or context.trace_flags & _SAMPLED or self._rules is None or here.exporting:
                return
            self._put(False, span)  # noqa: FBT003
        except Exception as error:  # noqa: BLE001 - what is raised here reaches the application
            record_fault("Keep.on_end", error)

    def _put(self, is_start: bool, event: Any) -> None:
        self._inbox.append((is_start, event))
        left = _AT_ONCE
        # Again, for what another thread has put down while the lock was held here, and left to us.
        while self._inbox and left and self._lock.acquire(blocking=False):
            try:
                left = self._empty_inbox(left)
            finally:
                self._lock.release()

    # From here on the lock is held.

    def _empty_inbox(self, most: int = 2**31) -> int:
        """Take care of so many events at most; return how many that leaves."""
        while most and self._inbox:
            most -= 1
            is_start, event = self._inbox.popleft()
            rules = self._rules
            try:
                if is_start:
                    self._start(*event)
                else:
                    self._end(event, rules)
                if rules is not None:
                    self._bound(rules)
            except Exception as error:  # noqa: BLE001 - one bad span costs that span
                record_fault("Keep", error)
        return most

    def _start(self, trace_id: int, span_id: int, start_ns: int, ratio: float | None) -> None:
        held = self._undecided.get(trace_id) or self._kept.get(trace_id)
        if held is None:
            held = self._ended.pop(trace_id, None)
            if held is not None:
                self._remember(self._kept, trace_id, held)
            else:
                held = self._undecided[trace_id] = HeldTrace(time.monotonic(), start_ns, ratio)
                self._bytes += held.bytes
        held.roots.add(span_id)
        held.start_ns = min(held.start_ns, start_ns)

    def _end(self, span: ReadableSpan, rules: KeepRules | None) -> None:
        context: Any = span.get_span_context()
        trace_id = context.trace_id
        held = self._undecided.get(trace_id)
        if held is not None and rules is not None:
            self._hold(held, span)
            held.reason = held.judge(span, rules)
            if held.reason is not None:
                self._decide(trace_id, held, held.reason)
            elif held.bytes > rules.max_bytes:  # it alone: the others stay
                self._give_up(trace_id, held, "keep_buffer_full")
        else:
            held = self._kept.get(trace_id) or self._ended.get(trace_id)
            if held is None:
                self._spans_let_go += 1
                return
            self._send(span, held)
        if context.span_id in held.roots:
            held.roots.discard(context.span_id)
            if not held.roots:
                self._leave(trace_id)

    def _hold(self, held: HeldTrace, span: ReadableSpan) -> None:
        size = span_size(span)
        held.spans.append(span)
        held.bytes += size
        self._bytes += size
        self._spans_held += 1

    def _decide(self, trace_id: int, held: HeldTrace, reason: KeepReason) -> None:
        """Keep a trace."""
        self._kept_traces[reason] = self._kept_traces.get(reason, 0) + 1
        del self._undecided[trace_id]
        self._remember(self._kept, trace_id, held)
        for span in self._release(held):
            self._send(span, held)

    def _leave(self, trace_id: int) -> None:
        """The last local root of a trace has ended."""
        kept = self._kept.pop(trace_id, None)
        if kept is not None:
            self._remember(self._ended, trace_id, kept)
            return
        held = self._undecided.pop(trace_id, None)
        if held is not None:
            self._let_go(held)

    def _let_go(self, held: HeldTrace) -> None:
        self._spans_let_go += len(self._release(held))

    def _release(self, held: HeldTrace) -> list[ReadableSpan]:
        spans, held.spans = held.spans, []
        self._bytes -= held.bytes
        self._spans_held -= len(spans)
        return spans

    def _send(self, span: ReadableSpan, held: HeldTrace) -> None:
        """Hand a span on, with what says why; and sampled, since exporters are not to be given any others."""
        self._spans_kept += 1
        try:
            span = changed_span(span, TraceFlags.SAMPLED, held.stamps())
        except Exception as error:  # noqa: BLE001 - better as it is than not at all
            record_fault("Keep.changed_span", error)
        self._offer(span)

    @staticmethod
    def _remember(where: OrderedDict[int, HeldTrace], trace_id: int, held: HeldTrace) -> None:
        where[trace_id] = held
        if len(where) > _REMEMBERED:
            where.popitem(last=False)

    def _bound(self, rules: KeepRules) -> None:
        """Give up the oldest undecided traces beyond the bounds."""
        while self._undecided:
            trace_id, oldest = next(iter(self._undecided.items()))
            if self._bytes > rules.max_bytes:
                reason: GivenUpReason = "keep_buffer_full"
            elif time.monotonic() - oldest.since_s > rules.for_s:
                reason = "keep_too_old"
            else:
                return
            self._give_up(trace_id, oldest, reason)

    def _give_up(self, trace_id: int, held: HeldTrace, reason: GivenUpReason) -> None:
        del self._undecided[trace_id]
        self._given_up_traces[reason] = self._given_up_traces.get(reason, 0) + 1
        self._spans_given_up += len(self._release(held))

    # The owner's side.

    def settle(self) -> None:
        """Take care of what callers have left, and of what has become too old."""
        rules = self._rules
        with self._owned() as is_mine:
            if is_mine and rules is not None:
                self._empty_inbox()
                self._bound(rules)

    @contextlib.contextmanager
    def _owned(self) -> Iterator[bool]:
        """Own the account for a while, or not: a signal handler may have interrupted the owner, which it would wait for in vain."""
        is_mine = self._lock.acquire(timeout=_WAIT_S)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._lock.release()

    def health(self) -> KeepHealth | None:
        """Return the account, as one snapshot; None while there are no rules."""
        rules = self._rules
        if rules is None:
            return None
        self.settle()
        with self._owned():
            return KeepHealth(
                held_traces=len(self._undecided),
                held_spans=self._spans_held,
                held_bytes=self._bytes,
                capacity_bytes=rules.max_bytes,
                kept=dict(self._kept_traces),
                given_up=dict(self._given_up_traces),
                spans_kept=self._spans_kept,
                spans_let_go=self._spans_let_go,
                spans_given_up=self._spans_given_up,
            )

    def shutdown(self) -> None:
        """Let go of what is undecided; a trace with an error has been kept by now."""
        self.configure(None)

    def force_flush(self, timeout_millis: int = 30000) -> bool:  # noqa: ARG002 - the SDK's signature
        """Take care of what callers have left; what is undecided stays."""
        self.settle()
        return True
