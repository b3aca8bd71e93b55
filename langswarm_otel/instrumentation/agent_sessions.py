"""The sessions that agents keep for themselves: what ``chat(session_id=...)`` really talks in.

They are another class than those of the session manager. Their messages are counted by role. Creating and deleting one is a span where a
program does it itself; in a run of the agent it is a part of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.session import count_message
from langswarm_otel.components.session_call import SessionCallOperation, SessionCallRun
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.calls import Call, around, is_inside
from langswarm_otel.instrumentation.conversations import in_conversation
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.naming import provider_and_model
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE: Final = "langswarm.core.agents.base"
_AGENT: Final = "BaseAgent"
_BACKEND: Final = "agent"
"""``langswarm.session.backend`` of a session that an agent keeps."""


async def _count(wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Count a message that has been added."""
    result = await wrapped(*args, **kwargs)
    try:
        message = args[0] if args else kwargs.get("message")
        if message is not None:  # LangSwarm takes no notice of None
            count_message(current.telemetry(), message.role)
    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        record_fault("langswarm.agent_session", error)
    return result


def _begin(operation: str) -> Callable[[Call], SessionCallRun | None]:
    def begin(call: Call) -> SessionCallRun | None:
        if is_inside(AgentRun):
            return None
        provider, model = provider_and_model(call.instance.configuration)
        described = SessionCallOperation(current.telemetry, operation, provider=provider, model=model, backend=_BACKEND)
        return described.begin(in_conversation(call.get(0, "session_id")))

    return begin


def _created(run: SessionCallRun, _call: Call, session: Any) -> None:
    run.set_attribute(semconv.CONVERSATION_ID, conversation_id_of(session.session_id, run.telemetry.policy))


def _deleted(_run: SessionCallRun, _call: Call, _deleted: Any) -> None:
    """Deleting what is not there is no error."""


HOOKS: Final = (
    Hook(
        module=_MODULE,
        owner=_AGENT,
        attribute="create_session",
        wrapper=around("langswarm.agent_session", begin=_begin("create_session"), finish=_created),
    ),
    Hook(
        module=_MODULE,
        owner=_AGENT,
        attribute="delete_session",
        wrapper=around("langswarm.agent_session", begin=_begin("delete_session"), finish=_deleted),
    ),
    Hook(module=_MODULE, owner="AgentSession", attribute="add_message", wrapper=_count),
)
"""Where agents' own sessions begin, go on and end."""
