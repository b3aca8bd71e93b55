"""Answers are read as protobuf reads them, and no bytes do harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from langswarm_otel.export.partial_success import read_partial_success

RESPONSES = {
    "rejected_spans": ExportTraceServiceResponse,
    "rejected_log_records": ExportLogsServiceResponse,
    "rejected_data_points": ExportMetricsServiceResponse,
}


@pytest.mark.parametrize("field", RESPONSES)
@given(count=st.integers(-(2**63), 2**63 - 1), message=st.text())
def test_what_protobuf_writes_is_read(field, count, message):
    """Numbers of any size, negative ones too, and any text."""
    text = message.encode(errors="ignore").decode()
    body = RESPONSES[field](partial_success={field: count, "error_message": text}).SerializeToString()
    assert read_partial_success(body) == (count, text)


@given(st.lists(st.tuples(st.integers(-5, 5), st.text("ab", max_size=3)), max_size=4), st.binary(max_size=8))
def test_repeated_messages_are_merged(parts, unknown):
    """As protobuf merges them; fields that nobody knows are skipped."""
    body = b"".join(
        ExportTraceServiceResponse(partial_success={"rejected_spans": count, "error_message": text}).SerializeToString()
        for count, text in parts
    )
    body += b"\x7a" + bytes([len(unknown)]) + unknown
    expected = ExportTraceServiceResponse.FromString(body).partial_success
    assert read_partial_success(body) == (expected.rejected_spans, expected.error_message)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(body):
    """Whatever protobuf makes of them as numbers is what we make of them; what it refuses says nothing or something, and does not raise."""
    rejected, message = read_partial_success(body)
    assert isinstance(message, str)
    try:
        expected = ExportTraceServiceResponse.FromString(body)
    except Exception:
        return
    assert rejected == expected.partial_success.rejected_spans


@pytest.mark.parametrize("body", [b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x08" + b"\xff" * 70_000, b"<html>", b"\x0a\x02\x08"])
def test_hostile_lengths(body):
    """Lengths beyond the end, endless numbers, pages of a proxy."""
    assert read_partial_success(body) == (0, "")
