"""The one processor of our own chain: the same line and the same record as the single processors make, one after the other."""

from __future__ import annotations

import copy
import logging
from unittest import mock

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from log_records import RecordedLogs
from offered_logs import Offered, encoded
from opentelemetry import context, trace
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.resources import Resource
from structlog import processors
from structlog.contextvars import bound_contextvars, merge_contextvars

from langswarm_otel import guard
from langswarm_otel.context import with_scope
from langswarm_otel.pipelines.processors import FilteringLogProcessor
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
from langswarm_otel.signals import log_fields, own_line
from langswarm_otel.signals.log_output import LineLogger, LineOutput
from langswarm_otel.signals.log_processors import LEVELS, OTelLogProcessor, add_scope, add_trace_context
from langswarm_otel.signals.otel_logs import LogEmitter
from langswarm_otel.signals.own_line import OwnLine, add_logger_name

NOW = 1795342830_123456_000
RESOURCE = Resource({"service.name": "s"})
SPAN = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=trace.TraceFlags(1)))


def stamp(logger, name, event):
    event["timestamp"] = log_fields.iso_time(NOW)
    return event


def single_processors(emitter):
    """What the chain was before it became one processor."""
    return [
        merge_contextvars,
        processors.add_log_level,
        add_logger_name,
        stamp,
        processors.StackInfoRenderer(),
        add_trace_context,
        add_scope,
        OTelLogProcessor(emitter),
    ]


def our_provider(**options):
    offered = Offered()
    provider = SwitchLoggerProvider(resource=RESOURCE, limits=LogRecordLimits(), processors=[FilteringLogProcessor(offered)], **options)
    return provider, offered


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.text(alphabet="a\ud800é", max_size=3),
    st.lists(st.integers(0, 9), max_size=2),
    st.sets(st.integers(0, 9), max_size=2),
    st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
    st.builds(object),
)
KEYS = [
    *sorted(own_line._MEANINGFUL - {"exc_info", "timestamp", "stack_info"}),
    "gen_ai.conversation.id",
    "gen_ai.agent.name",
    "item",
    "stack",
]
EVENTS = st.builds(
    lambda plain, odd, event: {**plain, **odd, **event},
    st.dictionaries(st.text(max_size=4), VALUES, max_size=4),
    st.one_of(st.just({}), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2)),
    st.fixed_dictionaries({}, optional={"event": st.one_of(st.text(max_size=6), VALUES)}),
)


def check(event, *, method="info", name="shop", level=0, max_length=None, where="nowhere", bound=None):
    """Put an event through both, and compare keys, values and order of the lines, and the official encoder's messages."""
    (ours, offered), (single, by_single) = our_provider(), our_provider()
    emitter = LogEmitter(lambda: ours, level=level, max_length=max_length)
    one = OwnLine(emitter)
    many = single_processors(LogEmitter(lambda: single, level=level, max_length=max_length))
    logger = LineLogger(LineOutput(None), name)
    context.attach(with_scope(context.Context(), conversation_id="s-42", agent_name="a") if where == "scope" else context.Context())
    if where == "span":
        context.attach(trace.set_span_in_context(SPAN))
    expected = dict(event)
    with bound_contextvars(**(bound or {})), mock.patch.object(own_line.time, "time_ns", return_value=NOW):
        if LEVELS.get(method, logging.INFO) < level:
            with pytest.raises(structlog.DropEvent):
                one(logger, method, dict(event))
            return
        line = one(logger, method, dict(event))
        for processor in many:
            expected = processor(logger, method, expected)
    assert list(line.items()) == list(expected.items())
    assert len(offered.records) == (name != "urllib3")
    assert encoded(offered.take(), observed=False) == encoded(by_single.take(), observed=False)
    assert guard.faults() == {}


@given(
    event=EVENTS,
    method=st.one_of(st.sampled_from(sorted(LEVELS)), st.just("notice")),
    name=st.sampled_from([None, "", "shop", "urllib3"]),
    level=st.sampled_from([0, logging.WARNING]),
    max_length=st.sampled_from([None, 0, 5]),
    where=st.sampled_from(["nowhere", "span", "scope"]),
    bound=st.dictionaries(st.sampled_from(["request", "level", "item"]), st.text(max_size=3), max_size=1),
)
def test_line_and_record_are_those_of_the_single_processors(event, method, name, level, max_length, where, bound):
    """Any event, from any method and logger, in any place."""
    check(event, method=method, name=name, level=level, max_length=max_length, where=where, bound=bound)


@pytest.mark.parametrize("where", ["nowhere", "span", "scope"])
@pytest.mark.parametrize("value", ["info", "x", "", 5, True, None, (1,), ValueError("broken"), [{"a": 1}]])
@pytest.mark.parametrize("key", KEYS)
def test_keys_that_mean_something_mean_the_same(key, value, where):
    """Each by itself, with values that it may have and others."""
    check({"event": "sold %s", "count": 3, key: value}, where=where)


@pytest.mark.parametrize("method", ["error", "exception", "info"])
@pytest.mark.parametrize("value", [True, ValueError("broken"), False, None, "odd"])
def test_exceptions_mean_the_same(method, value):
    """The one being handled, one that is handed in, and none."""
    try:
        raise LookupError("gone")
    except LookupError:
        check({"event": "x", "exc_info": value}, method=method)


def test_a_plain_line_takes_the_shortest_way(monkeypatch):
    """Else all that is said here would be about the other one."""
    provider, offered = our_provider()
    emitter = LogEmitter(lambda: provider)
    monkeypatch.setattr(LogEmitter, "emit", lambda *args: pytest.fail("the long way"))
    OwnLine(emitter)(LineLogger(LineOutput(None), "shop"), "warning", {"event": "sold", "count": 3})
    (readable,) = offered.records
    record = readable.log_record
    assert (record.body, record.attributes, record.severity_text, record.severity_number.value) == ("sold", {"count": 3}, "WARN", 13)
    assert readable.instrumentation_scope.name == "shop"
    assert readable.resource is provider.resource


def test_any_provider_will_do():
    """One that is not ours has no short way."""
    recorded = RecordedLogs()
    line = OwnLine(LogEmitter(recorded))(LineLogger(LineOutput(None), "shop"), "info", {"event": "sold", "count": 3})
    assert recorded.bodies == ["sold"]
    assert recorded.only().timestamp % 1000 == 0
    assert line["timestamp"] == log_fields.iso_time(recorded.only().timestamp)


def test_changes_of_providers_are_followed():
    """Another provider, none, an excluded logger, a closed emitter: at the next line of the same logger."""
    (first, one), (second, two) = our_provider(), our_provider()
    target = [first]
    emitter = LogEmitter(lambda: target[0])
    processor = OwnLine(emitter)

    def say(event, name="shop"):
        assert processor(LineLogger(LineOutput(None), name), "info", {"event": event})["event"] == event

    say("a")
    say("excluded", "opentelemetry.sdk")
    target[0] = second
    say("b")
    target[0] = None
    say("nobody")
    target[0] = first
    say("c")
    first.enabled = False
    say("disabled")
    first.enabled = True
    emitter.close()
    say("closed")
    assert [each.log_record.body for each in one.records] == ["a", "c"]
    assert [each.log_record.body for each in two.records] == ["b"]


def test_remembered_loggers_are_bounded():
    """Logger names made by the thousand do not fill the memory."""
    from langswarm_otel.signals.otel_logs import MAX_LOGGERS
    from langswarm_otel.signals.structlog_chain import LineLoggerFactory

    provider, offered = our_provider()
    emitter = LogEmitter(lambda: provider)
    processor, factory = OwnLine(emitter), LineLoggerFactory(LineOutput(None))
    for number in range(MAX_LOGGERS + 10):
        processor(factory(f"n{number}"), "info", {"event": "x"})
    assert len(emitter._plain[1]) <= MAX_LOGGERS
    assert len(factory._loggers) <= MAX_LOGGERS
    assert len(offered.records) == MAX_LOGGERS + 10


def test_a_fault_costs_neither_the_line_nor_its_keys():
    """Whatever breaks while the record is made."""
    provider, _ = our_provider()
    provider.queue.put = None  # type: ignore[method-assign,assignment]
    line = OwnLine(LogEmitter(lambda: provider))(LineLogger(LineOutput(None), "shop"), "info", {"event": "x", "a": 1})
    assert list(line) == ["event", "a", "level", "logger", "timestamp"]
    assert guard.faults() == {"OwnLine": 1}


def test_it_can_be_copied_with_its_logger():
    """A deep copy of an object that holds a bound logger keeps logging to the same place."""
    processor = OwnLine(LogEmitter(lambda: None))
    assert copy.deepcopy(processor) is processor


@pytest.mark.parametrize("nanoseconds", [0, 999, 1000, NOW, NOW + 999, NOW + 10**9, 1_799_999_999_999_999_999])
def test_times_are_written_as_structlog_writes_them(nanoseconds):
    """Always with six digits of a second, also at its beginning, where Python's ``isoformat`` leaves them out."""
    import datetime as dt

    moment = dt.datetime.fromtimestamp(nanoseconds // 10**9, tz=dt.timezone.utc).replace(microsecond=nanoseconds % 10**9 // 1000)
    assert log_fields.iso_time(nanoseconds) == moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert log_fields.unix_nanoseconds(log_fields.iso_time(nanoseconds)) == nanoseconds // 1000 * 1000


def test_a_stack_that_is_asked_for_is_on_the_line():
    """As structlog's own processor puts it there."""
    provider, offered = our_provider()
    line = OwnLine(LogEmitter(lambda: provider))(LineLogger(LineOutput(None), "shop"), "info", {"event": "x", "stack_info": True})
    assert line["stack"].startswith("Stack (most recent call last):")
    assert "stack_info" not in line
    assert offered.records[0].log_record.attributes["stack"] == line["stack"]
