"""Small LangSwarm programs for tests: real agents, tools and workflow steps around a model that answers from a list."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator

with warnings.catch_warnings():
    # LangSwarm 0.1.0 warns of modules of its own when it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    from langswarm.core import observability
    from langswarm.core.agents.base import AgentConfiguration, AgentResponse, AgentSession, BaseAgent
    from langswarm.core.agents.interfaces import AgentMessage, AgentUsage, IAgentProvider, ProviderType
    from langswarm.core.agents.registry import AgentRegistry
    from langswarm.core.memory import create_memory_manager
    from langswarm.core.session import SessionBackend, SessionManager
    from langswarm.core.session.interfaces import (
        IProviderSession,
        ISessionLifecycleHook,
        ISessionStorage,
        SessionContext,
        SessionMessage,
    )
    from langswarm.core.session.interfaces import MessageRole as SessionRole
    from langswarm.core.workflows import BaseWorkflow, BaseWorkflowStep, ExecutionMode, StepType, get_workflow_engine
    from langswarm.mcp.server_base import BaseMCPToolServer
    from langswarm.tools.base import BaseTool, ToolResult
    from langswarm.tools.registry import ToolRegistry
    from langswarm_memory.base import BaseMemoryBackend, BaseMemorySession, MemoryManager
    from langswarm_memory.interfaces import Message, MessageRole, SessionMetadata

__all__ = [
    "AgentConfiguration",
    "AgentMessage",
    "BaseAgent",
    "BaseMCPToolServer",
    "BaseMemoryBackend",
    "BaseMemorySession",
    "ExecutionMode",
    "ISessionLifecycleHook",
    "ISessionStorage",
    "MemoryManager",
    "Message",
    "MessageRole",
    "ProviderType",
    "SessionBackend",
    "SessionContext",
    "SessionManager",
    "SessionMetadata",
    "ToolResult",
    "create_memory_manager",
    "get_workflow_engine",
]


class Model(IAgentProvider):
    """Answers with the next reply of a list: a response is returned, an exception raised, a function called."""

    def __init__(self, *replies):
        self.replies = list(replies)

    provider_type = ProviderType.CUSTOM
    supported_models = ()
    supported_capabilities = ()

    async def validate_configuration(self, config):
        return True

    async def create_session(self, config):
        return AgentSession()

    async def send_message(self, message, session, config):
        reply = self.replies.pop(0)
        if callable(reply):
            reply = await reply()
        if isinstance(reply, BaseException):
            raise reply
        return reply

    async def stream_message(self, message, session, config):
        yield await self.send_message(message, session, config)

    async def call_tool(self, tool_name, tool_parameters, session, config):
        raise NotImplementedError

    async def get_health(self):
        return {}


def answer(text="done", tokens=(10, 3), tool=None, **arguments):
    """A response of a model; with ``tool`` (``tool__method``) it asks for a tool call."""
    calls = [{"id": "call_1", "name": tool, "arguments": json.dumps(arguments)}] if tool else None
    usage = AgentUsage(tokens[0], tokens[1], sum(tokens)) if tokens else None
    message = AgentMessage(role="assistant", content=text, tool_calls=calls)
    return AgentResponse.success_response(text, message=message, usage=usage, finish_reason="stop")


def agent(model, name="helper", *, provider=ProviderType.OPENAI, model_name="gpt-4o", memory=None, agent_id="helper-1"):
    """A real agent on a model."""
    configuration = AgentConfiguration(provider, model_name, tools_enabled=True)
    return BaseAgent(name, configuration, model, agent_id=agent_id, memory_manager=memory)


def failed(error):
    """A response that reports an error."""
    return AgentResponse.error_response(error)


def native_session(answer):
    """A provider's own session that answers what ``answer()`` returns."""

    class Native(IProviderSession):
        async def create_provider_session(self, user_id, **options):
            return "thread-1"

        async def send_message(self, provider_session_id, message, role=SessionRole.USER):
            return SessionMessage(id="m", role=SessionRole.ASSISTANT, content=await answer(), timestamp=None, metadata={})

        async def get_provider_session(self, provider_session_id):
            return {}

        async def get_messages(self, provider_session_id, limit=None):
            return []

        async def delete_provider_session(self, provider_session_id):
            return True

    return Native()


class Tool(BaseTool):
    """A tool whose methods are given as functions."""

    def __init__(self, tool_id="desk", **methods):
        super().__init__(tool_id=tool_id, name=tool_id, description="A tool of a test")
        for name, function in methods.items():
            self.add_method(name, "A method", {}, {})
            setattr(self, name, function)


class Step(BaseWorkflowStep):
    """A step that awaits a function of the workflow's context."""

    def __init__(self, step_id, function, after=(), timeout=None):
        super().__init__(step_id, StepType.TRANSFORM, f"{step_id} step", _dependencies=list(after), _timeout=timeout)
        self._function = function

    async def _execute_impl(self, context):
        return await self._function(context)


def workflow(*steps, name="plan"):
    """A workflow of steps."""
    made = BaseWorkflow("plan-1", name)
    for step in steps:
        made.add_step(step)
    return made


def forget_everything():
    """Put LangSwarm's singletons back to how an import leaves them."""
    ToolRegistry._instance = None
    AgentRegistry().clear()
    get_workflow_engine()._executions.clear()
    observability.set_observability_provider(None)
    observability.auto_instrumentation.set_global_observability_provider(None)


@contextlib.contextmanager
def registered(*tools: BaseTool) -> Iterator[None]:
    """Tools that agents find."""
    for tool in tools:
        ToolRegistry().register(tool)
    try:
        yield
    finally:
        ToolRegistry._instance = None
