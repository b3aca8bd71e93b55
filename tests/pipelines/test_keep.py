"""Traces that are kept though they were not sampled: which, how whole, within which bounds, and what is counted."""

from __future__ import annotations

import random
import threading
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, Status, StatusCode, TraceFlags

from langswarm_otel import guard, semconv
from langswarm_otel.export.sizes import span_size
from langswarm_otel.pipelines.keep import Keep
from langswarm_otel.pipelines.keep_rules import HELD_BYTES, KeepRules
from langswarm_otel.pipelines.sampling import SwitchSampler, build_sampler
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

ERROR = Status(StatusCode.ERROR)
SECOND = 1_000_000_000


class Kept:
    """A keep on a provider that samples nothing, and what comes out of it."""

    def __init__(self, *, ratio: float = 0.0, limits: SpanLimits | None = None, **rules: Any) -> None:
        self.sampler = SwitchSampler(build_sampler(None, ratio))
        self.spans: list[ReadableSpan] = []
        self.keep = Keep(self.spans.append, lambda: self.sampler.ratio)
        self.keep.configure(KeepRules(**{"max_bytes": 10**9, "for_s": 900.0, "errors": True, **rules}))
        self.sampler.records_all = True
        self.provider = SwitchTracerProvider(
            resource=Resource({}), sampler=self.sampler, span_limits=limits or SpanLimits(), processors=[self.keep]
        )
        self.tracer = self.provider.get_tracer("t")

    def span(self, name: str, parent: Span | None = None, **given: Any) -> Span:
        context = Context() if parent is None else trace.set_span_in_context(parent, Context())
        return self.tracer.start_span(name, context, **given)

    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def account(self) -> Any:
        account = self.keep.health()
        assert account is not None
        return account


def test_a_trace_with_an_error_is_kept_whole_and_says_why() -> None:
    """All its spans, sampled since exporters are given no others, with the rule and the share that head sampling takes."""
    kept = Kept(ratio=0.0)
    root = kept.span("root")
    kept.span("before", root, attributes={"a": 1}).end()
    failing = kept.span("failing", root)
    failing.set_status(ERROR)
    failing.end()
    kept.span("after", root).end()
    root.end()
    assert kept.names() == ["before", "failing", "after", "root"]
    assert {span.attributes[semconv.SAMPLING_KEPT] for span in kept.spans} == {"error"}
    assert {span.attributes[semconv.SAMPLING_RATIO] for span in kept.spans} == {0.0}
    assert kept.spans[0].attributes["a"] == 1
    assert all(span.context.trace_flags & TraceFlags.SAMPLED for span in kept.spans)
    assert not root.get_span_context().trace_flags & TraceFlags.SAMPLED
    account = kept.account()
    assert (account.kept, account.spans_kept, account.spans, account.held_bytes) == ({"error": 1}, 4, 4, 0)


def test_a_trace_that_no_rule_asks_for_is_forgotten() -> None:
    """Nothing comes out, and nothing of it stays."""
    kept = Kept(slower_than_s=5.0, costlier_than=1.0)
    root = kept.span("root")
    kept.span("child", root, attributes={semconv.RUN_COST: 0.5}).end()
    assert kept.account().held_spans == 1
    root.end()
    account = kept.account()
    assert (kept.spans, account.spans_let_go, account.held_traces, account.held_bytes) == ([], 2, 0, 0)


def test_a_slow_trace_is_kept() -> None:
    """Longer than the bound from the start of its root; one just as long is not."""
    kept = Kept(errors=False, slower_than_s=2.0)
    for duration in (2 * SECOND, 2 * SECOND + 1000):
        root = kept.span("root", start_time=SECOND)
        kept.span("child", root, start_time=SECOND).end(SECOND + 5)
        root.end(SECOND + duration)
    assert kept.names() == ["child", "root"]
    assert kept.spans[0].attributes[semconv.SAMPLING_KEPT] == "slow"


def test_an_expensive_trace_is_kept() -> None:
    """The costs of all its runs count together; a value that is no number counts nothing."""
    kept = Kept(errors=False, costlier_than=1.0)
    for costs in ((0.6, 0.4), (0.6, 0.5), ("much",)):
        root = kept.span("root")
        for cost in costs:
            kept.span("agent", root, attributes={semconv.RUN_COST: cost}).end()
        root.end()
    assert kept.names() == ["agent", "agent", "root"]
    assert kept.spans[0].attributes[semconv.SAMPLING_KEPT] == "expensive"


def test_nothing_waits_once_a_rule_holds() -> None:
    """A process that dies after an error has handed on what led to it; memory is held for the undecided only."""
    kept = Kept()
    root = kept.span("root")
    kept.span("before", root).end()
    failing = kept.span("failing", root)
    failing.set_status(ERROR)
    failing.end()
    assert kept.names() == ["before", "failing"]
    assert kept.account().held_bytes == 0
    kept.span("after", root).end()
    assert kept.names() == ["before", "failing", "after"]


def test_what_comes_after_the_end_of_the_root_follows() -> None:
    """A late child of a kept trace is kept, one of a forgotten trace is not, even with an error: no half traces."""
    kept = Kept()
    for failed in (True, False):
        root = kept.span(f"root {failed}")
        late = kept.span(f"late {failed}", root)
        if failed:
            root.set_status(ERROR)
        root.end()
        late.set_status(ERROR)
        late.end()
    assert kept.names() == ["root True", "late True"]
    assert kept.account().spans_let_go == 2


def test_a_trace_with_two_local_roots_is_one() -> None:
    """Two requests of one trace at the same time: an error in the second keeps the first too, and a third that comes later follows."""
    kept = Kept()
    remote = NonRecordingSpan(SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(0)))
    first, second = kept.span("first", remote), kept.span("second", remote)
    kept.span("child", first).end()
    first.end()
    assert kept.names() == []
    second.set_status(ERROR)
    second.end()
    kept.span("third", remote).end()
    assert kept.names() == ["child", "first", "second", "third"]
    assert semconv.SAMPLING_RATIO not in kept.spans[0].attributes  # somebody else has decided
    assert kept.account().kept == {"error": 1}


def test_a_span_without_a_local_root_is_not_kept() -> None:
    """Such as below a span that was begun before the keep was on: it would be half a trace."""
    kept = Kept()
    local = NonRecordingSpan(SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(0)))
    orphan = kept.span("orphan", local)
    orphan.set_status(ERROR)
    orphan.end()
    assert (kept.spans, kept.account().spans_let_go) == ([], 1)


def test_what_is_sampled_passes_by() -> None:
    """Head sampling has decided for it."""
    kept = Kept(ratio=1.0)
    span = kept.span("sampled")
    span.set_status(ERROR)
    span.end()
    assert (kept.spans, kept.account().spans) == ([], 0)


def test_the_oldest_undecided_trace_makes_room() -> None:
    """The bound holds at each moment, and what was given up is counted and not kept by half."""
    one = HELD_BYTES + span_size(_ended_child())
    kept = Kept(max_bytes=3 * one)
    roots = [kept.span(f"root {number}") for number in range(5)]
    for root in roots:
        kept.span("child", root).end()
        assert kept.account().held_bytes <= 3 * one
    for root in roots:
        root.set_status(ERROR)
        root.end()
    account = kept.account()
    assert kept.names()[-2:] == ["child", "root 4"]
    given_up = account.given_up["keep_buffer_full"]
    assert given_up + account.kept["error"] == 5
    assert account.spans_given_up + account.spans_let_go + account.spans_kept == account.spans == 10
    assert len(kept.spans) == 2 * account.kept["error"]


def _ended_child() -> ReadableSpan:
    kept = Kept()
    root = kept.span("root")
    child = kept.span("child", root)
    child.set_status(ERROR)
    child.end()
    return kept.spans[0]


def test_a_trace_that_alone_exceeds_the_bound_costs_no_other_one() -> None:
    """It is given up by itself."""
    kept = Kept(max_bytes=20_000, limits=SpanLimits())
    small, large = kept.span("small"), kept.span("large")
    kept.span("child", large, attributes={"text": "x" * 30_000}).end()
    assert kept.account().given_up == {"keep_buffer_full": 1}
    small.set_status(ERROR)
    small.end()
    assert kept.names() == ["small"]


def test_a_root_that_never_ends_is_given_up_in_time() -> None:
    """At the next event, or when somebody asks."""
    kept = Kept(for_s=1e-9)
    root = kept.span("root")
    kept.span("child", root).end()
    account = kept.account()
    assert (account.held_traces, account.given_up) == (0, {"keep_too_old": 1})
    assert account.spans == 1


def test_rules_change_and_go_under_traffic() -> None:
    """A new rule holds for what ends next; without any, what is undecided is let go and nothing is held."""
    kept = Kept(errors=False, slower_than_s=100.0)
    first, second = kept.span("first"), kept.span("second")
    kept.keep.configure(KeepRules(errors=True, max_bytes=10**9, for_s=900.0))
    first.set_status(ERROR)
    first.end()
    assert kept.names() == ["first"]
    kept.span("child", second).end()
    kept.keep.configure(None)
    assert kept.keep.health() is None
    second.set_status(ERROR)
    second.end()
    kept.keep.configure(KeepRules(errors=True, max_bytes=10**9, for_s=900.0))
    account = kept.account()
    assert (kept.names(), account.held_traces, account.spans_let_go) == (["first"], 0, 1)


def test_a_child_after_fork_begins_with_nothing() -> None:
    """What is held belongs to the parent, which decides about it; a lock that was held in the parent is no matter."""
    kept = Kept()
    root = kept.span("root")
    kept.span("child", root).end()
    kept.keep._lock.acquire()
    kept.keep.forget()
    root.set_status(ERROR)
    root.end()
    assert kept.spans == []
    own = kept.span("own")
    own.set_status(ERROR)
    own.end()
    assert kept.names() == ["own"]
    assert kept.account().held_bytes == 0


def test_a_span_of_the_sdk_is_kept_with_what_it_dropped() -> None:
    """Not lean, and with more attributes than its limit: the count of dropped ones is still told."""
    kept = Kept(limits=SpanLimits(max_span_attributes=2))
    kept.provider.lean = False
    span = kept.span("s", attributes={"a": 1, "b": 2, "c": 3})
    span.set_status(ERROR)
    span.end()
    assert kept.spans[0].dropped_attributes == 1
    assert dict(kept.spans[0].attributes) == {"b": 2, "c": 3, semconv.SAMPLING_KEPT: "error", semconv.SAMPLING_RATIO: 0.0}


def test_a_sampler_of_somebody_else_is_followed_and_the_rest_recorded() -> None:
    """Attributes given at the start are there, though a sampler that drops a span forgets them."""
    kept = Kept()
    kept.sampler.target = ALWAYS_OFF
    span = kept.span("s", attributes={"a": 1})
    assert span.is_recording()
    span.set_status(ERROR)
    span.end()
    assert kept.spans[0].attributes["a"] == 1


def test_a_span_that_ends_in_the_middle_of_the_work_is_only_put_down() -> None:
    """As in a finaliser or a signal handler: no deadlock, and it is taken care of afterwards."""
    kept = Kept()

    def offer(span: ReadableSpan) -> None:
        kept.spans.append(span)
        if span.name == "first":
            inner = kept.span("inner")
            inner.set_status(ERROR)
            inner.end()
            assert kept.names() == ["first"]

    kept.keep._offer = offer  # type: ignore[misc]
    first = kept.span("first")
    first.set_status(ERROR)
    first.end()
    assert kept.names() == ["first", "inner"]


def test_nobody_waits_for_another_thread() -> None:
    """While one is at it the others only put down; what is left is taken care of by the next one, or by a flush."""
    kept = Kept()
    root = kept.span("root")
    root.set_status(ERROR)
    assert kept.keep._lock.acquire(blocking=False)
    root.end()
    assert kept.spans == []
    kept.keep._lock.release()
    assert kept.keep.force_flush()
    assert kept.names() == ["root"]


def test_a_fault_of_ours_stays_here() -> None:
    """The application's span ends as ever, the fault is counted, and the keep goes on."""
    kept = Kept()
    offer, kept.keep._offer = kept.keep._offer, lambda _: 1 / 0  # type: ignore[misc]
    for name in ("lost", "kept"):
        span = kept.span(name)
        span.set_status(ERROR)
        span.end()
        kept.keep._offer = offer  # type: ignore[misc]
    assert kept.names() == ["kept"]
    assert guard.faults() == {"Keep": 1}


def test_eight_threads_and_the_account_adds_up() -> None:
    """Traces whose children end in other threads than their roots: the erring ones are kept whole, all others forgotten whole."""
    kept = Kept()
    sizes: dict[int, int] = {}

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(200):
            root = kept.span("root")
            children = [kept.span("child", root) for _ in range(chance.randrange(5))]
            failed = chance.random() < 0.2
            helper = threading.Thread(target=lambda spans=children: [span.end() for span in spans])
            helper.start()
            helper.join()
            if failed:
                sizes[root.get_span_context().trace_id] = 1 + len(children)
                root.set_status(ERROR)
            root.end()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    account = kept.account()
    found: dict[int, int] = {}
    for span in kept.spans:
        found[span.context.trace_id] = found.get(span.context.trace_id, 0) + 1
    assert found == sizes
    assert account.kept == {"error": len(sizes)}
    assert (account.held_traces, account.held_bytes, account.given_up) == (0, 0, {})
    assert account.spans_kept == sum(sizes.values())
