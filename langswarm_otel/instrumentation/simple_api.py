"""The agents and workflows of ``langswarm.simple_api``, which share nothing with those of LangSwarm's core.

Such an agent has no name, so its model is its name. Its call of the model is observed by whoever instruments the client (any
``opentelemetry-instrumentation-genai-*``); here the client's usage is unknown, since the agent keeps only a sum of all tokens.
A ``Workflow`` runs its first agent and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current
from langswarm_otel.instrumentation.calls import Call, call_hook
from langswarm_otel.instrumentation.conversations import in_conversation
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.naming import provider_name
from langswarm_otel.instrumentation.stream_calls import around_stream

if TYPE_CHECKING:
    from langswarm_otel.components.agent import AgentRun
    from langswarm_otel.components.workflow import WorkflowRun

_MODULE: Final = "langswarm.simple_api"


def _begin(call: Call) -> AgentRun:
    agent = call.instance
    described = current.agent(agent.model, provider=provider_name(agent.provider), model=agent.model)
    run = described.begin(in_conversation(call.get(1, "session_id") or agent._session_id))  # noqa: SLF001 - no public way to ask
    run.input(call.get(0, "message"))
    return run


def _finish(run: Any, _call: Call, answer: Any) -> None:
    run.output(answer)


def _seen(run: AgentRun, _call: Call, piece: Any) -> None:
    run.output_piece(piece)


def _begin_workflow(call: Call) -> WorkflowRun:
    run = current.workflow("simple_workflow").begin()
    run.input(call.get(0, "input_message"))
    return run


HOOKS: Final = (
    call_hook("langswarm.simple", _MODULE, "Agent", "chat", _begin, _finish),
    Hook(module=_MODULE, owner="Agent", attribute="chat_stream", wrapper=around_stream("langswarm.simple", begin=_begin, seen=_seen)),
    call_hook("langswarm.simple", _MODULE, "Workflow", "run", _begin_workflow, _finish),
)
"""Where simple agents and workflows run."""
