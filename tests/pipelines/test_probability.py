"""The sampler that says what each span stands for, side by side with OpenTelemetry's own experiment."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from langswarm_otel.pipelines.probability import ParentBasedProbability
from langswarm_otel.pipelines.sampling import SwitchSampler, build_sampler, ratio_of
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

experiment = pytest.importorskip("opentelemetry.sdk.trace._sampling_experimental")


@given(ratio=st.floats(2**-40, 1.0), trace_id=st.integers(1, 2**128 - 1))
def test_the_decision_and_the_threshold_are_those_of_the_sdks_experiment(ratio: float, trace_id: int) -> None:
    """For every share and id; only where all are sampled the trace state stays empty, as each span then stands for itself."""
    theirs = experiment.composite_sampler(experiment.composable_traceid_ratio_based(ratio)).should_sample(Context(), trace_id, "s")
    ours = ParentBasedProbability(ratio).should_sample(Context(), trace_id, "s")
    assert ours.decision is theirs.decision
    if theirs.trace_state != TraceState([("ot", "th:0")]):
        assert (ours.trace_state or None) == (theirs.trace_state or None)
    else:
        assert not ours.trace_state


@pytest.mark.parametrize(("ratio", "state"), [(0.5, "th:8"), (0.25, "th:c"), (1.0, None), (0.0, None)])
def test_the_threshold_is_written_as_the_specification_has_it(ratio: float, state: str | None) -> None:
    """Hexadecimal digits without the zeros at the end."""
    found = ParentBasedProbability(ratio).state
    assert (found.get("ot") if found else None) == state


@pytest.mark.parametrize("lean", [True, False])
def test_a_share_of_the_traces_carries_the_threshold_from_root_to_child(lean: bool) -> None:
    """Summed up with their weights the sampled traces stand for all of them; those that are not sampled carry nothing."""
    provider = SwitchTracerProvider(resource=Resource({}), sampler=SwitchSampler(build_sampler(None, 0.25)), span_limits=SpanLimits())
    provider.lean = lean
    tracer = provider.get_tracer("t")
    weights, number = 0.0, 4000
    for _ in range(number):
        root = tracer.start_span("root", Context())
        child = tracer.start_span("child", trace.set_span_in_context(root, Context()))
        states = {span.get_span_context().trace_state.get("ot") for span in (root, child)}
        if root.is_recording():
            assert states == {"th:c"}
            weights += 1 / (1 - 0xC / 16)
        else:
            assert states == {None}
    assert abs(weights / number - 1) < 0.2


@pytest.mark.parametrize("sampled", [True, False])
def test_a_span_under_a_parent_hands_its_trace_state_on(sampled: bool) -> None:
    """What another service has decided and written stays."""
    state = TraceState([("ot", "th:8;rv:0123456789abcd"), ("vendor", "x")])
    parent = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(int(sampled)), trace_state=state)
    context = trace.set_span_in_context(NonRecordingSpan(parent), Context())
    result = ParentBasedProbability(0.5).should_sample(context, 1, "s", attributes={"a": 1})
    assert (result.decision is Decision.RECORD_AND_SAMPLE) is sampled
    assert result.trace_state == state


def test_a_trace_that_is_sampled_at_a_low_rate_is_so_at_a_higher_one() -> None:
    """So services with different rates agree on the traces that all of them have."""
    low, high = ParentBasedProbability(0.05), ParentBasedProbability(0.5)
    chance = random.Random(1)
    for _ in range(2000):
        trace_id = chance.getrandbits(128)
        if low.should_sample(Context(), trace_id, "s").decision is Decision.RECORD_AND_SAMPLE:
            assert high.should_sample(Context(), trace_id, "s").decision is Decision.RECORD_AND_SAMPLE


@pytest.mark.parametrize(
    ("name", "ratio", "known"),
    [
        (None, 0.2, 0.2),
        ("traceidratio", 0.2, 0.2),
        ("parentbased_traceidratio", 0.2, 0.2),
        ("always_off", 1.0, 0.0),
        ("always_on", 0.2, 1.0),
    ],
)
def test_the_share_of_a_sampler_is_known(name: str | None, ratio: float, known: float) -> None:
    """It stands on spans that are kept though they were not sampled."""
    assert ratio_of(build_sampler(name, ratio)) == known


def test_a_named_sampler_by_ratio_stays_of_its_kind() -> None:
    """Whoever wants the traces that other SDKs choose at the same ratio names it, and keeps it when the ratio changes."""
    for name in ("traceidratio", "parentbased_traceidratio"):
        sampler = SwitchSampler(build_sampler(name, 1.0))
        sampler.set_ratio(0.5)
        assert type(sampler.target) is type(build_sampler(name, 0.5))
