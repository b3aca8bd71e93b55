"""A lean span is the SDK's span: the same calls give the same results, the same log lines and the same bytes on the wire."""

from __future__ import annotations

import copy
import enum
import json
import threading
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Span
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState
from span_pairs import Lines, Side, encoded, outcome, shown, sides

from langswarm_otel.export.sizes import LEAN_SPAN_BYTES, SPAN_BYTES, span_size
from langswarm_otel.pipelines.lean_span import LeanSpan


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


class Shown:
    def __repr__(self) -> str:
        return "shown"


class Plain:
    """Has no text of its own: the SDK leaves it out or makes it None."""


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


PLAIN_VALUES = st.one_of(st.text(max_size=6), st.integers(-(2**70), 2**70), st.floats(), st.booleans(), st.binary(max_size=4), st.none())
ODD_VALUES = st.sampled_from([Level.HIGH, Text("texts"), Shown(), Plain(), "\ud800", b"\xff", {1}, range(3), object, 1j])
VALUES = st.recursive(
    PLAIN_VALUES | ODD_VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = st.one_of(st.sampled_from("abcdefg"), st.sampled_from(["", 1, 0, None, Text("t"), Plain, b"b", ("x",), True]))
MAPPINGS = st.one_of(
    st.dictionaries(st.sampled_from("abcdefg"), PLAIN_VALUES, max_size=7),
    st.dictionaries(KEYS, VALUES, max_size=4),
    st.dictionaries(KEYS, VALUES, max_size=4).map(types.MappingProxyType),
)
ATTRIBUTES = st.one_of(MAPPINGS, st.none(), st.sampled_from([[], [("a", 1)], "text", 5]))
CONTEXTS = st.sampled_from(
    [
        SpanContext(1, 2, is_remote=False),
        SpanContext(3, 4, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("k", "v")])),
        SpanContext(0, 0, is_remote=False),
        SpanContext(0, 0, is_remote=False, trace_state=TraceState([("k", "v")])),
        None,
    ]
)
LINKS = st.one_of(st.none(), st.lists(st.tuples(CONTEXTS, ATTRIBUTES) | st.none(), max_size=3))
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "max_span_attributes": st.sampled_from([None, 0, 1, 3]),
        "max_span_attribute_length": st.sampled_from([None, 0, 3]),
        "max_attribute_length": st.sampled_from([None, 0, 3]),
        "max_events": st.sampled_from([None, 0, 1, 2]),
        "max_links": st.sampled_from([None, 0, 1, 2]),
        "max_event_attributes": st.sampled_from([None, 0, 1]),
        "max_link_attributes": st.sampled_from([None, 0, 1]),
    },
)
STATUSES = st.one_of(
    st.sampled_from([*StatusCode, "odd", None]), st.builds(Status, st.sampled_from(StatusCode), st.sampled_from([None, "text"]))
)
ERRORS = st.sampled_from([ValueError("no"), KeyboardInterrupt(), Broken, RuntimeError(Broken())])
TIMES = st.sampled_from([5, 6, 0, 2**62])
OPERATIONS = st.one_of(
    st.tuples(st.just("set_attribute"), st.tuples(KEYS, VALUES)),
    st.tuples(st.just("set_attribute"), st.tuples(st.sampled_from("abcdefg"), PLAIN_VALUES)),
    st.tuples(st.just("set_attributes"), st.tuples(ATTRIBUTES)),
    st.tuples(st.just("add_event"), st.tuples(st.text(max_size=3), ATTRIBUTES, TIMES)),
    st.tuples(st.just("add_link"), st.tuples(CONTEXTS, ATTRIBUTES)),
    st.tuples(st.just("set_status"), st.tuples(STATUSES)),
    st.tuples(st.just("set_status"), st.tuples(STATUSES, st.sampled_from([None, "why", 5]))),
    st.tuples(st.just("update_name"), st.tuples(st.sampled_from(["x", "", None, 5]))),
    st.tuples(st.just("record_exception"), st.tuples(ERRORS, ATTRIBUTES, TIMES)),
    st.tuples(st.just("end"), st.tuples(TIMES)),
    st.tuples(st.just("start"), st.tuples()),
    st.tuples(st.just("is_recording"), st.tuples()),
    st.tuples(st.just("to_json"), st.tuples()),
)


def run(side: Side, start: dict[str, Any], operations: list[Any]) -> list[Any]:
    """Return all that is seen of one side."""
    links = start.pop("links")
    made = None if links is None else [one if one is None else Link(*one) for one in links]
    with Lines() as lines:
        started = outcome(lambda: side.tracer.start_span("s", links=made, start_time=1, **start))
        seen: list[Any] = [started[0] if started[0] == "gives" else started]
        if started[0] == "gives":
            span = started[1]
            for name, arguments in operations:
                seen += [(name, outcome(lambda name=name, args=arguments: getattr(span, name)(*args))), shown(span)]
            span.end(9)
            seen += [shown(span), outcome(span.to_json), repr(span).split("(", 1)[1]]
    ended = side.watching.ended
    readable = [(shown(one), encoded(one), outcome(one.to_json), outcome(lambda one=one: encoded(copy.deepcopy(one)))) for one in ended]
    return [*seen, side.watching.told, lines, readable]


@settings(max_examples=400, deadline=None)
@given(
    limits=LIMITS,
    start=st.fixed_dictionaries({"attributes": st.none() | MAPPINGS, "links": LINKS, "kind": st.sampled_from(SpanKind)}),
    operations=st.lists(OPERATIONS, max_size=8),
)
def test_the_same_calls_show_the_same(limits: dict[str, int | None], start: dict[str, Any], operations: list[Any]) -> None:
    """Whatever is done to a span: what it returns, raises, logs, tells to processors and puts on the wire equals the SDK's."""
    theirs, ours = sides(limits)
    assert repr(run(ours, dict(start), operations)) == repr(run(theirs, dict(start), operations))


def span_of(side: Side, **start: Any) -> Any:
    span = side.tracer.start_span("s", **start)
    assert isinstance(span, LeanSpan) is isinstance(side.provider, type(sides()[1].provider))
    return span


def test_it_is_an_sdk_span() -> None:
    """Checks by type hold, for the span and for what processors get at its end."""
    _, ours = sides()
    span = span_of(ours, attributes={"a": 1})
    assert isinstance(span, Span)
    assert isinstance(span, ReadableSpan)
    assert isinstance(span, trace.Span)
    span.end()
    (ended,) = ours.watching.ended
    assert isinstance(ended, ReadableSpan)
    assert not isinstance(ended, Span)


def test_attributes_are_a_live_view() -> None:
    """As in the SDK the mapping follows the span while it is open, cannot be written to, and can be walked while somebody writes."""
    for side in sides({"max_span_attributes": 2}):
        span = span_of(side, attributes={"a": 1})
        view = span.attributes
        span.set_attribute("b", 2)
        assert dict(view) == {"a": 1, "b": 2}
        assert view.copy() == {"a": 1, "b": 2}
        for key in view:
            span.set_attribute(key + "x", 1)
        with pytest.raises(TypeError):
            view["c"] = 3
        assert len(view) == 2
        span.end()
        with pytest.raises(TypeError):
            span.attributes["c"] = 3


def test_the_callers_own_mapping_is_not_kept() -> None:
    """What the caller does with its dictionary and lists afterwards does not reach the span."""
    for side in sides():
        values = [1, 2]
        given_ = {"a": values}
        span = span_of(side, attributes=given_)
        span.set_attributes({"b": values})
        span.set_attribute("c", values)
        values.append(3)
        given_["d"] = 4
        assert dict(span.attributes) == {"a": (1, 2), "b": (1, 2), "c": (1, 2)}


def test_what_was_cleaned_is_not_cleaned_again() -> None:
    """The SDK does not cut the text that it makes of an object; going on with its container for a later attribute must not either."""
    for side in sides({"max_span_attribute_length": 3, "max_span_attributes": 1}):
        span = span_of(side, attributes=types.MappingProxyType({"a": [Shown()]}))
        span.set_attribute("", 1)
        assert dict(span.attributes) == {"a": ("shown",)}


def test_its_size_is_told() -> None:
    """The queue counts what it holds: a lean span takes a third of the SDK's."""
    theirs, ours = sides()
    for side in (theirs, ours):
        span_of(side, attributes={"a": "x" * 10}).end()
    assert [span_size(side.watching.ended[0]) for side in (theirs, ours)] == [SPAN_BYTES + 50, LEAN_SPAN_BYTES + 50]
    with_event = span_of(ours)
    with_event.add_event("e", {"a": "x" * 1000})
    with_event.end()
    assert span_size(ours.watching.ended[1]) > LEAN_SPAN_BYTES + 1000


def test_limits_may_change_alive() -> None:
    """The next span obeys the limits of this moment."""
    for side in sides():
        limits = side.provider._span_limits
        span_of(side, attributes={"a": "abc"}).end()
        limits.max_span_attribute_length, limits.max_span_attributes = 2, 1
        span_of(side, attributes={"a": "abc", "b": "abc"}).end()
        assert [dict(span.attributes) for span in side.watching.ended] == [{"a": "abc"}, {"b": "ab"}]
        assert side.watching.ended[1].dropped_attributes == 1


def test_an_ended_span_can_be_copied() -> None:
    """Somebody's exporter keeps a deep copy, as it may of the SDK's."""
    _, ours = sides()
    span_of(ours, attributes={"a": (1, 2)}).end()
    (ended,) = ours.watching.ended
    assert encoded(copy.deepcopy(ended)) == encoded(copy.copy(ended)) == encoded(ended)
    assert json.loads(ended.to_json())["attributes"] == {"a": [1, 2]}


def test_a_signal_handler_may_touch_the_span_that_it_interrupts() -> None:
    """The lock is reentrant: marking open spans from a handler cannot hang, as it can with the SDK's."""
    _, ours = sides()
    span = span_of(ours)
    with span._lock:
        span.set_attributes({"langswarm.interrupted": True})
        span.end()
    assert ours.watching.ended[0].attributes["langswarm.interrupted"] is True


def test_threads_on_one_span() -> None:
    """Each change is in what is exported or is refused; the limit holds; the span ends once; nothing changes after the end."""
    _, ours = sides({"max_span_attributes": 50})
    for _ in range(20):
        span = span_of(ours, attributes={"a": 1})
        barrier = threading.Barrier(4)

        def work(number: int, span: Any = span, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            for index in range(30):
                span.set_attribute(f"{number}.{index}", index)
                span.add_event("e", timestamp=index)
                list(span.attributes.items())
            span.end()

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        with Lines():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert len(ours.watching.ended) == 20
    for ended in ours.watching.ended:
        assert len(ended.attributes) <= 50
        assert len(ended.events) >= 30


@pytest.mark.parametrize("off", ["lean", "counted", "unknown"])
def test_the_sdks_own_span_is_used_where_lean_ones_do_not_fit(monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    """Switched off, an SDK that counts its spans, or one whose span has parts that are not known here."""
    if off == "counted":
        monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    if off == "unknown":
        before = Span.__init__

        def init(self: Any, *args: Any, **kwargs: Any) -> None:
            before(self, *args, **kwargs)
            self._new_in_1_46 = 1

        monkeypatch.setattr(Span, "__init__", init)
    _, ours = sides()
    if off == "lean":
        ours.provider.lean = False
    span = ours.tracer.start_span("s")
    assert isinstance(span, Span)
    assert not isinstance(span, LeanSpan)
    span.end()
    assert len(ours.watching.ended) == 1


def holding_itself() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


@pytest.mark.parametrize("odd", [Broken(), holding_itself()], ids=["raises", "holds itself"])
def test_a_value_that_raises_does_not_reach_the_application(odd: Any) -> None:
    """Where the SDK lets the value's own error out, the value becomes something that can be sent; misuse raises as there."""
    _, ours = sides()
    span = span_of(ours, attributes={"start": odd})
    span.set_attribute("one", odd)
    span.set_attributes({"some": odd, "plain": 1})
    span.add_event("event", {"event": odd})
    span.add_link(span.get_span_context(), {"link": odd})
    with pytest.raises(TypeError):
        span.set_attributes(None)
    assert set(span.attributes) == {"start", "one", "some", "plain"}
    assert (len(span.events), len(span.links)) == (1, 1)
