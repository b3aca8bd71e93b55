"""Living beside ``opentelemetry-util-genai`` and the ``genai-*`` instrumentors built on it; the only file that touches it.

It is used only if the application has imported it already. Through its public context keys a model call is one span, whoever sees it
first: an instrumentor below our inference makes no span and leaves its usage with ours, and ours below an instrumentor's steps back and
leaves its usage there. Work that begins anew inside of a call (a tool, an agent, a workflow) clears the keys, so it is not hidden.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.guard import record_fault
from langswarm_otel.usage import Usage, count

if TYPE_CHECKING:
    from opentelemetry.context import Context

_INVOCATION: Final = "opentelemetry.util.genai.invocation"
_HANDLER: Final = "opentelemetry.util.genai.handler"

_NAMES: Final = {
    semconv.CHAT: ("CLIENT_INFERENCE_CONTEXT_KEY", "InferenceData"),
    semconv.EMBEDDINGS: ("CLIENT_EMBEDDING_CONTEXT_KEY", "EmbeddingData"),
    semconv.RETRIEVAL: ("CLIENT_RETRIEVAL_CONTEXT_KEY", "RetrievalData"),
}
"""Names of the context key and of the class of its value, by what kind of call it marks."""

_USAGE: Final = {
    "input_tokens": "usage_input_tokens",
    "output_tokens": "usage_output_tokens",
    "cache_read_tokens": "usage_cache_read_input_tokens",
    "cache_write_tokens": "usage_cache_write_input_tokens",
    "reasoning_tokens": "usage_reasoning_output_tokens",
}
_OURS: Final = "_langswarm_otel"
_PROBE: Final = "langswarm_otel.probe"
_conversation_key: str | None = None


def group_of(operation: str) -> str:
    """Return which calls a call of this operation can be the same as."""
    return operation if operation in (semconv.EMBEDDINGS, semconv.RETRIEVAL) else semconv.CHAT


def clear_marks(entries: dict[str, object]) -> None:
    """Clear every mark among the entries of a context in the making."""
    library = sys.modules.get(_INVOCATION)
    if library is None:
        return
    for key_name, _ in _NAMES.values():
        key = getattr(library, key_name, None)
        if isinstance(key, str) and entries.get(key) is not None:
            entries[key] = None


def foreign_call(context: Context, group: str) -> Any | None:
    """Return where a call of an instrumentor that is already under way keeps its data; None if there is none."""
    library = sys.modules.get(_INVOCATION)
    if library is None:
        return None
    key_name, type_name = _NAMES[group]
    found = context.get(getattr(library, key_name, ""))
    kind = getattr(library, type_name, None)
    return found if isinstance(kind, type) and isinstance(found, kind) and not hasattr(found, _OURS) else None


def mark(entries: dict[str, object], group: str, *, capture_content: bool) -> Any | None:
    """Mark a call of ours in the entries of a context in the making; returns where an instrumentor below will leave its data."""
    library = sys.modules.get(_INVOCATION)
    if library is None:
        return None
    try:
        key_name, type_name = _NAMES[group]
        if not hasattr(library, type_name):  # releases before 1.3 have no such keys
            return None
        data = getattr(library, type_name)()
        data.capture_content = capture_content
        setattr(data, _OURS, True)
        entries[getattr(library, key_name)] = data
    except Exception as error:  # noqa: BLE001 - a release of it that we do not know
        record_fault("genai_interop.mark", error)
        return None
    return data


def usage_in(data: Any) -> Usage:
    """Return the tokens that an instrumentor left."""
    return Usage(**{ours: count(getattr(data, theirs, None)) for ours, theirs in _USAGE.items()})


def publish(data: Any, *, usage: Usage, **fields: Any) -> None:
    """Leave what we know about a call with the instrumentor that owns it; what it finds out itself wins there.

    Args:
        data: what ``foreign_call`` returned.
        usage: tokens that were reported to us.
        **fields: further fields of the data, by the library's names.
    """
    try:
        known = {theirs: getattr(usage, ours) for ours, theirs in _USAGE.items()} | fields
        given = {name: value for name, value in known.items() if value is not None and hasattr(data, name)}
        data.merge(type(data)(**given))
    except Exception as error:  # noqa: BLE001 - a release of it that we do not know
        record_fault("genai_interop.publish", error)


def conversation(conversation_id: str) -> dict[str, object]:
    """Return the context entry that tells instrumentors the conversation; empty if their library is not in use."""
    if _HANDLER not in sys.modules:
        return {}
    try:
        key = _find_conversation_key()
    except Exception as error:  # noqa: BLE001 - a release of it that we do not know
        record_fault("genai_interop.conversation", error)
        return {}
    return {} if key is None else {key: conversation_id}


def _find_conversation_key() -> str | None:
    """Find the library's private context key by letting it put a conversation into a context, which is its public way to do that."""
    global _conversation_key  # noqa: PLW0603 - the key never changes within a process
    if _conversation_key is None:
        from opentelemetry._logs import NoOpLoggerProvider  # noqa: PLC0415 - needed once, where that library is in use
        from opentelemetry.metrics import NoOpMeterProvider  # noqa: PLC0415 - needed once, where that library is in use
        from opentelemetry.trace import NoOpTracerProvider  # noqa: PLC0415 - needed once, where that library is in use

        handler = sys.modules[_HANDLER].TelemetryHandler(NoOpTracerProvider(), NoOpMeterProvider(), NoOpLoggerProvider())
        invocation = handler.workflow("probe", conversation_id=_PROBE)
        invocation.suspend()
        _conversation_key = next((key for key, value in invocation.context.items() if value == _PROBE), None)
        invocation.stop()
    return _conversation_key
