"""A request that is taken apart and put together again says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from langswarm_otel.export.encoding import assemble
from langswarm_otel.export.encoding.parts import parts_of, units_in

names = st.text(max_size=8)


@st.composite
def logs(draw):
    """A request with some resources, scopes and records."""
    request = ExportLogsServiceRequest()
    for resource_name in draw(st.lists(names, max_size=3, unique=True)):
        resource = request.resource_logs.add(schema_url=draw(names))
        resource.resource.attributes.add(key=resource_name).value.string_value = draw(names)
        for scope_name in draw(st.lists(names, max_size=3, unique=True)):
            scope = resource.scope_logs.add(schema_url=draw(names))
            scope.scope.name = scope_name
            for body in draw(st.lists(names, min_size=1, max_size=3)):
                scope.log_records.add(time_unix_nano=draw(st.integers(0, 2**64 - 1))).body.string_value = body
    return request


def rows(request):
    return [
        (
            resource.resource.SerializeToString(),
            resource.schema_url,
            scope.scope.SerializeToString(),
            scope.schema_url,
            record.SerializeToString(),
        )
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


@given(logs())
def test_apart_and_together_is_the_same(request):
    """Each record keeps its place, its resource, its scope and their schemas."""
    parts = parts_of(request.SerializeToString())
    assert units_in(parts, "logs") == len(rows(request))
    assert rows(ExportLogsServiceRequest.FromString(assemble(parts))) == rows(request)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_points_are_counted(counts):
    """Of metrics each point counts, whatever kind the metric is."""
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    for number, count in enumerate(counts):
        metric = scope.metrics.add(name="m", unit="s")
        kind = ("gauge", "sum", "histogram", "exponential_histogram", "summary")[number % 5]
        data = getattr(metric, kind)
        data.SetInParent()
        for _ in range(count):
            data.data_points.add(time_unix_nano=1)
    assert units_in(parts_of(request.SerializeToString()), "metrics") == sum(counts)


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read(data):
    """Bytes that are no request raise the two errors that are promised, and no other."""
    try:
        units_in(parts_of(data), "metrics")
    except (ValueError, IndexError):
        return


def test_a_number_in_place_of_a_request_is_refused():
    """A field of another kind is no entry."""
    with pytest.raises(ValueError, match="OTLP"):
        parts_of(b"\x08\x01")
