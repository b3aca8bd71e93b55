"""Cached tokens are billed twice.

Providers disagree whether cached input is inside ``input_tokens``: who adds them up bills the cache twice, or not at all
(langfuse/langfuse#12306, #10592, BerriAI/litellm#26919).
"""

from __future__ import annotations

import pytest

from langswarm_otel.testing import capture

PLAIN_CANNOT = "knows no tokens; what is written on a span is what the client reported, in the provider's meaning"

PRICES = {"m": {"input": 10.0, "cache_read": 1.0, "cache_write": 12.5, "output": 30.0}}

REPORTED = {
    "openai": {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 600}},
    "anthropic": {"input_tokens": 400, "output_tokens": 100, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 0},
    "aws.bedrock": {"inputTokens": 400, "outputTokens": 100, "cacheReadInputTokens": 600},
    "gcp.gemini": {"prompt_token_count": 1000, "candidates_token_count": 100, "cached_content_token_count": 600},
}
"""The same call, 1 000 tokens in of which 600 from the cache and 100 out, as each provider says it."""


@pytest.mark.parametrize("provider", REPORTED)
def test_the_same_call_is_the_same_usage_and_cost(verdict, provider):
    """Input is all input, the cache is a part of it, and each part has its price."""
    with capture(price_table=PRICES) as telemetry:
        with telemetry.observability.inference(provider=provider, model="m") as call:
            call.usage(REPORTED[provider])
        attributes = telemetry.span("chat m").attributes
        assert attributes["gen_ai.usage.input_tokens"] == 1000
        assert attributes["gen_ai.usage.cache_read.input_tokens"] == 600
        assert attributes["gen_ai.usage.output_tokens"] == 100
        assert attributes["langswarm.gen_ai.usage.cost"] == pytest.approx((400 * 10 + 600 * 1 + 100 * 30) / 1e6)
        assert telemetry.metric("gen_ai.client.token.usage", {"gen_ai.token.type": "input"}).value == 1000
    verdict.ours("OpenAI, Anthropic, Bedrock, Gemini: the same call has the same tokens and cost, each part at its price")


def test_written_to_the_cache_has_its_price():
    """A part of its own, at its own price."""
    with capture(price_table=PRICES) as telemetry:
        with telemetry.observability.inference(provider="anthropic", model="m") as call:
            call.usage({"input_tokens": 100, "output_tokens": 0, "cache_creation_input_tokens": 900})
        attributes = telemetry.span("chat m").attributes
        assert attributes["gen_ai.usage.input_tokens"] == 1000
        assert attributes["langswarm.gen_ai.usage.cost"] == pytest.approx((100 * 10 + 900 * 12.5) / 1e6)
