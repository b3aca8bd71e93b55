"""The sessions that agents keep for themselves: what ``chat(session_id=...)`` really talks in.

They are another class than those of the session manager. Their messages are counted by role, but for those that an agent finds in its
memory when it takes up a conversation again, which have been counted. Creating and deleting a session is a span where a program does it
inside of another; in a run of the agent it is a part of the run.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import create_key, get_current

from langswarm_otel import current, semconv
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.session import count_message
from langswarm_otel.components.session_call import SessionCallOperation, SessionCallRun
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.attempts import Within
from langswarm_otel.instrumentation.calls import Call, call_hook, is_inside
from langswarm_otel.instrumentation.conversations import in_conversation
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.naming import provider_and_model
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE: Final = "langswarm.core.agents.base"
_AGENT: Final = "BaseAgent"
_TAKING_UP: Final = create_key("langswarm_otel.langswarm.taking_up")
"""Context key that is set while an agent looks for a session."""

_BACKEND: Final = "agent"
"""``langswarm.session.backend`` of a session that an agent keeps."""


def _take_up(_call: Call) -> Within:
    """Run the look-up of a session, which may be restored from memory."""
    return Within({_TAKING_UP: True})


async def _count(wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Count a message that has been added."""
    result = await wrapped(*args, **kwargs)
    try:
        message = args[0] if args else kwargs.get("message")
        # LangSwarm takes no notice of None; and of what a session begins with, only the system prompt is new.
        if message is not None and (message.role == "system" or not get_current().get(_TAKING_UP)):
            count_message(current.telemetry(), message.role)
    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        record_fault("langswarm.agent_session", error)
    return result


def _begin(operation: str) -> Callable[[Call], SessionCallRun | None]:
    def begin(call: Call) -> SessionCallRun | None:
        if is_inside(AgentRun):
            return None
        provider, model = provider_and_model(call.instance.configuration)
        described = SessionCallOperation(
            current.telemetry, operation, provider=provider, model=model, backend=_BACKEND, leaves_process=False
        )
        return described.begin(in_conversation(call.get(0, "session_id")))

    return begin


def _created(run: SessionCallRun, _call: Call, session: Any) -> None:
    if run.has_span:
        run.set_attribute(semconv.CONVERSATION_ID, conversation_id_of(session.session_id, run.telemetry.policy))


_hook: Final = functools.partial(call_hook, "langswarm.agent_session", _MODULE, _AGENT)

HOOKS: Final = (
    _hook("create_session", _begin("create_session"), _created),
    _hook("delete_session", _begin("delete_session")),
    _hook("_get_or_create_session", _take_up),
    Hook(module=_MODULE, owner="AgentSession", attribute="add_message", wrapper=_count),
)
"""Where agents' own sessions begin, go on and end."""
