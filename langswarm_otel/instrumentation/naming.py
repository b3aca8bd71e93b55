"""How the conventions call what LangSwarm calls otherwise."""

from __future__ import annotations

from typing import Any, Final

_PROVIDERS: Final = {
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "xai": "x_ai",
    "moonshot": "moonshot_ai",
    "watsonx": "ibm.watsonx.ai",
}
"""LangSwarm's and LiteLLM's names of providers whose well-known value of ``gen_ai.provider.name`` differs."""

_ROUTES: Final = frozenset({*_PROVIDERS, "openai", "anthropic", "cohere", "groq", "deepseek", "perplexity", "huggingface"})
"""Prefixes by which a LiteLLM model name says which provider it goes to."""


def provider_name(provider: Any) -> str | None:
    """Return ``gen_ai.provider.name`` of what LangSwarm calls a provider; None where there is none."""
    if provider is None:
        return None
    name = str(getattr(provider, "value", provider))
    return _PROVIDERS.get(name, name)


def provider_and_model(configuration: Any) -> tuple[str, str]:
    """Return ``gen_ai.provider.name`` and the model of an agent's configuration.

    A LiteLLM model such as ``azure/gpt-4o`` names the provider that is really asked, which is also the one that has prices.
    """
    provider, model = str(getattr(configuration.provider, "value", configuration.provider)), str(configuration.model)
    if provider == "litellm":
        route, slash, rest = model.partition("/")
        if slash and route in _ROUTES:
            provider, model = route, rest
    return _PROVIDERS.get(provider, provider), model
