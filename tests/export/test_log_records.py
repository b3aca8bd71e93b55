"""Log records that we make and copy, attribute by attribute as the SDK's own ways make and copy them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context, set_value
from opentelemetry.sdk._logs import LogRecordLimits, ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.export.log_records import copy_without_context, fit_limits, new_record, plain_copy, readable

SPAN = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))


@pytest.mark.parametrize("span", [SPAN, INVALID_SPAN_CONTEXT])
def test_a_record_has_what_the_constructor_gives_it(span: SpanContext) -> None:
    """Every attribute, of the same type; only the context is left out. An attribute that a new SDK adds shows here."""
    parts: dict[str, Any] = {
        "timestamp": 1,
        "observed_timestamp": 2,
        "severity_text": "INFO",
        "severity_number": SeverityNumber.INFO,
        "body": "b",
        "attributes": {"k": 1},
        "event_name": "e",
    }
    ours = new_record(span=span, **parts)
    theirs = LogRecord(context=trace.set_span_in_context(NonRecordingSpan(span)), **parts)
    theirs.context = Context()
    assert type(ours) is LogRecord
    assert vars(ours) == vars(theirs)
    assert [type(value) for value in vars(ours).values()] == [type(value) for value in vars(theirs).values()]


def test_a_readable_record_is_the_constructors() -> None:
    """Equal as a dataclass, and still frozen."""
    record, resource, scope, limits = LogRecord(body="b"), Resource({"a": 1}), InstrumentationScope("s"), LogRecordLimits()
    ours = readable(record, resource, scope, limits)
    theirs = ReadableLogRecord(log_record=record, resource=resource, instrumentation_scope=scope, limits=limits)
    assert type(ours) is ReadableLogRecord
    assert ours == theirs
    assert vars(ours) == vars(theirs)
    with pytest.raises(AttributeError):
        ours.resource = resource  # type: ignore[misc]


def test_a_copy_has_all_but_the_context() -> None:
    """Also what somebody has put onto the record, and a subclass stays one; the original keeps its context."""

    class Mine(LogRecord):
        pass

    original = Mine(body="b", attributes={"k": 1}, context=set_value("large", "x"))
    original.extra = "e"  # type: ignore[attr-defined]
    copied = copy_without_context(original)
    expected = copy.copy(original)
    expected.context = Context()
    assert type(copied) is Mine
    assert vars(copied) == vars(expected)
    assert original.context == {"large": "x"}


@pytest.mark.parametrize(
    ("attributes", "is_plain"),
    [
        (None, True),
        ({}, True),
        ({"a": 1, "b": "x", "c": 1.5, "d": True, "e": None}, True),
        ({"a": "abcd"}, False),  # longer than the limit
        ({f"k{index}": index for index in range(6)}, False),  # more than the limit
        ({"a": [1]}, False),
        ({"a": b"x"}, False),
        ({"": 1}, False),
        ({1: 1}, False),
        ([("a", 1)], False),
    ],
)
def test_what_the_sdk_would_change_is_not_plain(attributes: Any, is_plain: bool) -> None:
    """A list becomes a tuple there, a long text is cut, a bad key is left out."""
    limits = LogRecordLimits(max_log_record_attributes=5, max_log_record_attribute_length=3)
    copied = plain_copy(attributes, limits)
    assert (copied is not None) is is_plain
    if is_plain:
        assert copied == (attributes or {})
        assert copied is not attributes


@pytest.mark.parametrize(
    ("attributes", "max_length", "are"),
    [
        ({"a": 1, "b": "xyz", "c": 1.5, "d": True}, None, True),
        ({"a": "xyz"}, 2, False),
        ({"a": "abcd"}, None, False),
        ({"a": "abcd"}, 10, False),
        ({"a": None}, None, False),
        ({"a": 2**63}, None, False),
        ({"a": -(2**63) - 1}, None, False),
        ({"a": "\udfff"}, None, False),
        ({"\udfff": 1}, None, False),
        ({"a": object()}, None, False),
        ({f"k{index}": index for index in range(6)}, None, False),
    ],
)
def test_what_has_to_be_made_safe_is_not_plain(attributes: Any, max_length: int | None, are: bool) -> None:
    """Beyond the SDK's own rules: what no encoder takes, and None, which means absent."""
    limits = LogRecordLimits(max_log_record_attributes=5, max_log_record_attribute_length=3)
    assert fit_limits(attributes, max_length, limits) is are
