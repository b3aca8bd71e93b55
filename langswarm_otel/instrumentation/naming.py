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
    """Return ``gen_ai.provider.name`` of what LangSwarm calls a provider, in any of its forms; None where there is none."""
    return names_of(provider, None)[0]


def names_of(provider: Any, model: Any) -> tuple[str | None, str | None]:
    """Return ``gen_ai.provider.name`` and the model of what LangSwarm calls them; None where there is none.

    A LiteLLM model such as ``azure/gpt-4o`` names the provider that is really asked, which is also the one that has prices.
    """
    asked = None if model is None else str(model)
    if provider is None:
        return None, asked
    name = str(getattr(provider, "value", provider))
    if name.startswith("ProviderType."):  # the text of a member, which LangSwarm tells its own observability
        name = name.partition(".")[2].lower()
    if name == "litellm" and asked is not None:
        route, slash, rest = asked.partition("/")
        if slash and route in _ROUTES:
            name, asked = route, rest
    return _PROVIDERS.get(name, name), asked


def provider_and_model(configuration: Any) -> tuple[str | None, str | None]:
    """Return the same of an agent's configuration."""
    return names_of(configuration.provider, configuration.model)
