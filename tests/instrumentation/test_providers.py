"""Calls of language models through LangSwarm's own providers and through those of users."""

import types

import pytest

from langswarm_otel.instrumentation import LangSwarmInstrumentor
from langswarm_otel.instrumentation.naming import provider_and_model

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


def anthropic(reply):
    """Return LangSwarm's Anthropic provider on a client that answers with ``reply``, or raises it; its SDK is not needed."""
    from langswarm.core.agents.providers.anthropic import AnthropicProvider

    async def create(**parameters):
        if isinstance(reply, Exception):
            raise reply
        return reply

    provider = AnthropicProvider.__new__(AnthropicProvider)
    provider._get_client = lambda config: types.SimpleNamespace(messages=types.SimpleNamespace(create=create))
    return provider


def said(text, input_tokens, output_tokens):
    """Return a response as Anthropic's SDK gives it."""
    return types.SimpleNamespace(
        content=[types.SimpleNamespace(type="text", text=text)],
        stop_reason="end_turn",
        usage=types.SimpleNamespace(input_tokens=input_tokens, output_tokens=output_tokens),
    )


async def test_a_provider_of_langswarms_is_observed_when_it_is_called_directly(telemetry):
    """``send_message`` of a shipped class makes the call's span: standard provider name, model, tokens, reason, conversation."""
    provider = anthropic(said("hello", 21, 8))
    configuration = swarm.AgentConfiguration(swarm.ProviderType.ANTHROPIC, "claude-sonnet-4-0")
    session = await provider.create_session(configuration)
    response = await provider.send_message(swarm.AgentMessage(role="user", content="hi"), session, configuration)
    assert response.content == "hello"
    (span,) = telemetry.spans
    assert span.name == "chat claude-sonnet-4-0"
    assert span.kind == "CLIENT"
    assert span.attributes["gen_ai.provider.name"] == "anthropic"
    assert span.attributes["gen_ai.usage.input_tokens"] == 21
    assert span.attributes["gen_ai.usage.output_tokens"] == 8
    assert span.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert span.attributes["gen_ai.conversation.id"] == session.session_id


async def test_an_error_that_a_provider_returns_is_an_error_of_the_call(telemetry):
    """LangSwarm's providers catch what their SDK raises and return it: the call is an error all the same."""
    provider = anthropic(TimeoutError("slow"))
    configuration = swarm.AgentConfiguration(swarm.ProviderType.ANTHROPIC, "claude-sonnet-4-0")
    response = await provider.send_message(
        swarm.AgentMessage(role="user", content="hi"), await provider.create_session(configuration), configuration
    )
    assert not response.success
    (span,) = telemetry.spans
    assert span.status == "ERROR"
    assert span.attributes["error.type"].endswith(type(response.error).__qualname__)


async def test_an_error_hidden_in_a_success_is_an_error_of_the_call(telemetry):
    """LiteLLM's rate limits come back as a success with a text for the user; the nested metadata tell."""
    hidden = type(swarm.answer()).success_response(content="Rate Limit Exceeded", metadata={"error": True, "error_type": "RateLimitError"})
    response = await swarm.agent(swarm.Model(hidden))._execute_chat("hi")
    assert response is hidden
    assert [span.attributes["error.type"] for span in telemetry.spans] == ["RateLimitError", "RateLimitError"]


async def test_an_override_that_calls_its_base_is_one_call(telemetry):
    """A user's provider that extends another one makes one span, with the tokens once."""

    class Extended(swarm.Model):
        async def send_message(self, message, session, config):
            return await super().send_message(message, session, config)

    swarm.agent(swarm.Model())  # wraps the base class as well
    await swarm.agent(Extended(swarm.answer(tokens=(7, 3))))._execute_chat("hi")
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"
    assert telemetry.spans[0].attributes["langswarm.run.input_tokens"] == 7
    points = [point for point in telemetry.metrics if point.name == "gen_ai.client.token.usage"]
    assert sorted(point.value for point in points) == [3, 7]


async def test_an_agent_inside_of_a_call_has_calls_of_its_own(telemetry):
    """A provider that asks another agent, on the same class of provider, is not taken for one call."""
    inner = swarm.agent(swarm.Model(swarm.answer("inner")), name="inner")

    async def ask_inner():
        return await inner._execute_chat("hi")

    await swarm.agent(swarm.Model(ask_inner), name="outer")._execute_chat("hi")
    assert telemetry.tree() == "invoke_agent outer\n  chat gpt-4o\n    invoke_agent inner\n      chat gpt-4o"


async def test_a_response_without_usage_leaves_the_tokens_unknown(telemetry):
    """No usage is no token attribute and no point, never 0."""
    await swarm.agent(swarm.Model(swarm.answer(tokens=None)))._execute_chat("hi")
    assert not [key for span in telemetry.spans for key in span.attributes if key.startswith("gen_ai.usage")]
    assert not [point for point in telemetry.metrics if point.name in ("gen_ai.client.token.usage", "langswarm.gen_ai.cost")]


def test_the_class_of_a_users_provider_is_put_back():
    """Its own method comes back as the identical object; an inherited one is no attribute of it again."""

    class Own(swarm.Model):
        async def send_message(self, message, session, config):
            return swarm.answer()

    class Inheriting(swarm.Model):
        pass

    own = vars(Own)["send_message"]
    swarm.agent(Own())
    swarm.agent(Inheriting())
    assert vars(Own)["send_message"] is not own
    assert "send_message" in vars(Inheriting)
    LangSwarmInstrumentor().uninstrument()
    assert vars(Own)["send_message"] is own
    assert "send_message" not in vars(Inheriting)


def test_a_provider_that_cannot_be_wrapped_is_used_as_it_is(telemetry):
    """A provider without the method, or no provider at all, does not keep an agent from being built."""
    assert swarm.agent(None).provider is None
    assert swarm.agent(object()).name == "helper"


@pytest.mark.parametrize(
    ("provider", "model", "expected"),
    [
        ("OPENAI", "gpt-4o", ("openai", "gpt-4o")),
        ("ANTHROPIC", "claude", ("anthropic", "claude")),
        ("GEMINI", "gemini-pro", ("gcp.gemini", "gemini-pro")),
        ("MISTRAL", "small", ("mistral_ai", "small")),
        ("COHERE", "command", ("cohere", "command")),
        ("HUGGINGFACE", "org/model", ("huggingface", "org/model")),
        ("CUSTOM", "mine", ("custom", "mine")),
        ("LITELLM", "azure/gpt-4o", ("azure.ai.openai", "gpt-4o")),
        ("LITELLM", "bedrock/us/claude", ("aws.bedrock", "us/claude")),
        ("LITELLM", "openai/gpt-4o", ("openai", "gpt-4o")),
        ("LITELLM", "gpt-4o", ("litellm", "gpt-4o")),
        ("LITELLM", "my-proxy/gpt-4o", ("litellm", "my-proxy/gpt-4o")),
    ],
)
def test_providers_have_their_standard_names(provider, model, expected):
    """``gen_ai.provider.name`` is the well-known value where there is one, and LiteLLM's route says who is really asked."""
    configuration = swarm.AgentConfiguration(swarm.ProviderType[provider], model)
    assert provider_and_model(configuration) == expected


class Proxy:
    """A provider that hands everything on to another."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)


@pytest.mark.parametrize("proxied", [True, False])
async def test_a_provider_whose_methods_are_its_own_is_observed(telemetry, proxied):
    """A proxy, and an object with a method set on it: one call is one span, twice, and after removal both are as they were."""

    class Inner(swarm.Model):
        """A class that no agent has met."""

    inner = Inner(*[swarm.answer() for _ in range(3)])
    if proxied:
        provider = Proxy(inner)
    else:
        provider = swarm.Model()
        provider.send_message = inner.send_message
    before = dict(vars(provider))
    agent = swarm.agent(provider)
    for _ in range(2):
        await agent._execute_chat("hi")
    assert telemetry.tree() == "\n".join(["invoke_agent helper\n  chat gpt-4o"] * 2)
    assert telemetry.spans[1].attributes["gen_ai.usage.input_tokens"] == 10
    LangSwarmInstrumentor().uninstrument()
    assert vars(provider) == before
    await agent._execute_chat("hi")
    assert len(telemetry.spans) == 4
