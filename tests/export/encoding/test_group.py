"""Which records are sent together, and how their request is put together."""

from __future__ import annotations

import gc

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext
from otlp_compare import RESOURCES, SCOPES

from langswarm_otel.export.encoding import SpanEncoder, assemble
from langswarm_otel.export.encoding.group import MAX_GROUPS


def span(resource, scope=SCOPES[2], name="s"):
    return ReadableSpan(name, SpanContext(1, 2, False), resource=resource, instrumentation_scope=scope)


def request(*records):
    return ExportTraceServiceRequest.FromString(assemble(records))


def test_nothing_is_an_empty_request():
    assert assemble([]) == b""


def test_records_of_several_encoders_go_together():
    """Each thread has its own encoder; what they made of one resource and scope is one entry, in the order of the records."""
    records = [SpanEncoder().encode(span(Resource({"a": 1, "b": 2}), name=f"s{number}")) for number in range(5)]
    (resource,) = request(*records).resource_spans
    (scope,) = resource.scope_spans
    assert [one.name for one in scope.spans] == ["s0", "s1", "s2", "s3", "s4"]
    assert len({group for group, _ in records}) == 1


def test_interleaved_records_keep_the_order_of_first_appearance():
    encoder = SpanEncoder()
    a, b = InstrumentationScope("a"), InstrumentationScope("b")
    order = [(RESOURCES[2], b), (RESOURCES[1], a), (RESOURCES[2], a), (RESOURCES[2], b), (RESOURCES[1], a)]
    found = request(*[encoder.encode(span(resource, scope, f"s{number}")) for number, (resource, scope) in enumerate(order)])
    assert [
        [(scope.scope.name, [one.name for one in scope.spans]) for scope in resource.scope_spans] for resource in found.resource_spans
    ] == [[("b", ["s0", "s3"]), ("a", ["s2"])], [("a", ["s1", "s4"])]]


def test_attributes_of_scopes_that_are_equal_but_not_the_same():
    """The official encoder takes {"a": 1} and {"a": True} for one scope and sends both under the first; here each keeps its own."""
    encoder = SpanEncoder()
    kinds = (1, True, 1.0)
    found = request(*[encoder.encode(span(RESOURCES[1], InstrumentationScope("s", attributes={"a": kind}))) for kind in kinds])
    values = [scope.scope.attributes[0].value.WhichOneof("value") for scope in found.resource_spans[0].scope_spans]
    assert values == ["int_value", "bool_value", "double_value"]


def test_groups_are_remembered_and_bounded():
    """By the identity of objects, which are held, so that no new one can be taken for one that is gone."""
    encoder = SpanEncoder()
    first, _ = encoder.encode(span(RESOURCES[1]))
    assert encoder.encode(span(RESOURCES[1]))[0] is first
    for number in range(4 * MAX_GROUPS):
        group, record = encoder.encode(span(Resource({"number": number}), InstrumentationScope(f"scope {number}")))
        (resource,) = request((group, record)).resource_spans
        assert resource.resource.attributes[0].value.int_value == number
        assert resource.scope_spans[0].scope.name == f"scope {number}"
        assert len(encoder._groups._by_objects) <= MAX_GROUPS
        if not number % 100:
            gc.collect()


def test_the_last_group_is_not_taken_for_another():
    """A resource that is no object of the SDK, and none at all, are no reason to reuse what the encoder began with."""
    group, record = SpanEncoder().encode(span(RESOURCES[0], None))
    assert request((group, record)).resource_spans[0].HasField("resource")
