"""Behaviour 15: an unknown model silently costs $0, and prices go stale.

Pain: the dashboard shows $1.16 where about $185 were spent (BerriAI/litellm#35913, langfuse/langfuse#2491, #2382).

Right: unknown means absent and counted, never 0; the user's table wins; local models can be free explicitly.
"""

from __future__ import annotations

import logging

import pytest

from langswarm_otel import public_prices
from langswarm_otel.pricing import Price
from langswarm_otel.testing import capture

PLAIN_CANNOT = "knows no prices"

COST_METRIC, UNPRICED = "langswarm.gen_ai.cost", "langswarm.cost.unpriced"
COST, VERSION = "langswarm.gen_ai.usage.cost", "langswarm.cost.price_table.version"


def call(telemetry, model, *, times=1, provider="openai", **tokens):
    for _ in range(times):
        with telemetry.observability.inference(provider=provider, model=model) as inference:
            inference.usage(**(tokens or {"input_tokens": 1000, "output_tokens": 500}))


def test_an_unknown_model_has_no_cost_and_is_counted(telemetry, verdict):
    """No cost attribute, no cost point, and one on the counter of unpriced calls."""
    call(telemetry, "nope-9")
    span = telemetry.span("chat nope-9")
    assert not [key for key in span.attributes if "cost" in key]
    assert [point for point in telemetry.metrics if point.name == COST_METRIC] == []
    unpriced = telemetry.metric(UNPRICED)
    assert unpriced.value == 1
    assert unpriced.attributes["gen_ai.request.model"] == "nope-9"
    verdict.ours("no cost, counted as unpriced")


@pytest.mark.skipif(not public_prices.available(), reason="genai-prices, which needs Python 3.11, is not installed")
def test_one_warning_for_a_hundred_calls(telemetry, caplog, verdict):
    """The warning comes once in the life of the process for each model, the count goes on."""
    caplog.set_level(logging.WARNING, "langswarm_otel")
    call(telemetry, "nope-of-the-warning-test", times=100)
    warnings = [record.getMessage() for record in caplog.records if record.name == "langswarm_otel"]
    assert len(warnings) == 1
    assert "nope-of-the-warning-test" in warnings[0]
    assert telemetry.metric(UNPRICED).value == 100
    verdict.ours("one warning a model")


def test_the_users_table_gives_the_exact_sum():
    """Prices of the table times tokens, each part at its own price, and the span says whose table it was."""
    table = {"openai/nope-9": Price(input=2.0, output=10.0, cache_read=0.5)}
    with capture(price_table=table) as telemetry:
        call(telemetry, "nope-9", times=3, input_tokens=1000, output_tokens=500, cache_read_tokens=400)
    each = (600 * 2.0 + 400 * 0.5 + 500 * 10.0) / 1e6
    assert [span.attributes[COST] for span in telemetry.spans] == [pytest.approx(each)] * 3
    assert telemetry.spans[0].attributes[VERSION] == "user"
    assert telemetry.metric(COST_METRIC).value == pytest.approx(3 * each)
    assert telemetry.total(UNPRICED) == 0


def test_the_users_table_wins_over_the_public_one():
    """A model that everybody knows costs what the user says."""
    with capture(price_table={"gpt-4o": Price(input=1.0, output=1.0)}) as telemetry:
        call(telemetry, "gpt-4o", input_tokens=1_000_000, output_tokens=0)
    assert telemetry.span("chat gpt-4o").attributes[COST] == pytest.approx(1.0)


def test_a_known_model_says_which_prices_were_used(telemetry):
    """A price of the public table comes with the table's version, so that stale prices can be seen."""
    pytest.importorskip("genai_prices")
    call(telemetry, "gpt-4o")
    span = telemetry.span("chat gpt-4o")
    assert span.attributes[COST] > 0
    assert span.attributes[VERSION]
    assert telemetry.metric(COST_METRIC).value == pytest.approx(span.attributes[COST])


def test_free_is_free_only_if_somebody_says_so():
    """A local model that the table calls free costs 0, which is a cost: it is neither absent nor unpriced."""
    with capture(price_table={"ollama/*": "free"}) as telemetry:
        call(telemetry, "llama-3", provider="ollama")
    assert telemetry.span("chat llama-3").attributes[COST] == 0
    assert telemetry.total(UNPRICED) == 0
