"""The start of a span by the short way: the same decision, ids, flags, state and parent as the SDK's tracer comes to."""

from __future__ import annotations

import itertools
import types
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState
from span_pairs import Side, outcome, shown, sides

from langswarm_otel.export.sdk_private import set_configurator
from langswarm_otel.pipelines.lean_span import LeanSpan
from langswarm_otel.pipelines.probability import ParentBasedProbability
from langswarm_otel.pipelines.sampling import SwitchSampler, rule_of

STATE = TraceState([("vendor", "x")])
HIGH = (1 << 128) - 1


class Own(Sampler):
    """Decides, adds an attribute and a trace state of its own."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None, trace_state=None):
        return SamplingResult(self._decision, {**(attributes or {}), "sampler": 1}, TraceState([("own", "y")]))

    def get_description(self) -> str:
        return "Own"


SAMPLERS = {
    "on": sampling.ALWAYS_ON,
    "off": sampling.ALWAYS_OFF,
    "parent on": sampling.DEFAULT_ON,
    "parent off": sampling.DEFAULT_OFF,
    **{f"ratio {rate}": sampling.TraceIdRatioBased(rate) for rate in (0.0, 0.3, 1.0)},
    **{f"parent ratio {rate}": sampling.ParentBasedTraceIdRatio(rate) for rate in (0.0, 0.3, 1.0)},
    **{f"probability {rate}": ParentBasedProbability(rate) for rate in (0.0, 0.3, 1.0)},
    "parent odd": sampling.ParentBased(sampling.ALWAYS_ON, remote_parent_sampled=sampling.ALWAYS_OFF),
    "always record": sampling.AlwaysRecordSampler(sampling.ALWAYS_OFF),
    **{f"own {decision.name}": Own(decision) for decision in Decision},
}
SPAN_CONTEXTS = st.builds(
    SpanContext,
    st.sampled_from([0, 1, HIGH, HIGH + 1, 1 << 63, (1 << 64) - 1]),
    st.sampled_from([0, 5]),
    st.booleans(),
    st.sampled_from([TraceFlags(bits) for bits in (0, 1, 2, 3, 255)]),
    st.sampled_from([TraceState(), STATE, None]),
)


class Odd(NonRecordingSpan):
    """A span of somebody's own."""


def in_context(given_: Any) -> Context | None:
    if given_ is None:
        return None
    return Context() if given_ == "empty" else trace.set_span_in_context(given_, Context())


def run(side: Side, context: Context | None, attributes: Any) -> Any:
    started = outcome(lambda: side.tracer.start_span("s", context, attributes=attributes, start_time=1))
    if started[0] == "raises":
        return started
    span = started[1]
    seen = shown(span) if span.is_recording() else (NonRecordingSpan, type(span), span.get_span_context())
    return seen, span.get_span_context().trace_flags, span.get_span_context().trace_state, side.watching.told


@settings(max_examples=300, deadline=None)
@given(
    sampler=st.sampled_from(sorted(SAMPLERS)),
    is_random=st.booleans(),
    parents=st.lists(
        st.none()
        | st.just("empty")
        | SPAN_CONTEXTS.map(NonRecordingSpan)
        | SPAN_CONTEXTS.map(Odd)
        | st.sampled_from([NonRecordingSpan(None), NonRecordingSpan((1, 2)), "no span"]),  # type: ignore[arg-type]
        min_size=1,
        max_size=4,
    ),
    attributes=st.sampled_from([None, {}, {"a": 1}, types.MappingProxyType({"a": 1})]),
)
def test_the_same_start(sampler: str, parents: list[Any], attributes: Any, *, is_random: bool) -> None:
    """Every sampler, every parent: remote and local, sampled or not, random or not, invalid, of other types."""
    theirs, ours = sides(sampler=SAMPLERS[sampler], is_random=is_random)
    for parent in parents:
        context = in_context(parent)
        assert repr(run(ours, context, attributes)) == repr(run(theirs, context, attributes))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_rules_are_known_for_the_standard_samplers_alone(name: str) -> None:
    """What is subclassed, combined or somebody's own is asked at each start."""
    assert (rule_of(SAMPLERS[name]) is None) is name.startswith(("parent odd", "always", "own"))


def test_a_subclass_of_a_standard_sampler_is_asked() -> None:
    """It may decide otherwise."""

    class Never(sampling.TraceIdRatioBased):
        def should_sample(self, *args, **kwargs):
            return SamplingResult(Decision.DROP)

    _, ours = sides(sampler=Never(1.0))
    assert not ours.tracer.start_span("s").is_recording()


def test_another_target_or_sampler_holds_at_once() -> None:
    """The rule follows the target; a sampler that somebody puts on the tracer itself is asked too."""
    _, ours = sides()
    sampler = ours.provider.sampler
    assert isinstance(sampler, SwitchSampler)
    sampler.set_ratio(0.0)
    assert not ours.tracer.start_span("s", Context()).is_recording()
    sampler.target = sampling.ALWAYS_ON
    assert isinstance(ours.tracer.start_span("s"), LeanSpan)
    ours.tracer._real.sampler = sampling.ALWAYS_OFF
    assert not ours.tracer.start_span("s").is_recording()


def test_a_configurator_turns_a_scope_off_and_on() -> None:
    """The experimental configurator of tracers holds for lean spans as for the SDK's."""
    _, ours = sides()
    switched_on = itertools.cycle([False, True])
    for expected in (False, True):
        set_configurator(ours.provider, lambda scope: types.SimpleNamespace(is_enabled=next(switched_on)))
        assert ours.tracer.start_span("s").is_recording() is expected


def test_what_a_processor_raises_reaches_the_caller_as_in_the_sdk() -> None:
    """Faults of processors of others are theirs to show."""
    for side in sides():
        side.watching.on_start = lambda *_, **__: 1 / 0
        with pytest.raises(ZeroDivisionError):
            side.tracer.start_span("s")
