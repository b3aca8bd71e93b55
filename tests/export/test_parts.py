"""The small parts: bell, marks, parcels, sizes, causes, private names."""

from __future__ import annotations

import threading
import time

import pytest
from hub_exporters import RESOURCE
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from langswarm_otel.export import sdk_private
from langswarm_otel.export.bell import Bell
from langswarm_otel.export.causes import cause_of, shorten
from langswarm_otel.export.marks import Mark
from langswarm_otel.export.parcel import Parcel
from langswarm_otel.export.sizes import LOG_BYTES, SPAN_BYTES, log_size, span_size


def ended(name="s", events=(), **attributes):
    """An ended span of the SDK."""
    span = TracerProvider(resource=RESOURCE, shutdown_on_exit=False).get_tracer("t").start_span(name, attributes=attributes)
    for event in events:
        span.add_event("e", event)
    span.end()
    return span


def test_a_bell_rung_twice_wakes_once():
    """Rings before the waiter looks count as one; without a ring the wait ends at its time."""
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(0.0)
    assert not bell.wait(0.05)


def test_a_bell_wakes_a_waiter():
    """A thread that waits for ever is woken from another one."""
    bell, woken = Bell(), threading.Event()
    threading.Thread(target=lambda: bell.wait(None) and woken.set(), daemon=True).start()
    assert not woken.wait(0.05)
    bell.ring()
    assert woken.wait(5.0)


def test_a_mark_waits_for_all():
    """A mark is reached when everybody expected has passed; one that had no success spoils it."""
    mark = Mark()
    mark.expect(2)
    mark.pass_by()
    mark.pass_by()
    assert not mark.wait(time.monotonic() + 0.02)
    mark.pass_by(ok=False)
    assert mark.wait(time.monotonic())
    assert not mark.ok


@given(sizes=st.lists(st.integers(1, 100), max_size=30), length=st.integers(0, 40), room=st.integers(-5, 500))
def test_parcels_lose_nothing(sizes, length, room):
    """However a parcel is divided, the parts together are the whole, in order; by size, the first part is the longest that fits."""
    parcel = Parcel(list(range(len(sizes))), list(sizes), [1] * len(sizes))
    for first, rest in (parcel.split(length), parcel.split_by_size(room)):
        assert first.records + rest.records == parcel.records
        assert first.size + rest.size == parcel.size == sum(sizes)
        assert first.count + rest.count == len(parcel)
        assert (first + rest).records == parcel.records
    fits, rest = parcel.split_by_size(room)
    assert fits.size <= max(room, 0)
    assert not rest or fits.size + rest.sizes[0] > room


@pytest.mark.parametrize(
    ("attributes", "extra"),
    [
        ({}, 0),
        ({"a": 1, "b": 2.0, "c": True}, 120),
        ({"a": "x" * 1000}, 1040),
        ({"a": ["x" * 100, "y" * 100]}, 40 + 280),
        ({"a": b"12345"}, 45),
    ],
)
def test_the_size_of_a_span(attributes, extra):
    """Strings count by their characters, sequences by their elements; nothing is free."""
    assert span_size(ended(**attributes)) == SPAN_BYTES + extra


def test_events_count():
    """What exceptions leave in events counts too."""
    span = ended(events=[{"exception.stacktrace": "x" * 5000}])
    assert 5000 < span_size(span) - SPAN_BYTES < 5500


def test_spans_without_private_parts():
    """A ``ReadableSpan`` that somebody built (attributes as a dict, events as a tuple) has the same size as the SDK's own."""
    span = ended(events=[{"k": "v" * 10}], a="x" * 100)
    rebuilt = ReadableSpan("s", attributes={"a": "x" * 100}, events=span.events, resource=RESOURCE)
    assert span_size(rebuilt) == span_size(span)


def test_the_size_of_a_log_record():
    """Body and attributes count, nested ones too, down to a depth."""
    deep = current = {}
    for _ in range(100):
        current["k"] = current = {}
    record = LogRecord(body={"a": ["x" * 50, 1]}, attributes={"k": "v" * 30, "deep": deep})
    assert LOG_BYTES + 80 < log_size(ReadableLogRecord(record, RESOURCE)) < LOG_BYTES + 2000


def test_causes_say_what_the_system_said():
    """The operating system's words are shown, however deep; the text of other errors is not."""
    refused = ConnectionRefusedError(111, "Connection refused")
    wrapped = RuntimeError("secret", refused)
    assert cause_of(wrapped) == "RuntimeError: Connection refused"
    assert cause_of(ValueError("secret")) == "ValueError"
    with pytest.raises(KeyError) as raised:
        raise KeyError("secret") from ValueError("secret")
    assert cause_of(raised.value) == "KeyError: ValueError"


def test_causes_end():
    """Errors that cause each other do not keep us for ever."""
    one, two = ValueError(), KeyError()
    one.__cause__, two.__cause__ = two, one
    assert cause_of(one) == "ValueError: KeyError"


def test_shortened_text_is_one_line():
    """Long texts are cut, line ends become spaces."""
    assert shorten("a\n\tb") == "a b"
    assert len(shorten("x" * 1000)) == 200


def test_the_suppression_key_is_the_one_that_instrumentors_ask():
    """The private key exists in this SDK, and a thread that suppresses has it set, itself alone."""
    seen = []

    def work():
        sdk_private.suppress_instrumentation_in_this_thread()
        from opentelemetry.instrumentation.utils import is_instrumentation_enabled

        seen.append(is_instrumentation_enabled())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
    assert otel_context.get_value(sdk_private.SUPPRESS_INSTRUMENTATION_KEY) is None


def test_private_parts_of_a_span_are_there():
    """The quick way into a span works with this SDK: no fallback, the very mapping that the public way shows."""
    span = ended(a=1)
    attributes, events = sdk_private.attributes_and_events(span)
    assert type(attributes) is dict
    assert attributes == dict(span.attributes) == {"a": 1}
    assert len(events) == 0
    assert len(sdk_private.attributes_and_events(ended(events=[{}]))[1]) == 1
