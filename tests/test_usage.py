"""Tokens of a call, with one meaning whoever reports them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langswarm_otel.usage import NO_USAGE, Usage, count, usage_of

counts = st.none() | st.integers(min_value=0, max_value=10**9)
usages = st.builds(
    Usage, input_tokens=counts, output_tokens=counts, cache_read_tokens=counts, cache_write_tokens=counts, reasoning_tokens=counts
)
FIELDS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")


def tree(value):
    """Turn a mapping into the object that a client library would give."""
    return SimpleNamespace(**{key: tree(inner) for key, inner in value.items()}) if isinstance(value, dict) else value


REPORTS = {
    "openai chat": (
        "openai",
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        Usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, reasoning_tokens=30),
    ),
    "openai responses": (
        "openai",
        {
            "input_tokens": 100,
            "output_tokens": 50,
            "input_tokens_details": {"cached_tokens": 40},
            "output_tokens_details": {"reasoning_tokens": 30},
        },
        Usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, reasoning_tokens=30),
    ),
    "deepseek": (
        "deepseek",
        {"prompt_tokens": 100, "completion_tokens": 50, "prompt_cache_hit_tokens": 40, "prompt_cache_miss_tokens": 60},
        Usage(input_tokens=100, output_tokens=50, cache_read_tokens=40),
    ),
    "anthropic": (
        "anthropic",
        {"input_tokens": 10, "output_tokens": 50, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 50},
        Usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, cache_write_tokens=50),
    ),
    "anthropic without cache": ("anthropic", {"input_tokens": 10, "output_tokens": 50}, Usage(input_tokens=10, output_tokens=50)),
    "bedrock": (
        "aws.bedrock",
        {"inputTokens": 10, "outputTokens": 50, "totalTokens": 60, "cacheReadInputTokens": 40, "cacheWriteInputTokens": 50},
        Usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, cache_write_tokens=50),
    ),
    "claude on bedrock": (
        "aws.bedrock",
        {"input_tokens": 10, "output_tokens": 50, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 0},
        Usage(input_tokens=50, output_tokens=50, cache_read_tokens=40, cache_write_tokens=0),
    ),
    "gemini": (
        "gcp.gemini",
        {
            "prompt_token_count": 90,
            "candidates_token_count": 20,
            "thoughts_token_count": 30,
            "cached_content_token_count": 40,
            "tool_use_prompt_token_count": 10,
        },
        Usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, reasoning_tokens=30),
    ),
    "gemini over http": (
        "gcp.vertex_ai",
        {"promptTokenCount": 100, "candidatesTokenCount": 50},
        Usage(input_tokens=100, output_tokens=50),
    ),
    "cohere": (
        "cohere",
        {"tokens": {"input_tokens": 100, "output_tokens": 50}, "billed_units": {"input_tokens": 9}},
        Usage(input_tokens=100, output_tokens=50),
    ),
    "langswarm": ("custom", {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}, Usage(input_tokens=9, output_tokens=3)),
}


class TestProviders:
    """What providers report, in one meaning."""

    @pytest.mark.parametrize("name", REPORTS)
    @pytest.mark.parametrize("shape", [dict, tree], ids=["mapping", "object"])
    def test_each_provider(self, name, shape):
        """Input includes the cache and output the reasoning, whichever way the provider counts."""
        provider, reported, expected = REPORTS[name]
        assert usage_of(shape(reported), provider) == expected

    @pytest.mark.parametrize("name", [name for name in REPORTS if name != "anthropic without cache"])
    def test_without_a_provider_the_fields_decide(self, name):
        """The shape of a report gives its provider away."""
        _, reported, expected = REPORTS[name]
        assert usage_of(reported) == expected

    @pytest.mark.parametrize("reported", [None, {}, [], "text", 12, b"", {"prompt_tokens": "many", "completion_tokens": -1}], ids=repr)
    def test_what_is_no_report_is_empty(self, reported):
        """Unknown shapes give nothing and raise nothing."""
        assert usage_of(reported, "openai").is_empty
        assert usage_of(reported).is_empty

    def test_a_usage_comes_back_as_it_is(self):
        """A value in our form is not interpreted again."""
        usage = Usage(input_tokens=10, cache_read_tokens=40)
        assert usage_of(usage, "anthropic") is usage


class TestUsage:
    """The value itself."""

    @given(usages, usages)
    def test_sums_are_sums_field_by_field(self, left, right):
        """A number that only one reports stays; one that nobody reports stays unknown."""
        total = left + right
        for field in FIELDS:
            known = [value for value in (getattr(left, field), getattr(right, field)) if value is not None]
            assert getattr(total, field) == (sum(known) if known else None)

    @given(usages, usages)
    def test_a_later_report_wins_where_it_knows(self, earlier, later):
        """Streams report totals again and again."""
        merged = earlier.updated(later)
        for field in FIELDS:
            expected = getattr(earlier, field) if getattr(later, field) is None else getattr(later, field)
            assert getattr(merged, field) == expected

    @given(usages)
    def test_the_whole_input_is_never_smaller_than_its_parts(self, usage):
        """An input that was given without its cached parts gets them added; any other stays."""
        cached = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
        whole = usage.whole
        assert (whole.input_tokens or 0) >= cached
        if (usage.input_tokens or 0) >= cached:
            assert whole is usage
        else:
            assert whole.input_tokens == (usage.input_tokens or 0) + cached

    def test_empty(self):
        """Zero tokens are a report, nothing is none."""
        assert NO_USAGE.is_empty
        assert not Usage(output_tokens=0).is_empty


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (7, 7), (7.0, 7), (7.5, None), (-1, None), (True, None), ("7", None), (None, None), (float("nan"), None)],
)
def test_counts(value, expected):
    """Only whole numbers from 0 up count tokens."""
    assert count(value) == expected
