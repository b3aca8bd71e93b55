"""A language model that answers from a script, so that the examples run offline. In your program a real provider stands here."""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import TYPE_CHECKING, Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # LangSwarm 0.1.0 warns of modules of its own
    from langswarm.core.agents.base import AgentConfiguration, AgentResponse, AgentSession, BaseAgent
    from langswarm.core.agents.interfaces import AgentMessage, AgentUsage, IAgentProvider, ProviderType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

warnings.filterwarnings("ignore", category=DeprecationWarning, module="langswarm")


class ScriptedModel(IAgentProvider):
    """Repeats its answers for ever: text, or ``("tool__method", {"argument": 1})`` for a tool that it wants called."""

    provider_type = ProviderType.OPENAI
    supported_models = ("gpt-4o",)
    supported_capabilities = ()

    def __init__(self, *answers: str | tuple[str, dict[str, Any]]) -> None:
        self._answers = list(answers)

    async def validate_configuration(self, _config: Any) -> bool:
        return True

    async def create_session(self, _config: Any) -> Any:
        return AgentSession()

    async def send_message(self, _message: Any, _session: Any, _config: Any) -> Any:
        await asyncio.sleep(0.01)
        answer = self._answers.pop(0)
        self._answers.append(answer)
        text = answer if isinstance(answer, str) else ""
        calls = None if isinstance(answer, str) else [{"id": "call_1", "name": answer[0], "arguments": json.dumps(answer[1])}]
        message = AgentMessage(role="assistant", content=text, tool_calls=calls)
        return AgentResponse.success_response(text, message=message, usage=AgentUsage(120, 30, 150), finish_reason="stop")

    async def stream_message(self, _message: Any, _session: Any, _config: Any) -> AsyncIterator[Any]:
        words = str(self._answers[0]).split()
        for word in words[:-1]:
            await asyncio.sleep(0.01)
            yield AgentResponse.success_response(f"{word} ")
        yield AgentResponse.success_response(words[-1], usage=AgentUsage(120, 30, 150))

    async def call_tool(self, *_asked: Any) -> Any:
        raise NotImplementedError

    async def get_health(self) -> dict[str, Any]:
        return {"status": "healthy"}


def scripted_agent(name: str, *answers: str | tuple[str, dict[str, Any]], streaming: bool = False, memory: Any = None) -> Any:
    """Return a LangSwarm agent on a scripted model."""
    configuration = AgentConfiguration(ProviderType.OPENAI, "gpt-4o", streaming_enabled=streaming)
    return BaseAgent(name, configuration, ScriptedModel(*answers), memory_manager=memory)
