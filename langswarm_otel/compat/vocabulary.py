"""The one table of LangSwarm's names: what its operations, tags and metrics became.

==================================================  =========================================================================
LangSwarm                                           here
==================================================  =========================================================================
``agent.chat``, ``agent.process_message``           ``invoke_agent {agent_name, or else agent_id}``
``agent.provider_call``                             ``chat {model}``, with the tokens of its tags
``tool.execute``                                    ``execute_tool {tool_name}``
``workflow.execute``, in the modes that wait        ``invoke_workflow {workflow_id}``
``workflow.execute_async``, ``..._streaming``       the same; the call that starts them is over before they begin
``workflow.execute_step``                           ``workflow_step {step_name}``
``memory.{operation}`` with a ``backend``           the standard operation, such as ``search_memory``
``tool.method_call``, ``workflow.execute_sync``,    no span: their tags go to the operation around them
``workflow.execute_parallel``
any other name                                      a span of that name
==================================================  =========================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from langswarm_otel import semconv
from langswarm_otel.content import gate
from langswarm_otel.context import hash_user
from langswarm_otel.instrumentation.naming import provider_name
from langswarm_otel.instrumentation.session_ids import conversation_id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.signals.telemetry import Policy

Kind = Literal["agent", "inference", "tool", "workflow", "step", "memory", "part", "plain"]
"""What an operation of LangSwarm's is: one of ours, a part of the one around it, or a span with nothing more to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an operation name of LangSwarm's stands for."""

    kind: Kind
    """What it is."""

    names: tuple[str, ...] = ()
    """Tags that name its subject, the best first; without any of them it is a plain span."""

    of: Kind | None = None
    """Of a part: the kind of operation that it is a part of."""

    mark: str | None = None
    """Tag by which LangSwarm's own call is known from a user's with the same operation name; None where it makes no such call."""


PLAIN: Final = Meaning(kind="plain")
_PART_OF_TOOL: Final = Meaning(kind="part", of="tool", mark="component")
_PART_OF_WORKFLOW: Final = Meaning(kind="part", of="workflow", mark="component")
_MERE_START: Final = Meaning(kind="part", mark="component")
_MEMORY: Final = Meaning(kind="memory", names=("backend",))

OPERATIONS: Final[dict[str, Meaning]] = {
    "agent.initialize": Meaning(kind="plain", mark="component"),
    "agent.chat": Meaning(kind="agent", names=("agent_name", "agent_id"), mark="has_tools"),
    "agent.process_message": Meaning(kind="agent", names=("agent_name", "agent_id")),
    "agent.provider_call": Meaning(kind="inference", names=("model", "provider"), mark="component"),
    "tool.execute": Meaning(kind="tool", names=("tool_name",), mark="parameter_count"),
    "tool.method_call": _PART_OF_TOOL,
    "workflow.execute": Meaning(kind="workflow", names=("workflow_name", "workflow_id"), mark="execution_mode"),
    "workflow.execute_sync": _PART_OF_WORKFLOW,
    "workflow.execute_parallel": _PART_OF_WORKFLOW,
    "workflow.execute_async": Meaning(kind="workflow", names=("workflow_name", "workflow_id"), mark="component"),
    "workflow.execute_streaming": Meaning(kind="workflow", names=("workflow_name", "workflow_id"), mark="component"),
    "workflow.execute_step": Meaning(kind="step", names=("step_name",)),
}
"""What LangSwarm's operation names stand for."""

_IN_BACKGROUND: Final = frozenset({"async", "streaming"})

MEMORY_OPERATIONS: Final[dict[str, str]] = {
    **dict.fromkeys(("store", "save", "add", "write", "add_message", "append"), "create_memory"),
    **dict.fromkeys(("retrieve", "load", "get", "read", "query", "get_messages", "get_recent_context"), "search_memory"),
    **dict.fromkeys(("clear", "remove", "clear_messages", "delete_session"), "delete_memory"),
    "summarize": "upsert_memory",
    "create_summary": "upsert_memory",
}
"""Words for operations on memory that the conventions call otherwise; further ones are used as they are."""

CONSUMED: Final[dict[Kind, frozenset[str]]] = {
    "agent": frozenset({"agent_name", "agent_id", "provider", "model"}),
    "inference": frozenset({"provider", "model"}),
    "tool": frozenset({"tool_name"}),
    "workflow": frozenset({"workflow_name", "workflow_id"}),
    "step": frozenset({"step_name", "step_type", "workflow_id"}),
    "memory": frozenset({"backend"}),
}
"""Tags that the operation itself is made of."""

STANDARD: Final[dict[str, str]] = {
    "model": semconv.REQUEST_MODEL,
    "provider": semconv.PROVIDER_NAME,
    "agent_name": semconv.AGENT_NAME,
    "agent_id": semconv.AGENT_ID,
    "tool_name": semconv.TOOL_NAME,
    "workflow_id": semconv.WORKFLOW_NAME,
    "workflow_name": semconv.WORKFLOW_NAME,
    "step_name": semconv.STEP_NAME,
    "step_type": semconv.STEP_TYPE,
    "session_id": semconv.CONVERSATION_ID,
    "trace_id": semconv.TRACE_ID_OF_LANGSWARM,
    "error_type": semconv.ERROR_TYPE,
    "error_message": semconv.EXCEPTION_MESSAGE,
    "error.message": semconv.EXCEPTION_MESSAGE,
}
"""Tags that have a standard name, or one of ours; the others become ``langswarm.tag.<name>`` on spans and stay as they are elsewhere."""

OF_METHOD: Final = "method"
"""Tag that means the tool's method, on a tool; elsewhere it may be an HTTP method."""

ERROR_TYPES: Final = frozenset({"error_type", "error.type"})
"""Tags that say of which type the error was."""

SUCCESSES: Final = frozenset({"chat_success", "response_success", "execution_success", "result_success", "success"})
"""Tags whose value False says that the operation failed."""

TOKENS: Final = frozenset({"input_tokens", "output_tokens"})
"""Tags with the tokens of one call."""

SUPERFLUOUS: Final = frozenset({"auto_instrumented", "component", "duration_ms", "execution_time_ms", "total_tokens"})
"""Tags that repeat what an operation of ours says by itself."""

INPUTS: Final = frozenset({"arguments", "input", "message", "parameters", "prompt", "query"})
"""Tags that say what went into an operation."""

OUTPUTS: Final = frozenset({"completion", "output", "response", "result"})
"""Tags that say what came out of it."""

CONTENT: Final = INPUTS | OUTPUTS | {"content", "expression"}
"""Tags whose values are what people, models and tools said; they pass the content gate, or stay out."""

PER_REQUEST: Final = frozenset(
    {"agent_id", "session_id", "execution_id", "message_id", "user_id", "trace_id", "span_id", "request_id", "auto_instrumented"}
)
"""Tags that are different in each request, and therefore on no metric."""

COVERED_METRICS: Final = frozenset(
    {
        *("agent.initializations_total", "agent.chat_requests_total", "agent.chat_errors_total", "agent.chat_duration_seconds"),
        *("agent.chat_input_length", "agent.chat_input_tokens", "agent.chat_output_tokens", "agent.chat_total_tokens"),
        *("tool.executions_total", "tool.execution_errors_total", "tool.execution_duration_seconds", "tool.execution_result_size"),
        *("workflow.executions_total", "tokens.input", "tokens.output", "tokens.total", "tokens.cost"),
    }
)
"""Metrics of LangSwarm's own code whose facts the metrics of our operations have."""


def meaning_of(operation_name: str, tags: Mapping[str, Any]) -> Meaning:
    """Return what an operation is, told from its name and the tags that it starts with."""
    meaning = OPERATIONS.get(operation_name)
    if meaning is None:
        meaning = _MEMORY if operation_name.startswith("memory.") else PLAIN
    elif operation_name == "workflow.execute" and tags.get("execution_mode") in _IN_BACKGROUND:
        return _MERE_START
    if meaning.names and all(tags.get(name) is None for name in meaning.names):
        return PLAIN
    return meaning


def subject_of(meaning: Meaning, tags: Mapping[str, Any]) -> Any:
    """Return what an operation is named after."""
    return next(tags[name] for name in meaning.names if tags.get(name) is not None)


def by_langswarm(meaning: Meaning, tags: Mapping[str, Any]) -> bool:
    """Whether LangSwarm's own code makes this call, and not its user's."""
    return meaning.mark is not None and meaning.mark in tags


def memory_operation(word: str) -> str:
    """Return the standard name of an operation on memory."""
    return MEMORY_OPERATIONS.get(word, word)


def attributes_of(tag: str, value: Any, policy: Policy) -> tuple[tuple[str, Any], ...]:
    """Return the span attributes that a tag becomes; none if it is content and the gate is closed.

    Args:
        tag: its name.
        value: its value, not None.
        policy: what may be emitted.
    """
    if tag == "user_id":
        pseudonym = (semconv.USER_HASH, hash_user(str(value), policy.user_hash_salt))
        return (pseudonym, (semconv.USER_ID, str(value))) if policy.capture_user_id else (pseudonym,)
    name = STANDARD.get(tag)
    if name is None:
        name = tag if tag.startswith(("gen_ai.", "langswarm.")) or gate.is_content_key(tag) else semconv.TAG_PREFIX + tag
    if not policy.capture_content and (tag in CONTENT or gate.is_content_key(name)):
        return ()
    if tag == "session_id":
        value = conversation_id_of(value, policy)
    elif tag == "provider":
        value = provider_name(value)
    return ((name, value),)
