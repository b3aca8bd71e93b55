"""Agent runs: ``invoke_agent {name}`` spans.

``chat`` is the run, and ``_execute_chat`` is an attempt of it: when the middleware's timeout strikes, LangSwarm repeats the whole chat, and
both show as attempts of one run. What ``chat`` returns has lost usage and error (LangSwarm 0.1.0 turns the response into text), so that the
run believes the response of its last attempt. ``_execute_chat`` called by itself is a run. Errors are returned as ``success=False``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import create_key, get_current

from langswarm_otel import current, semconv
from langswarm_otel.context import with_values
from langswarm_otel.instrumentation.attempts import InTry, Tries
from langswarm_otel.instrumentation.calls import Call, call_hook
from langswarm_otel.instrumentation.conversations import in_conversation
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.naming import provider_and_model
from langswarm_otel.instrumentation.providers import observe_provider, report_chunk, report_response
from langswarm_otel.instrumentation.session_ids import conversation_id_of
from langswarm_otel.instrumentation.sessions import user_of
from langswarm_otel.instrumentation.stream_calls import around_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.components.agent import AgentRun

_BASE: Final = "langswarm.core.agents.base"
_MULTIMODAL: Final = "langswarm.core.agents.multimodal_agent"
_CHAT: Final = create_key("langswarm_otel.langswarm.chat")
"""Context key of the chat whose attempts are to come."""


class _Chat:
    """A chat in progress: whose it is, its tries, and what the last of them has returned."""

    __slots__ = ("agent", "response", "tries")

    def __init__(self, agent: Any, run: AgentRun) -> None:
        self.agent = agent
        self.tries = Tries(run)
        self.response: Any = None


class _ChatAttempt(InTry):
    """One ``_execute_chat`` of a chat; what it calls in turn are chats of their own."""

    __slots__ = ("chat",)

    def __init__(self, chat: _Chat) -> None:
        super().__init__(chat.tries, {_CHAT: None})
        self.chat = chat


def _begin(call: Call) -> AgentRun:
    agent = call.instance
    observe_provider(agent.provider)
    provider, model = provider_and_model(agent.configuration)
    session = call.get(1, "session_id") or getattr(agent.current_session, "session_id", None)
    described = current.agent(agent.name, provider=provider, model=model, agent_id=agent.agent_id)
    run = described.begin(in_conversation(session, user_id=user_of(session)))
    run.input(call.get(0, "message"))
    trace_id = call.get(2, "trace_id")
    if trace_id is not None:
        run.set_attribute(semconv.TRACE_ID_OF_LANGSWARM, trace_id)
    return run


def _finish(run: AgentRun, call: Call, response: Any) -> None:
    _name_conversation(run, call)
    report_response(run, response)


def _name_conversation(run: AgentRun, call: Call) -> None:
    """Put the session that LangSwarm has opened in the meantime on the span."""
    if run.scope.conversation_id is None:
        session_id = getattr(call.instance.current_session, "session_id", None)
        run.set_attribute(semconv.CONVERSATION_ID, conversation_id_of(session_id, run.telemetry.policy))


def _begin_chat(call: Call) -> AgentRun:
    run = _begin(call)
    run.context = with_values(run.context, {_CHAT: _Chat(call.instance, run)})
    return run


def _finish_chat(run: AgentRun, call: Call, response: Any) -> None:
    chat: Any = run.context.get(_CHAT)
    _finish(run, call, response if chat is None or chat.response is None else chat.response)


def _begin_execution(call: Call) -> AgentRun | _ChatAttempt:
    chat: Any = get_current().get(_CHAT)
    if isinstance(chat, _Chat) and chat.agent is call.instance and not chat.tries.over:
        return _ChatAttempt(chat)
    return _begin(call)


def _finish_execution(run: AgentRun | _ChatAttempt, call: Call, response: Any) -> None:
    if isinstance(run, _ChatAttempt):
        run.chat.response = response
    else:
        _finish(run, call, response)


def _is_streaming(call: Call) -> bool:
    """Whether ``stream_chat`` streams: with streaming off it yields what ``chat`` returns."""
    return bool(call.instance.configuration.streaming_enabled)


def _seen(run: AgentRun, _call: Call, chunk: Any) -> None:
    report_chunk(run, chunk)


def _construct(wrapped: Callable[..., None], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    wrapped(*args, **kwargs)
    observe_provider(getattr(instance, "_provider", None))


def _begin_multimodal(call: Call) -> AgentRun:
    return _begin(Call(instance=call.instance, args=(call.get(0, "message"), call.get(2, "session_id")), kwargs={}))


HOOKS: Final = (
    Hook(module=_BASE, owner="BaseAgent", attribute="__init__", wrapper=_construct),
    call_hook("langswarm.chat", _BASE, "BaseAgent", "chat", _begin_chat, _finish_chat),
    call_hook("langswarm.agent", _BASE, "BaseAgent", "_execute_chat", _begin_execution, _finish_execution),
    Hook(
        module=_BASE,
        owner="BaseAgent",
        attribute="stream_chat",
        wrapper=around_stream("langswarm.agent.stream", begin=_begin, seen=_seen, ended=_name_conversation, applies=_is_streaming),
    ),
    call_hook("langswarm.agent.multimodal", _MULTIMODAL, "MultimodalAgent", "chat_multimodal", _begin_multimodal, _finish),
)
"""Where agents are built and run."""
