"""What we assume of the SDK's spans beyond their public interface; an SDK that breaks it fails here first, and is read another way."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from langswarm_otel.export import sdk_private
from langswarm_otel.export.sdk_private import parts_of_context, parts_of_span

CONTEXT = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("a", "b")]))
LISTS = {6: dict, 8: tuple, 10: tuple}


def public(span):
    """The same parts, asked the public way."""
    parts = sdk_private._public_parts_of_span(span)
    return tuple(LISTS[index](part) if index in LISTS else part for index, part in enumerate(parts))


@pytest.fixture
def ended():
    """One span with everything, one with nothing."""
    exporter = InMemorySpanExporter()
    limits = SpanLimits(max_span_attributes=1, max_events=1, max_links=1)
    provider = TracerProvider(resource=Resource({"r": 1}), span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("t", "1")
    with tracer.start_as_current_span("full", kind=SpanKind.CLIENT, attributes={"a": 1, "b": 2}, links=[Link(CONTEXT)] * 2) as span:
        tracer.start_span("empty").end()
        span.add_event("e")
        span.add_event("f", {"g": 1})
        span.set_status(Status(StatusCode.ERROR, "bad"))
    return exporter.get_finished_spans()


def test_parts_of_an_ended_span_are_found_quickly(ended, monkeypatch):
    """Not by the public way, and equal to what that gives."""
    expected = [public(span) for span in ended]
    assert [(parts[7], parts[9], parts[11]) for parts in expected] == [(0, 0, 0), (1, 1, 1)]
    monkeypatch.setattr(sdk_private, "_public_parts_of_span", None)
    assert [parts_of_span(span) for span in ended] == expected
    assert type(parts_of_span(ended[0])[6]) is dict


def test_spans_that_are_made_by_hand_are_read_as_they_are(monkeypatch):
    """Attributes, events and links may be any mapping and sequence, or nothing."""
    spans = [ReadableSpan("s", CONTEXT, resource=Resource({}), attributes={"a": 1}, events=[1, 2], links=(3,)), ReadableSpan("s", CONTEXT)]
    expected = [sdk_private._public_parts_of_span(span) for span in spans]
    assert [tuple(part or () for part in parts_of_span(span)) for span in spans] == [tuple(part or () for part in one) for one in expected]


def test_a_class_with_a_property_of_its_own_is_asked_the_public_way(ended):
    """Such as one that hides attributes; one that only adds something is not."""

    class Hiding(ReadableSpan):
        @property
        def attributes(self):
            return {"hidden": True}

    class Adding(ReadableSpan):
        more = True

    hiding, adding = (kind("s", CONTEXT, attributes={"secret": 1}, resource=Resource({})) for kind in (Hiding, Adding))
    assert parts_of_span(hiding)[6] == {"hidden": True}
    assert parts_of_span(adding)[6] is adding._attributes


def test_an_sdk_without_these_names_is_asked_the_public_way():
    class Other:
        """As a span of another SDK."""

        parent = name = kind = start_time = end_time = attributes = dropped_attributes = events = dropped_events = None
        links = dropped_links = status = resource = instrumentation_scope = None

        def get_span_context(self):
            return CONTEXT

    assert parts_of_span(Other()) == (CONTEXT, *[None] * 14)
    span = ReadableSpan("s", CONTEXT, resource=Resource({}), attributes={"a": 1})
    del span._instrumentation_scope
    with pytest.raises(AttributeError):
        parts_of_span(span)


def test_parts_of_a_context():
    """The tuple has the order that is assumed; a context that is no such tuple is asked the public way."""
    assert parts_of_context(CONTEXT) == (CONTEXT.trace_id, CONTEXT.span_id, CONTEXT.is_remote, CONTEXT.trace_state)

    class Other:
        trace_id, span_id, is_remote, trace_state = 5, 6, False, None

    assert parts_of_context(Other()) == (5, 6, False, None)
