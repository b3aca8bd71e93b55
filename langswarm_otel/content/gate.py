"""The content gate: what people and models said leaves the process only when the gate is open.

Content is what the catalogue names: attribute keys and their flattened forms, the body of content events, exception text and therefore
status descriptions. The rules hold for our own telemetry and for foreign telemetry that passes our pipeline. A closed gate removes keys;
it never leaves them empty.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from langswarm_otel import semconv
from langswarm_otel.content.cutting import cut_text
from langswarm_otel.content.media import without_media
from langswarm_otel.content.safe import json_text, safe_text, snapshot
from langswarm_otel.foreign_content import CONTENT_KEYS_OF_SCOPES, FOREIGN_CONTENT_EVENT_NAMES, FOREIGN_CONTENT_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

V = TypeVar("V")

_NO_KEYS: Final[frozenset[str]] = frozenset()
_EVENT_NAME_KEYS: Final = ("event.name", "otel.event.name")
_EVENT_METADATA: Final = frozenset({"role", "id", "finish_reason", "index", "name", *_EVENT_NAME_KEYS})


@lru_cache(maxsize=4096)
def is_content_key(key: str) -> bool:
    """Whether the value of an attribute of this name is content; a key that is no string is none."""
    if key in semconv.CONTENT_KEYS:
        return True
    if not isinstance(key, str) or key in semconv.CONTENT_KEY_EXEMPTIONS:
        return False
    return key.startswith(semconv.CONTENT_KEY_PREFIXES) or FOREIGN_CONTENT_PATTERN.search(key) is not None


@lru_cache(maxsize=1024)
def keys_of_scope(name: str) -> frozenset[str]:
    """Return the keys that are content on spans of an instrumentation scope of this name, besides those that are everywhere."""
    return next((keys for beginning, keys in CONTENT_KEYS_OF_SCOPES if name.startswith(beginning)), _NO_KEYS)


@lru_cache(maxsize=1024)
def are_plain_keys(keys: tuple[str, ...]) -> bool:
    """Whether attributes of these names, in this order, need no look at their names: no content, no event name, nothing to make safe.

    Records of one place in a program have the same keys, so this is asked once for each such place.
    """
    return all(type(key) is str and key and key.isascii() and not is_content_key(key) and key not in _EVENT_NAME_KEYS for key in keys)


def is_content_event(name: str | None, attributes: Mapping[str, Any] | None = None) -> bool:
    """Whether an event of this name, which older instrumentations write into its attributes, has content as body."""
    if name in semconv.CONTENT_EVENT_NAMES:
        return True
    return attributes is not None and any(attributes.get(key) in semconv.CONTENT_EVENT_NAMES for key in _EVENT_NAME_KEYS)


def strip(attributes: Mapping[str, V], *, is_open: bool) -> Mapping[str, V]:
    """Return ``attributes`` without content, unless the gate is open; the same object if there is none."""
    if is_open or not attributes:
        return attributes
    present = attributes if type(attributes) is dict else snapshot(attributes)
    for key in present:
        if is_content_key(key):
            return {key: value for key, value in present.items() if not is_content_key(key)} | _asked_for(present)
    return attributes


def strip_scope(attributes: Mapping[str, V], scope: InstrumentationScope | None, *, is_open: bool) -> Mapping[str, V]:
    """Return the attributes of a span without the keys that are content in its scope; the same object if there is none."""
    keys = keys_of_scope(scope.name) if scope is not None and not is_open else _NO_KEYS
    if not keys or keys.isdisjoint(attributes):
        return attributes
    return {key: value for key, value in attributes.items() if key not in keys}


def _asked_for(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the model that was asked for, which OpenInference has only among the parameters of the call, and these may quote content."""
    parameters = attributes.get("llm.invocation_parameters")
    if not isinstance(parameters, str) or semconv.REQUEST_MODEL in attributes:
        return {}
    try:
        model = json.loads(parameters)["model"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return {}
    return {semconv.REQUEST_MODEL: model} if isinstance(model, str) else {}


def strip_event(name: str | None, attributes: Mapping[str, V], *, is_open: bool) -> Mapping[str, V]:
    """Return the attributes of a span event or log record without content; the same object if there is none.

    Content events of some instrumentations carry bare keys such as ``content`` and ``message``: of such an event only GenAI attributes
    that are no content, and known metadata, stay. What a vector store found has the store's own fields: there, what begins with ``db.``
    stays.
    """
    kept = strip(attributes, is_open=is_open)
    if is_open or not kept:
        return kept
    if name in FOREIGN_CONTENT_EVENT_NAMES:
        return kept if all(key.startswith("db.") for key in kept) else {key: kept[key] for key in kept if key.startswith("db.")}
    if not is_content_event(name, kept):
        return kept
    return {key: value for key, value in kept.items() if key.startswith("gen_ai.") or key in _EVENT_METADATA}


def strip_name(name: str, scope: InstrumentationScope | None, *, is_open: bool) -> str:
    """Return the name of a span, without the description of the task that OpenLLMetry makes the name of CrewAI's."""
    if is_open or not name.endswith(".task") or scope is None or not scope.name.startswith("opentelemetry.instrumentation.crewai"):
        return name
    return "task"


def strip_body(body: V, name: str | None, attributes: Mapping[str, Any] | None = None, *, is_open: bool) -> V | None:
    """Return the body of a log record, or None if it is a content event's and the gate is closed.

    Args:
        body: the body; an ordinary log line's is what the application chose to log, and stays.
        name: event name of the record.
        attributes: attributes of the record, where older instrumentations write the event name.
        is_open: whether content may leave.
    """
    return None if not is_open and is_content_event(name, attributes) else body


def strip_description(
    description: str | None, attributes: Mapping[str, Any] | None, events: Iterable[Mapping[str, Any] | None] = (), *, is_open: bool
) -> str | None:
    """Return the description of an error status; with the gate closed, the type of the error, because descriptions quote messages.

    Args:
        description: what the span says; None and the empty string stay as they are.
        attributes: attributes of the span.
        events: attributes of its events, in their order; the last exception counts.
        is_open: whether content may leave.

    Returns:
        The description, the type of the error, or None if the type is not known.
    """
    if is_open or not description:
        return description
    found = None
    for event in events:
        found = (event or {}).get(semconv.EXCEPTION_TYPE) or found
    own = attributes or {}
    kind = own.get(semconv.ERROR_TYPE) or own.get(semconv.EXCEPTION_TYPE) or found
    return kind if isinstance(kind, str) else None


def jsonable(content: object, max_length: int | None = None) -> str:
    """Return content as an attribute carries it: a string as it is, anything else as JSON text; safe, and cut to ``max_length``.

    Media becomes its type and size, and the end of a text that was cut says how long it was.
    """
    if isinstance(content, str):
        if max_length is None:
            return safe_text(content)
        text = without_media(content, max_length)
        return safe_text(text if len(text) <= max_length else cut_text(text, max_length))
    return json_text(content, max_length=max_length)
