"""The private names of spans and tracers that a lean span stands on: there in this SDK, and meaning what we take them to mean."""

from __future__ import annotations

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, ParentBasedTraceIdRatio, TraceIdRatioBased

from langswarm_otel.export import sdk_private

SPAN_PARTS = {
    "_name", "_context", "_kind", "_instrumentation_info", "_instrumentation_scope", "_parent", "_start_time", "_end_time", "_attributes",
    "_events", "_links", "_resource", "_status",
}  # fmt: skip
OWN_PARTS = {
    "_sampler", "_trace_config", "_record_exception", "_set_status_on_exception", "_span_processor", "_limits", "_lock",
    "_record_end_metrics",
}  # fmt: skip


def provider_of(**arguments) -> TracerProvider:
    return TracerProvider(resource=Resource({}), shutdown_on_exit=False, **arguments)


def test_the_parts_of_a_span():
    """A span has these parts and no others. If this fails the lean span is off by itself: teach it the new part, then change this."""
    span = provider_of().get_tracer("t").start_span("s")
    assert vars(span).keys() == SPAN_PARTS | OWN_PARTS
    assert vars(ReadableSpan("s", resource=Resource({}))).keys() == vars(span._readable_span()).keys() == SPAN_PARTS
    assert callable(Span._new_events)
    assert callable(Span._new_links)


def test_the_parts_of_a_tracer():
    """Limits and scope are those given; the tracer is on, and can be turned off."""
    limits = SpanLimits()
    provider = provider_of(span_limits=limits)
    tracer = provider.get_tracer("t", "1")
    assert sdk_private.is_tracer_on(tracer) is True
    found = sdk_private.parts_of_tracer(tracer)
    assert found is not None
    assert found[0] is limits
    assert (found[1].name, found[1].version) == ("t", "1")
    assert sdk_private.parts_of_tracer(object()) is None


def test_a_tracer_that_counts_its_spans(monkeypatch: pytest.MonkeyPatch):
    """Is told from one that does not."""
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    assert sdk_private.parts_of_tracer(provider_of().get_tracer("t")) is None


def test_a_tracer_with_other_parts(monkeypatch: pytest.MonkeyPatch):
    """Is left to the SDK."""
    tracer = provider_of().get_tracer("t")
    del tracer._span_limits
    assert sdk_private.parts_of_tracer(tracer) is None


def test_the_end_is_told_as_by_the_sdk():
    """Processors hear of the ending, then of the end."""
    told = []

    class Hearing(SpanProcessor):
        def _on_ending(self, span):
            told.append(("ending", span))

        def on_end(self, span):
            told.append(("end", span))

    provider = provider_of()
    provider.add_span_processor(Hearing())
    tracer = provider.get_tracer("t")
    span = tracer.start_span("s")
    span.end()
    by_the_sdk = [what for what, _ in told]
    told.clear()
    readable = span._readable_span()
    sdk_private.report_end(tracer.span_processor, span, readable)
    assert told == [("ending", span), ("end", readable)]
    assert [what for what, _ in told] == by_the_sdk


def test_the_sdks_container_takes_clean_attributes_as_they_are():
    """It neither cleans nor copies them, obeys its limit from then on, and can be closed."""
    inner = {"a": "too long"}
    bounded = sdk_private.bounded_attributes(inner, 1, 3)
    assert isinstance(bounded, BoundedAttributes)
    assert dict(bounded) == inner
    bounded["b"] = "too long"
    assert (dict(bounded), bounded.dropped) == ({"b": "too"}, 1)
    sdk_private.make_immutable(bounded)
    with pytest.raises(TypeError):
        bounded["c"] = 1


def test_the_root_of_a_sampler():
    """What decides about new traces."""
    root = sdk_private.root_of(ParentBasedTraceIdRatio(0.5))
    assert isinstance(root, TraceIdRatioBased)
    assert root.rate == 0.5
    assert sdk_private.root_of(ParentBased(ALWAYS_ON)) is ALWAYS_ON


@pytest.mark.parametrize("most", [None, 1])
def test_a_changed_span_is_the_same_but_for_flags_and_attributes(most):
    """With its parent, events, links, status and what it dropped; the original stays as it was."""
    ended = []
    provider = provider_of(span_limits=SpanLimits(max_span_attributes=most))
    provider.add_span_processor(type("Ended", (SpanProcessor,), {"on_end": lambda _, span: ended.append(span)})())
    span = provider.get_tracer("t").start_span("s", attributes={"a": 1, "b": 2})
    span.add_event("e")
    span.end()
    before = ended[0].to_json()
    changed = sdk_private.changed_span(ended[0], 4, {"c": 3})
    assert changed.context.trace_flags == ended[0].context.trace_flags | 4
    assert (changed.context.trace_id, changed.context.span_id) == (ended[0].context.trace_id, ended[0].context.span_id)
    assert dict(changed.attributes) == {**ended[0].attributes, "c": 3}
    assert (changed.dropped_attributes, changed.events, changed.name) == (ended[0].dropped_attributes, ended[0].events, "s")
    assert ended[0].to_json() == before
