"""Scope on every span, and the open spans at the end."""

from __future__ import annotations

import gc
import threading

from opentelemetry import context, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langswarm_otel.context import with_scope
from langswarm_otel.pipelines.processors import OpenSpans, OwnSpans, ScopeSpanProcessor
from langswarm_otel.propagation import detached


def provider_with(*processors):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    for processor in (*processors, SimpleSpanProcessor(exporter)):
        provider.add_span_processor(processor)
    return provider.get_tracer("foreign"), exporter


def test_scope_is_stamped_on_foreign_spans():
    """A span of any tracer below a session carries conversation and user, also when the parent is given explicitly."""
    tracer, exporter = provider_with(ScopeSpanProcessor())
    parent = with_scope(context.Context(), conversation_id="s-1", user_hash="abc")
    tracer.start_span("explicit", context=parent).end()
    tracer.start_span("outside", context=context.Context()).end()
    first, second = exporter.get_finished_spans()
    assert dict(first.attributes) == {"gen_ai.conversation.id": "s-1", "user.hash": "abc"}
    assert dict(second.attributes) == {}


def test_own_attributes_win():
    """A conversation id that the span was started with stays."""
    tracer, exporter = provider_with(ScopeSpanProcessor())
    parent = with_scope(context.Context(), conversation_id="s-1")
    tracer.start_span("x", context=parent, attributes={"gen_ai.conversation.id": "mine"}).end()
    assert exporter.get_finished_spans()[0].attributes["gen_ai.conversation.id"] == "mine"


def test_inactive_processor_is_inert():
    """On a joined provider, which cannot forget a processor, an inactive one does nothing."""
    scope = ScopeSpanProcessor()
    tracer, exporter = provider_with(scope)
    scope.active = False
    tracer.start_span("x", context=with_scope(context.Context(), conversation_id="s-1")).end()
    assert dict(exporter.get_finished_spans()[0].attributes) == {}


def test_open_spans_are_ended_children_first_and_marked():
    """At the end open spans are exported, marked as interrupted; ended and forgotten ones are not."""
    spans = OpenSpans()
    tracer, exporter = provider_with(spans)
    root = tracer.start_span("root")
    child = tracer.start_span("child", context=trace.set_span_in_context(root))
    tracer.start_span("ended").end()
    tracer.start_span("forgotten")
    gc.collect()
    assert spans.interrupt() == 2
    names = [span.name for span in exporter.get_finished_spans()]
    assert names == ["ended", "child", "root"]
    assert [span.attributes.get("langswarm.interrupted") for span in exporter.get_finished_spans()] == [None, True, True]
    assert not root.is_recording()
    assert not child.is_recording()
    assert spans.interrupt() == 0


def test_interrupt_while_other_threads_start_spans():
    """Spans that come and go meanwhile do not disturb it."""
    spans = OpenSpans()
    tracer, _ = provider_with(spans)
    stop = threading.Event()

    def work():
        while not stop.is_set():
            tracer.start_span("busy").end()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    kept = [tracer.start_span("kept") for _ in range(50)]
    ended = sum(spans.interrupt() for _ in range(20))
    stop.set()
    for thread in threads:
        thread.join()
    assert ended >= len(kept)
    assert not any(span.is_recording() for span in kept)


def test_foreign_roots_of_detached_work_are_linked():
    """A foreign root inside ``detached()`` has a link to where that was entered; its children have none."""
    tracer, exporter = provider_with(ScopeSpanProcessor())
    with tracer.start_as_current_span("request") as request, detached(link=True), tracer.start_as_current_span("job"):
        tracer.start_span("below").end()
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["job"].parent is None
    assert [link.context for link in spans["job"].links] == [request.get_span_context()]
    assert list(spans["below"].links) == []


def test_spans_that_nobody_ends_do_not_pile_up():
    """What is left of a forgotten span goes when there are many; the open ones stay."""
    spans = OpenSpans()
    tracer, _ = provider_with(spans)
    kept = [tracer.start_span("kept") for _ in range(5)]
    for _ in range(5000):
        tracer.start_span("forgotten")
    gc.collect()
    assert len(spans._spans) < 2000
    assert spans.interrupt() == len(kept)


class Queue(SpanProcessor):
    """Stands where the queue's processor stands."""

    def __init__(self):
        self.calls = []

    def on_end(self, span):
        self.calls.append((span.name, dict(span.attributes)))

    def shutdown(self):
        self.calls.append("shutdown")

    def force_flush(self, timeout_millis=30000):
        self.calls.append(timeout_millis)
        return False


def test_the_combined_processor_does_what_the_three_do():
    """Stamps at the start, eyes on what is open, hands on what has ended; each part can be inert, and the queue may be missing."""
    scope, open_spans, queue = ScopeSpanProcessor(), OpenSpans(), Queue()
    own = OwnSpans(scope, open_spans, queue)
    tracer, _ = provider_with(own)
    parent = with_scope(context.Context(), conversation_id="s-1")
    tracer.start_span("ended", context=parent).end()
    left_open = tracer.start_span("open", context=parent)
    assert open_spans.interrupt() == 1
    assert not left_open.is_recording()
    scope.active = open_spans.active = False
    tracer.start_span("inert", context=parent).end()
    assert not own.force_flush(5)
    own.shutdown()
    stamp = {"gen_ai.conversation.id": "s-1"}
    assert queue.calls == [("ended", stamp), ("open", {**stamp, "langswarm.interrupted": True}), ("inert", {}), 5, "shutdown"]
    alone = OwnSpans(scope, open_spans, None)
    alone.on_end(left_open)
    alone.shutdown()
    assert alone.force_flush()
