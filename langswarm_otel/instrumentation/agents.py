"""Agent runs: ``invoke_agent {name}`` spans.

``BaseAgent._execute_chat`` is the run. The public ``chat`` around it is not hooked: its result has lost usage and error
(LangSwarm 0.1.0 turns the response into text), and each of its attempts is one ``_execute_chat``, so that a run repeated after a
middleware timeout shows as two. Errors are returned as ``success=False``.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.instrumentation.calls import Call, around, in_conversation
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.naming import provider_and_model
from langswarm_otel.instrumentation.providers import observe_provider, report_response
from langswarm_otel.instrumentation.session_ids import conversation_id_of
from langswarm_otel.instrumentation.sessions import user_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langswarm_otel.components.agent import AgentRun

_MODULE: Final = "langswarm.core.agents.base"


@contextmanager
def _begin(call: Call) -> Iterator[AgentRun]:
    agent = call.instance
    observe_provider(agent.provider)
    provider, model = provider_and_model(agent.configuration)
    session = call.get(1, "session_id") or getattr(agent.current_session, "session_id", None)
    operation = current.agent(agent.name, provider=provider, model=model, agent_id=agent.agent_id)
    with in_conversation(session, user_id=user_of(session)), operation as run:
        run.input(call.get(0, "message"))
        run.set_attribute(semconv.TRACE_ID_OF_LANGSWARM, call.get(2, "trace_id"))
        yield run


def _finish(run: AgentRun, call: Call, response: Any) -> None:
    if run.scope.conversation_id is None:  # LangSwarm has opened one in the meantime
        session_id = getattr(call.instance.current_session, "session_id", None)
        run.set_attribute(semconv.CONVERSATION_ID, conversation_id_of(session_id, run.telemetry.policy))
    report_response(run, response)


def _construct(wrapped: Callable[..., None], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    wrapped(*args, **kwargs)
    observe_provider(getattr(instance, "_provider", None))


HOOKS: Final = (
    Hook(module=_MODULE, owner="BaseAgent", attribute="__init__", wrapper=_construct),
    Hook(module=_MODULE, owner="BaseAgent", attribute="_execute_chat", wrapper=around("langswarm.agent", begin=_begin, finish=_finish)),
)
"""Where agents are built and run; ``stream_chat`` belongs beside them."""
