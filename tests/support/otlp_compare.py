"""What hypothesis draws for the encoder's tests, and the official encoder's answer to it."""

from __future__ import annotations

import enum
from decimal import Decimal

from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

ENCODERS = {"traces": encode_spans, "logs": encode_logs, "metrics": encode_metrics}
MAX64 = (1 << 64) - 1


class Colour(enum.IntEnum):
    RED = 1
    HUGE = 1 << 40


class Word(str):
    __slots__ = ()


class Number(float):
    __slots__ = ()


def canonical(body, like):
    """Bytes that are equal for equal messages, also with NaN in them; ``like`` is a message of the type of the body."""
    return type(like).FromString(body).SerializeToString(deterministic=True)


def official(signal, records):
    """The official request, or None if the official encoder cannot make one."""
    try:
        message = ENCODERS[signal](records)
        message.SerializeToString()
    except Exception:
        return None
    return message


texts = st.text(max_size=12) | st.sampled_from(["", "a", "stop", "é" * 70, "x" * 200, "😀", "half \ud800"])
good_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(["", "name", "x" * 130])
integers = st.integers(-(2**65), 2**65) | st.sampled_from([0, 1, -1, 127, 128, 16383, 16384, 2**35 - 1, 2**35, 2**63 - 1, 2**63, -(2**63)])
floats = st.floats() | st.sampled_from([0.0, -0.0, 1.0])
scalars = (
    st.none()
    | st.booleans()
    | integers
    | floats
    | texts
    | st.binary(max_size=5)
    | st.sampled_from([Colour.RED, Colour.HUGE, Word("w"), Number(1.5)])
)
odd = (
    st.builds(object)
    | st.just({1, 2})
    | st.just(Decimal("1.5"))
    | st.just(bytearray(b"ab"))
    | st.just(range(3))
    | st.just({1: 2, b"k": "v"})
)
values = st.recursive(
    scalars | odd,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["a", "b", "gen_ai.request.model", "k" * 140]) | texts
"""Few keys and many values, so that caches are hit."""

plain_attributes = st.dictionaries(keys, values, max_size=6)
raw_attributes = st.none() | plain_attributes | st.dictionaries(st.integers() | st.binary(max_size=3), scalars, max_size=2)
"""As a producer other than the SDK may hand them over."""

bounded_attributes = st.builds(
    BoundedAttributes,
    maxlen=st.none() | st.integers(0, 4),
    attributes=plain_attributes,
    immutable=st.booleans(),
    max_value_len=st.none() | st.integers(0, 5),
)
"""As the SDK keeps them."""

attributes = raw_attributes | bounded_attributes
counts = st.integers(0, MAX64)
times = st.integers(0, MAX64) | st.none()

URLS = ["", "https://opentelemetry.io/schemas/1.30.0", "https://opentelemetry.io/schemas/1.40.0"]
RESOURCES = [
    Resource({}),
    Resource({"service.name": "a"}),
    Resource({"service.name": "a"}, URLS[1]),
    Resource({"a": 1, "b": [1.5, None], "c": b"\x01", "d": {"e": True}}),
    Resource({"d": {"e": True}, "c": b"\x01", "b": [1.5, None], "a": 1}),  # equal to the one before
    Resource({"service.name": "a"}),  # equal to the second
    Resource({"a": True}),
    Resource({"a": 1.0}),
    Resource({"good": 1, "bad": "\ud800"}),
]
SCOPES = [
    None,
    InstrumentationScope(""),
    InstrumentationScope("lib"),
    InstrumentationScope("lib", ""),
    InstrumentationScope("lib", "1"),
    InstrumentationScope("lib", "1", URLS[1]),
    InstrumentationScope("lib", "1", URLS[2], {"a": 1, "b": "x", "c": 2**70}),
    InstrumentationScope("lib", "1", URLS[2], {"b": "x", "a": 1, "c": 2**70}),  # equal to the one before
    InstrumentationScope("lib", "1", attributes={"only": ("x", "y")}),
]
resources = st.sampled_from(RESOURCES)
scopes = st.sampled_from(SCOPES)

trace_ids = st.integers(1, (1 << 128) - 1)
span_ids = st.integers(1, MAX64)
trace_states = st.sampled_from([None, TraceState(), TraceState([("a", "1")]), TraceState([("a", "1"), ("v@x", "2 3")])])
contexts = st.builds(
    SpanContext,
    trace_id=trace_ids | st.just(0),
    span_id=span_ids | st.just(0),
    is_remote=st.booleans(),
    trace_flags=st.sampled_from([TraceFlags(0), TraceFlags(1)]),
    trace_state=trace_states,
)
