"""Spans: message for message what the official encoder makes of whatever the SDK, or somebody else, puts into a span."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode
from otlp_compare import (
    RESOURCES,
    URLS,
    attributes,
    canonical,
    contexts,
    counts,
    good_texts,
    official,
    plain_attributes,
    resources,
    scopes,
    span_ids,
    texts,
    times,
    trace_ids,
)

from langswarm_otel.export.encoding import EncodingError, SpanEncoder, assemble
from langswarm_otel.export.encoding.group import COMPLETE

ENCODER = SpanEncoder()
"""One for all examples: what it remembers of one must not show in another."""

statuses = st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR)]) | st.builds(
    Status, status_code=st.just(StatusCode.ERROR), description=texts
)
ended_spans = st.builds(
    ReadableSpan,
    name=good_texts | texts,
    context=contexts,
    parent=st.none() | contexts,
    resource=resources,
    attributes=attributes,
    events=st.lists(st.builds(Event, name=good_texts | texts, attributes=attributes, timestamp=counts), max_size=2),
    links=st.lists(st.builds(Link, context=contexts, attributes=attributes), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=statuses,
    start_time=times,
    end_time=times,
    instrumentation_scope=scopes,
)


def check(spans):
    """Both encode the same records, and make the same of those; ours without help."""
    encoded, good = [], []
    for span in spans:
        if official("traces", [span]) is None:
            with pytest.raises(EncodingError):
                ENCODER.encode(span)
        else:
            encoded.append(ENCODER.encode(span))
            good.append(span)
    assert all(group is not COMPLETE for group, _ in encoded)
    expected = official("traces", good)
    assert canonical(assemble(encoded), expected) == expected.SerializeToString(deterministic=True)


@given(st.lists(ended_spans, max_size=4))
def test_any_span_is_encoded_as_the_official_encoder_does(spans):
    check(spans)


class Ids(IdGenerator):
    """Hypothesis wants no other source of randomness."""

    def generate_span_id(self):
        return 0xAB

    def generate_trace_id(self):
        return 0xCD << 64


@st.composite
def recorded_spans(draw):
    """Spans that a tracer of the SDK has made, with its limits."""
    few = st.none() | st.integers(0, 3)
    limits = SpanLimits(
        max_span_attributes=draw(few),
        max_events=draw(few),
        max_links=draw(few),
        max_event_attributes=draw(few),
        max_link_attributes=draw(few),
        max_attribute_length=draw(few),
    )
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=draw(resources), span_limits=limits, id_generator=Ids(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("lib", draw(st.sampled_from([None, "", "2"])), draw(st.sampled_from(URLS)), draw(plain_attributes))
    parent = draw(st.none() | contexts)
    span = tracer.start_span(
        draw(good_texts),
        context=trace.set_span_in_context(NonRecordingSpan(parent)) if parent else None,
        kind=draw(st.sampled_from(SpanKind)),
        attributes=draw(plain_attributes),
        links=[Link(context, draw(plain_attributes)) for context in draw(st.lists(contexts, max_size=2))],
        start_time=draw(times),
    )
    span.set_attributes(draw(plain_attributes))
    for name in draw(st.lists(good_texts, max_size=3)):
        span.add_event(name, draw(plain_attributes), draw(times))
    for context in draw(st.lists(contexts, max_size=2)):
        span.add_link(context, draw(plain_attributes))
    span.set_status(draw(statuses))
    span.end(draw(times))
    return list(exporter.get_finished_spans())


@settings(max_examples=60)
@given(recorded_spans())
def test_what_a_tracer_records_is_encoded_as_the_official_encoder_does(spans):
    check(spans)


@given(trace_ids, span_ids, st.integers(-2, 2**65), st.integers(-2, 2**65))
def test_numbers_out_of_range_cost_their_span_only(trace_id, span_id, start, end):
    """The official encoder fails for a whole batch; here the exception is of one span."""
    shift = start % 2
    check(
        [
            ReadableSpan(
                "s", SpanContext(trace_id << shift, span_id << shift, False), resource=RESOURCES[1], start_time=start, end_time=end
            ),
            ReadableSpan("t", SpanContext(1, 2, False), resource=RESOURCES[1]),
        ]
    )


def span_of(**attributes):
    return ReadableSpan("s", SpanContext(1, 2, False), resource=RESOURCES[1], attributes=attributes)


def test_values_that_are_equal_but_not_the_same_stay_apart():
    """1, True and 1.0 are equal and hash equal, 0.0 and -0.0 too; a cache must not take one for the other, in any order."""
    same = [1, True, 1.0, "1", b"1", 0, False, 0.0, -0.0, (1,), (True,), (1.0,), {"a": 1}, {"a": True}]
    check([span_of(a=value) for value in [*same, *reversed(same), *same]])


def test_one_bad_attribute_costs_that_attribute():
    """As with the official encoder, nested ones too: what cannot be said is left out, the rest arrives."""
    cycle = []
    cycle.append(cycle)
    encoded = ENCODER.encode(span_of(a=1, b="\ud800", c=2**64, d=object(), e=cycle, f=[1, object()], g={"h": "\ud800"}, z="z"))
    (resource,) = official("traces", []).FromString(assemble([encoded])).resource_spans
    assert [pair.key for pair in resource.scope_spans[0].spans[0].attributes] == ["a", "z"]


def nested(depth, wrap):
    value = 1
    for _ in range(depth):
        value = wrap(value)
    return span_of(deep=value, z="z")


@pytest.mark.parametrize(("wrap", "deepest"), [(lambda value: (value,), 47), (lambda value: {"k": value}, 31)])
def test_nesting_is_sent_as_deep_as_protobuf_reads_it(wrap, deepest):
    """One level more, and a reader refuses the whole request that the official encoder makes; here the attribute is left out."""
    request = official("traces", [])
    check([nested(deepest, wrap)])
    for depth in (deepest + 1, 400, 10_000):
        (sent,) = request.FromString(assemble([ENCODER.encode(nested(depth, wrap))])).resource_spans
        assert [pair.key for pair in sent.scope_spans[0].spans[0].attributes] == ["z"]
    with pytest.raises(DecodeError):
        request.FromString(official("traces", [nested(deepest + 1, wrap)]).SerializeToString())


def test_an_error_names_no_value():
    """The text of an error may go to a log; what the user sent must not."""
    for span in (
        ReadableSpan("secret \ud800", SpanContext(1, 2, False), resource=RESOURCES[1]),
        ReadableSpan("secret", SpanContext(1, 2, False), resource=RESOURCES[1], start_time="secret"),
        ReadableSpan("secret", None, resource=RESOURCES[1]),
        ReadableSpan("secret", SpanContext(1, 2, False), resource=Resource({}, "secret \ud800")),
    ):
        with pytest.raises(EncodingError) as caught:
            ENCODER.encode(span)
        assert "secret" not in str(caught.value)
