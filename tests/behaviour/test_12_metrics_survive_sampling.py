"""Behaviour 12: sampling a span away also loses its metrics.

Pain: token and cost totals shrink with the sample rate, because metrics are derived from recording spans
(traceloop/openllmetry#4445, DataDog/dd-trace-java#12277).

Right: metrics never depend on ``span.is_recording()``.
"""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from plain_sdk import PlainSdk

from langswarm_otel import configure_observability, presets
from langswarm_otel.pricing import Price

RUNS = 1000


@pytest.fixture
def unsampled():
    """A private handle that samples nothing."""
    prices = {"openai/gpt-4o": Price(input=1.0, output=2.0)}
    handle = configure_observability(
        presets.testing(service_name="t", sample_ratio=0.0, price_table=prices, instrument=False), install_global=False
    )
    yield handle
    handle.shutdown(1.0)


def test_totals_are_whole_at_a_sample_ratio_of_zero(unsampled, verdict):
    """1 000 runs of 10 and 20 tokens: no span, sums of 10 000 and 20 000, 1 000 durations, the whole cost."""
    for _ in range(RUNS):
        with unsampled.agent("a"), unsampled.inference(provider="openai", model="gpt-4o") as call:
            assert not call.span.is_recording()
            call.usage(input_tokens=10, output_tokens=20)
    assert unsampled.flush(5.0)
    statistics = unsampled.statistics()
    assert unsampled.in_memory.spans.kept.items() == ()
    tokens = {kind: statistics.get("gen_ai.client.token.usage", **{"gen_ai.token.type": kind}) for kind in ("input", "output")}
    assert tokens["input"].sum == 10 * RUNS
    assert tokens["output"].sum == 20 * RUNS
    assert tokens["input"].count == RUNS
    assert statistics.get("gen_ai.client.operation.duration").count == RUNS
    assert statistics.get("gen_ai.invoke_agent.duration").count == RUNS
    assert statistics.get("langswarm.gen_ai.cost").sum == pytest.approx(RUNS * (10 * 1.0 + 20 * 2.0) / 1e6)
    verdict.ours("0 spans, all tokens and durations")


def test_the_usual_pattern_loses_them(verdict):
    """The pain exists: metrics that are derived from recording spans are gone with the spans."""
    sdk = PlainSdk(sampler=ALWAYS_OFF)
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("t").create_counter("tokens")
    with sdk.tracer.start_as_current_span("chat") as span:
        if span.is_recording():
            counter.add(10)
    assert reader.get_metrics_data() is None
    verdict.plain("metrics made from recording spans: 0 tokens at ratio 0")
