"""Model calls: ``chat {model}`` spans, with the tokens of each call.

The provider classes that LangSwarm ships are hooked by name. Their interface, ``IAgentProvider``, cannot be: each provider overrides the
methods. So the class of a provider of the user's own is wrapped when an agent is built with it, or first runs with it; of a proxy, or of
an object whose methods were set on it, the object. An override that
calls ``super().send_message`` is still one call: an inference inside of an inference adds no span.

Usage is LangSwarm's ``AgentUsage``, which has input and output tokens only; a response without it leaves the tokens unknown, never 0. The
streams of LangSwarm's own providers have none, and are marked as partial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, guard
from langswarm_otel.instrumentation.calls import Call, around, report_error
from langswarm_otel.instrumentation.conversations import in_conversation
from langswarm_otel.instrumentation.hooks import LANGSWARM, Hook
from langswarm_otel.instrumentation.naming import provider_and_model
from langswarm_otel.instrumentation.stream_calls import around_stream

if TYPE_CHECKING:
    from langswarm_otel.components.inference import InferenceRun
    from langswarm_otel.components.run import Run

_SHIPPED: Final = {
    "openai": "OpenAIProvider",
    "litellm": "LiteLLMProvider",
    "anthropic": "AnthropicProvider",
    "gemini": "GeminiProvider",
    "cohere": "CohereProvider",
    "mistral": "MistralProvider",
    "huggingface": "HuggingFaceProvider",
}
"""Module and class of each provider that can work in LangSwarm 0.1.0; ``LocalProvider`` cannot."""


def _begin(call: Call) -> InferenceRun:
    provider, model = provider_and_model(call.get(2, "config"))
    message, session = call.get(0, "message"), call.get(1, "session")
    described = current.inference(provider=provider, model=model)
    run = described.begin(in_conversation(getattr(session, "session_id", None)))
    if message is not None:  # there is none in the rounds after a tool call
        run.input(message.content)
    return run


def _finish(run: InferenceRun, _call: Call, response: Any) -> None:
    _report_answer(run, response)
    report_response(run, response)


def _seen(run: InferenceRun, _call: Call, chunk: Any) -> None:
    _report_answer(run, chunk)
    report_chunk(run, chunk)


def _report_answer(run: InferenceRun, response: Any) -> None:
    usage = response.usage
    if usage is not None:
        run.usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)
    reason = response.metadata.get("finish_reason") or response.metadata.get("stop_reason")
    if reason is not None:
        run.response(finish_reasons=[str(getattr(reason, "value", reason))])


def report_response(run: Run, response: Any) -> None:
    """Tell a run what is in an ``AgentResponse``: its content, and the error that it stands for.

    LiteLLM's rate limits and API errors come back as a success with a text for the user; only nested metadata tell.
    """
    run.output(response.content)
    if not response.success:
        report_error(run, response.error)
        return
    nested = response.metadata.get("metadata")
    if isinstance(nested, dict) and nested.get("error"):
        report_error(run, nested.get("error_type"))


def report_chunk(run: Run, chunk: Any) -> None:
    """Tell a run what is in one ``AgentResponse`` of a stream: a piece of its content, or the error that ended it."""
    run.output_piece(chunk.content)
    if not chunk.success:
        report_error(run, chunk.error)


_send = around("langswarm.provider", begin=_begin, finish=_finish)
_stream = around_stream("langswarm.provider.stream", begin=_begin, seen=_seen)
_METHODS: Final = {"send_message": _send, "stream_message": _stream}


@guard.guarded("langswarm.provider", default=None)
def observe_provider(provider: object) -> None:
    """See to it that a provider is wrapped: its class, or itself where its methods are its own; cheap when it is."""
    kind, own = type(provider), getattr(provider, "__dict__", ())
    for attribute, wrapper in _METHODS.items():
        if attribute in own or not hasattr(kind, attribute):
            LANGSWARM.wrap_instance(provider, attribute, wrapper)
    if not LANGSWARM.has_met(kind):
        for attribute, wrapper in _METHODS.items():
            LANGSWARM.wrap(kind, attribute, wrapper)


HOOKS: Final = tuple(
    Hook(module=f"langswarm.core.agents.providers.{module}", owner=owner, attribute=attribute, wrapper=wrapper)
    for module, owner in _SHIPPED.items()
    for attribute, wrapper in _METHODS.items()
)
"""The calls of every provider that LangSwarm ships."""
