"""Safe values: everything encodes with the official OTLP encoder, and what is safe comes back as the same object."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import logging
import pathlib
import uuid
from collections import OrderedDict, UserString, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import BaseModel

from langswarm_otel.content.nested import MAX_DEPTH
from langswarm_otel.content.safe import json_text, safe_attributes, safe_text, safe_value
from langswarm_otel.content.simple import MAX_ITEMS


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Hostile:
    """Raises whatever is asked of it."""

    def __str__(self):
        raise RuntimeError("no text")

    def __hash__(self):
        return 1

    def __eq__(self, other):
        raise RuntimeError("no comparison")


class HostileMapping(Mapping):
    def __getitem__(self, key):
        raise RuntimeError("no item")

    def __iter__(self):
        raise RuntimeError("no iteration")

    def __len__(self):
        raise RuntimeError("no length")


class TextThatIsNoText:
    def __str__(self):
        return 3  # noqa: PLE0307 - that is the point


@dataclass
class Answer:
    text: str = "42"
    hits: list[int] = field(default_factory=lambda: [1])


class Reply(BaseModel):
    text: str = "hello"
    at: dt.date = dt.date(2026, 1, 2)


text = st.text(st.characters(exclude_categories=[]))
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**80), max_value=2**80),
    st.floats(),
    text,
    st.binary(),
    st.decimals(),
    st.datetimes(),
    st.uuids(),
    st.timedeltas(),
    st.fractions(),
    st.complex_numbers(),
    st.sampled_from([Colour.RED, Level.HIGH, Hostile(), TextThatIsNoText(), HostileMapping(), Answer(), Reply(), object(), len, Answer]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(text, st.integers(), st.none(), st.binary()), inner, max_size=4),
        st.sets(st.one_of(text, st.integers(), st.none()), max_size=4),
        st.lists(inner, max_size=3).map(deque),
    ),
    max_leaves=8,
)
mappings = st.dictionaries(st.one_of(text, st.integers(), st.none(), st.binary(), st.just(Hostile())), anything, max_size=6)
lengths = st.one_of(st.none(), st.integers(min_value=0, max_value=40))


@pytest.fixture(scope="module")
def peers():
    """Official SDK pipelines that keep what they are given."""
    spans, logs, reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    return tracers, loggers, meters, spans, logs, reader


class Records(logging.Handler):
    """Everything that OpenTelemetry complained about."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


@settings(max_examples=120, deadline=None)
@given(attributes=mappings, body=anything, name=text, limit=lengths)
def test_everything_encodes_with_the_official_encoder(peers, attributes, body, name, limit):
    """Whatever the caller hands us, spans, log records and metric points encode; no attribute is lost and nobody complains."""
    tracers, loggers, meters, spans, logs, reader = peers
    for sink in (spans, logs):
        sink.clear()
    records = Records()
    logging.getLogger("opentelemetry").addHandler(records)
    try:
        flat = safe_attributes(attributes, max_length=limit)
        tree = safe_attributes(attributes, max_length=limit, nested=True)
        span = tracers.get_tracer("t").start_span(safe_text(name), attributes=flat)
        span.add_event("e", flat)
        span.end()
        loggers.get_logger("t").emit(body=safe_value(body, max_length=limit, nested=True), attributes=tree)
        meters.get_meter("t").create_counter("c").add(1, flat)
        sent = encode_spans(spans.get_finished_spans())
        sent_logs = encode_logs(logs.get_finished_logs())
        points = encode_metrics(reader.get_metrics_data())
    finally:
        logging.getLogger("opentelemetry").removeHandler(records)
    assert records.lines == []
    one = sent.resource_spans[0].scope_spans[0].spans[0]
    assert {item.key for item in one.attributes} == set(flat)
    assert len(sent_logs.resource_logs[0].scope_logs[0].log_records[0].attributes) == len(tree)
    assert points.ByteSize() > 0


@settings(max_examples=120, deadline=None)
@given(attributes=mappings, limit=lengths)
def test_safe_is_a_fixed_point(attributes, limit):
    """What came out once is safe: it goes through again as the very same object."""
    flat = safe_attributes(attributes, max_length=limit)
    assert safe_attributes(flat, max_length=limit) is flat
    assert all(safe_value(value, max_length=limit) is value for value in flat.values())


@settings(max_examples=120, deadline=None)
@given(value=anything, limit=st.integers(min_value=2, max_value=200))
def test_json_text_is_bounded(value, limit):
    """JSON text never exceeds its bound, and unbounded it parses."""
    assert len(json_text(value, max_length=limit)) <= limit
    json.loads(json_text(value))


def test_safe_values_come_back_identical():
    """The fast path makes no copy: neither of a value nor of a mapping, the SDK's attributes included."""
    values = ["plain", "größe 漢字 😀", 1, -(2**63), 2**63 - 1, True, 1.5, float("inf"), ["a", "b"], ("a",), (1, 2), [True], [], ()]
    for value in values:
        assert safe_value(value, max_length=100) is value
    attributes = {f"k{position}": value for position, value in enumerate(values)}
    assert safe_attributes(attributes, max_length=100) is attributes
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s", attributes=attributes)
    foreign = span.attributes
    assert safe_attributes(foreign, max_length=100) is foreign
    assert safe_attributes({}) == {}
    assert safe_attributes(None) == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (2**63, "9223372036854775808"),
        (10**5000, "<integer of 16610 bits>"),
        ("a\ud83d\ude00b\ud800c", "a😀b\ufffdc"),
        ("\udc00", "\ufffd"),
        (decimal.Decimal("1.50"), "1.50"),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.timezone.utc), "2026-01-02T03:04:00+00:00"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (UserString("text"), "text"),
        (b"abc", "YWJj"),
        (bytearray(b"abc"), "YWJj"),
        (memoryview(b"abc"), "YWJj"),
        (b"x" * 5000, "<5000 bytes>"),
        ({3, 1, 2}, [1, 2, 3]),
        (range(3), [0, 1, 2]),
        ([1, "a"], '[1,"a"]'),
        ([1, 2.5], "[1,2.5]"),
        ([1, None], "[1,null]"),
        ([2**70, 1], [str(2**70), "1"]),
        (["a", "\ud800"], ["a", "\ufffd"]),
        ({"a": {"b": [None, 1]}}, '{"a":{"b":[null,1]}}'),
        ({"a": float("nan"), "b": float("-inf")}, '{"a":"NaN","b":"-Infinity"}'),
        (OrderedDict(a="ä"), '{"a":"ä"}'),
        (MappingProxyType({1: 2}), '{"1":2}'),
        (Answer(), '{"text":"42","hits":[1]}'),
        (Reply(), '{"text":"hello","at":"2026-01-02"}'),
        (len, "builtins.len"),
        (decimal.Decimal, "decimal.Decimal"),
        (object(), "<builtins.object>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_becomes_of_odd_values(value, expected):
    """Each kind of value has one documented form."""
    result = safe_value(value)
    assert result == expected
    assert type(result) is type(expected)


def test_values_whose_own_code_fails():
    """A value that raises costs its text, never the caller; its name stays, in collections too."""
    assert safe_value(Hostile()) == f"<{__name__}.Hostile>"
    assert safe_value(HostileMapping()) == f"<{__name__}.HostileMapping>"
    assert safe_value(TextThatIsNoText()) == f"<{__name__}.TextThatIsNoText>"
    assert json.loads(str(safe_value({"a": [Hostile()], "b": 1}))) == {"a": [f"<{__name__}.Hostile>"], "b": 1}
    assert safe_attributes(HostileMapping()) == {}
    assert safe_attributes({"a": HostileMapping(), "b": 1}) == {"a": f"<{__name__}.HostileMapping>", "b": 1}


def test_keys():
    """Keys become text; empty and absent ones go; an existing string key wins over another that reads the same."""
    assert safe_attributes({1: "number", "1": "text", "": 1, None: 2, "gone": None, "\ud800": 3, b"k": 4}) == {
        "1": "text",
        "\ufffd": 3,
        "aw==": 4,
    }


def test_cutting():
    """Strings, the strings of lists and JSON text end at the bound; a JSON text stays valid by shortening what is long inside."""
    assert safe_value("äöü" * 10, max_length=4) == "äöüä"
    assert safe_value(["abcdef", "ab"], max_length=3) == ["abc", "ab"]
    messages = [{"role": "user", "parts": [{"type": "text", "content": "x" * 50_000}]} for _ in range(20)]
    for limit in (8192, 2000, 300):
        cut = safe_value(messages, max_length=limit)
        assert isinstance(cut, str)
        assert len(cut) <= limit
        assert json.loads(cut)[0]["role"] == "user"
    assert len(str(safe_value({"a": "b" * 100}, max_length=5))) == 5


def test_cyclic_deep_and_huge_values_are_bounded():
    """No structure can hang or exhaust us: cycles are named, depth and size end with a mark."""
    cyclic: dict[str, object] = {"a": 1}
    cyclic["self"] = cyclic
    assert safe_value(cyclic) == '{"a":1,"self":"<cyclic>"}'
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep, 1]
    assert str(safe_value(deep)).count("[") <= MAX_DEPTH + 1
    shared = [[1, "a"]] * 3
    assert safe_value(shared) == '[[1,"a"],[1,"a"],[1,"a"]]'
    wide = safe_value({"numbers": list(range(1_000_000)), "more": ["x" * 100] * 10_000, "last": 1})
    parsed = json.loads(str(wide))
    assert parsed["numbers"][-1] == "<999500 more>"
    assert parsed["last"] == 1
    assert len(safe_value(list(range(10 * MAX_ITEMS)))) == MAX_ITEMS
    doubling: list[object] = ["x" * 1000, 1]
    for _ in range(12):
        doubling = [doubling, doubling, 1]
    assert len(str(safe_value(doubling))) < 3_000_000


def test_nested_values_stay_trees():
    """A log body keeps its structure, with safe leaves."""
    body = {"a": [1, "x", None, {"b": 2**70}], "at": dt.date(2026, 1, 2), 3: float("inf"), "c": {1}}
    assert safe_value(body, nested=True) == {"a": [1, "x", None, {"b": str(2**70)}], "at": "2026-01-02", "3": float("inf"), "c": [1]}
    assert safe_attributes({"m": [{"role": "user"}]}, nested=True) == {"m": [{"role": "user"}]}


def test_an_endless_iterator_is_not_consumed():
    """A generator handed to us as a value stays untouched for the application."""
    numbers = iter([1, 2, 3])
    assert safe_value(numbers) == "<builtins.list_iterator>"
    assert list(numbers) == [1, 2, 3]
