"""Tokens of a call, with one meaning whoever reports them.

Providers disagree: Anthropic and Bedrock leave cached tokens out of their input count, OpenAI and Gemini count them in; Gemini leaves
thoughts out of its output. Here ``input_tokens`` is always the whole input, cache included, and ``output_tokens`` the whole output,
reasoning included, as the GenAI conventions have it. ``usage_of`` brings what a provider reports into that form.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one call or of several; None means that nobody reported the number."""

    input_tokens: int | None = None
    """All input tokens, those read from and written to a prompt cache included."""

    output_tokens: int | None = None
    """All output tokens, reasoning included."""

    cache_read_tokens: int | None = None
    """Part of the input that was read from a prompt cache."""

    cache_write_tokens: int | None = None
    """Part of the input that was written to a prompt cache."""

    reasoning_tokens: int | None = None
    """Part of the output that was reasoning."""

    def __add__(self, other: Usage) -> Usage:
        """Return the tokens of both; a number that only one reports stays as it is."""
        return Usage(
            input_tokens=_sum(self.input_tokens, other.input_tokens),
            output_tokens=_sum(self.output_tokens, other.output_tokens),
            cache_read_tokens=_sum(self.cache_read_tokens, other.cache_read_tokens),
            cache_write_tokens=_sum(self.cache_write_tokens, other.cache_write_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
        )

    def updated(self, later: Usage) -> Usage:
        """Return these numbers with those that ``later`` knows in their place, as streams report totals again and again."""
        return Usage(
            input_tokens=self.input_tokens if later.input_tokens is None else later.input_tokens,
            output_tokens=self.output_tokens if later.output_tokens is None else later.output_tokens,
            cache_read_tokens=self.cache_read_tokens if later.cache_read_tokens is None else later.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens if later.cache_write_tokens is None else later.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens if later.reasoning_tokens is None else later.reasoning_tokens,
        )

    @property
    def whole(self) -> Usage:
        """The same usage with an input that is not smaller than its cached parts.

        If it is, the caller gave the input without the cache, against the meaning of the field, and the parts are added.
        """
        cached = (self.cache_read_tokens or 0) + (self.cache_write_tokens or 0)
        if not cached or (self.input_tokens or 0) >= cached:
            return self
        return replace(self, input_tokens=(self.input_tokens or 0) + cached)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was reported at all."""
        return (
            self.input_tokens is None
            and self.output_tokens is None
            and self.cache_read_tokens is None
            and self.cache_write_tokens is None
            and self.reasoning_tokens is None
        )


NO_USAGE: Final = Usage()
"""Nothing reported."""


def count(value: object) -> int | None:
    """Return a token count, or None for anything that is no whole number from 0 up."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and value >= 0 else None


def usage_of(reported: object, provider: str | None = None) -> Usage:
    """Read the usage that a provider's response carries.

    Args:
        reported: ``response.usage`` or ``response.usage_metadata``, as an object or a mapping; a ``Usage`` comes back as it is. Unknown
            shapes give an empty usage.
        provider: value of ``gen_ai.provider.name``; without it the names of the fields decide.
    """
    if isinstance(reported, Usage):
        return reported
    if reported is None:
        return NO_USAGE
    read = _PROVIDERS.get(provider or "")
    usage = NO_USAGE if read is None else read(reported)
    # One provider serves models of others in their own form: Claude on Bedrock and Vertex AI, for one.
    return _recognise(reported)(reported) if usage.is_empty else usage


def _sum(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _field(reported: object, *names: str) -> Any:
    """Return the first of the fields that is there; of an object or a mapping."""
    for name in names:
        found = reported.get(name) if isinstance(reported, Mapping) else getattr(reported, name, None)
        if found is not None:
            return found
    return None


def _count(reported: object, *names: str) -> int | None:
    return count(_field(reported, *names))


def _openai(reported: object) -> Usage:
    """Chat Completions and Responses; also Mistral, Groq, DeepSeek, xAI, Moonshot and Perplexity, which speak the same."""
    prompt = _field(reported, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    completion = _field(reported, "completion_tokens_details", "output_tokens_details", "output_token_details")
    cached = _count(prompt, "cached_tokens", "cache_read")
    return Usage(
        input_tokens=_count(reported, "prompt_tokens", "input_tokens"),
        output_tokens=_count(reported, "completion_tokens", "output_tokens"),
        cache_read_tokens=_count(reported, "prompt_cache_hit_tokens") if cached is None else cached,
        cache_write_tokens=_count(prompt, "cache_creation_tokens", "cache_write_tokens", "cache_creation"),
        reasoning_tokens=_count(completion, "reasoning_tokens", "reasoning"),
    )


def _apart(fresh: int | None, output: int | None, read: int | None, written: int | None) -> Usage:
    """Usage of a provider whose input count leaves the cached tokens out."""
    whole = _sum(fresh, _sum(read, written))
    return Usage(input_tokens=whole, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written)


def _anthropic(reported: object) -> Usage:
    return _apart(
        _count(reported, "input_tokens"),
        _count(reported, "output_tokens"),
        _count(reported, "cache_read_input_tokens"),
        _count(reported, "cache_creation_input_tokens"),
    )


def _bedrock(reported: object) -> Usage:
    return _apart(
        _count(reported, "inputTokens"),
        _count(reported, "outputTokens"),
        _count(reported, "cacheReadInputTokens"),
        _count(reported, "cacheWriteInputTokens"),
    )


def _gemini(reported: object) -> Usage:
    """Gemini and Vertex AI: the answer and the thoughts are counted apart, the prompts of tools too."""
    thoughts = _count(reported, "thoughts_token_count", "thoughtsTokenCount")
    answer = _count(reported, "candidates_token_count", "candidatesTokenCount", "response_token_count")
    tools = _count(reported, "tool_use_prompt_token_count", "toolUsePromptTokenCount")
    return Usage(
        input_tokens=_sum(_count(reported, "prompt_token_count", "promptTokenCount"), tools),
        output_tokens=_sum(answer, thoughts),
        cache_read_tokens=_count(reported, "cached_content_token_count", "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def _cohere(reported: object) -> Usage:
    tokens = _field(reported, "tokens", "billed_units")
    return Usage(
        input_tokens=_count(tokens, "input_tokens"),
        output_tokens=_count(tokens, "output_tokens"),
        cache_read_tokens=_count(reported, "cached_tokens"),
    )


_Reader = Callable[[object], Usage]

_PROVIDERS: Final[dict[str, _Reader]] = {
    "openai": _openai,
    "azure.ai.openai": _openai,
    "deepseek": _openai,
    "groq": _openai,
    "mistral_ai": _openai,
    "moonshot_ai": _openai,
    "perplexity": _openai,
    "x_ai": _openai,
    "anthropic": _anthropic,
    "aws.bedrock": _bedrock,
    "gcp.gemini": _gemini,
    "gcp.gen_ai": _gemini,
    "gcp.vertex_ai": _gemini,
    "cohere": _cohere,
}

_SIGNS: Final[tuple[tuple[tuple[str, ...], _Reader], ...]] = (
    (("cache_read_input_tokens", "cache_creation_input_tokens"), _anthropic),
    (("inputTokens", "outputTokens"), _bedrock),
    (("prompt_token_count", "promptTokenCount", "candidates_token_count", "candidatesTokenCount"), _gemini),
    (("billed_units",), _cohere),
)
"""Fields by which the report of an unknown provider is recognised; what fits none is read as OpenAI's, which most speak."""


def _recognise(reported: object) -> _Reader:
    for names, read in _SIGNS:
        if _field(reported, *names) is not None:
            return read
    return _openai
