"""The content gate: everything that the catalogue calls content goes when it is closed, and nothing else."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel import semconv
from langswarm_otel.content import gate

CANARY = "canary-7f3a"
METADATA = {semconv.REQUEST_MODEL: "gpt-4o", "gen_ai.prompt.name": "greeting", semconv.USAGE_INPUT_TOKENS: 3, "http.route": "/a"}


def content_keys():
    flattened = [f"{prefix}0.content" for prefix in semconv.CONTENT_KEY_PREFIXES]
    return [*sorted(semconv.CONTENT_KEYS), *flattened]


@pytest.mark.parametrize("key", content_keys())
def test_content_keys_go_and_metadata_stays(key):
    """Every key and flattened key of the catalogue is removed, absent and not empty, and nothing beside it."""
    assert gate.strip({**METADATA, key: CANARY}, is_open=False) == METADATA
    given_open = {key: CANARY}
    assert gate.strip(given_open, is_open=True) is given_open


@given(st.dictionaries(st.one_of(st.sampled_from(content_keys()), st.sampled_from(sorted(METADATA)), st.text(max_size=5)), st.integers()))
def test_strip_keeps_exactly_what_is_no_content(attributes):
    """What is kept is what is no content; without content the same object comes back."""
    kept = gate.strip(attributes, is_open=False)
    assert kept == {key: value for key, value in attributes.items() if not gate.is_content_key(key)}
    if len(kept) == len(attributes):
        assert kept is attributes


def test_strip_works_on_the_sdks_attributes():
    """The attributes of a foreign span are read, and come back as they are when they hold no content."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    clean = tracer.start_span("s", attributes=METADATA).attributes
    assert gate.strip(clean, is_open=False) is clean
    dirty = tracer.start_span("s", attributes={**METADATA, semconv.INPUT_MESSAGES: CANARY}).attributes
    assert gate.strip(dirty, is_open=False) == METADATA


def test_exemptions_are_metadata():
    """Name and version of a prompt are no content although their keys look like flattened prompts."""
    assert not any(map(gate.is_content_key, semconv.CONTENT_KEY_EXEMPTIONS))
    assert gate.is_content_key("gen_ai.prompt.0.content")
    assert not gate.is_content_key(5)  # type: ignore[arg-type]


def test_content_events_lose_bare_keys():
    """Events such as Strands' carry content under bare keys: only GenAI metadata survives there; other events keep theirs."""
    attributes = {"content": CANARY, "message": CANARY, "role": "user", "gen_ai.provider.name": "x", "gen_ai.event.content": CANARY}
    assert gate.strip_event("gen_ai.user.message", attributes, is_open=False) == {"role": "user", "gen_ai.provider.name": "x"}
    assert gate.strip_event("gen_ai.user.message", attributes, is_open=True) is attributes
    plain = {"content": "a log key of the application"}
    assert gate.strip_event("order.placed", plain, is_open=False) is plain
    old = {"event.name": "gen_ai.choice", "content": CANARY}
    assert gate.strip_event(None, old, is_open=False) == {"event.name": "gen_ai.choice"}


def test_keys_that_are_anybodys_are_content_in_some_scopes_alone():
    """Numbers and names of an application under such keys stay; in another scope of the same name's beginning they do not."""
    attributes = {"events": 5, "request": CANARY, "inputs": CANARY, "kept": 1}
    assert gate.strip_scope(attributes, InstrumentationScope("logfire.openai"), is_open=False) == {"inputs": CANARY, "kept": 1}
    assert gate.strip_scope(attributes, InstrumentationScope("pydantic-ai"), is_open=False) == {"request": CANARY, "kept": 1}
    for scope in (InstrumentationScope("logfire"), InstrumentationScope("app"), None):
        assert gate.strip_scope(attributes, scope, is_open=False) is attributes
    assert gate.strip_scope(attributes, InstrumentationScope("logfire.openai"), is_open=True) is attributes


@pytest.mark.parametrize(
    ("parameters", "kept"),
    [
        ('{"model": "gpt-4o", "instructions": "canary"}', {semconv.REQUEST_MODEL: "gpt-4o"}),
        ('{"model": 5}', {}),
        ('{"temperature": 1}', {}),
        ("[1]", {}),
        ("[" * 100_000, {}),
        ("not json", {}),
        (7, {}),
    ],
    ids=range(7),
)
def test_the_model_that_was_asked_for_stays_of_the_parameters(parameters, kept):
    """OpenInference has it nowhere else; where it is known already it is not looked for."""
    assert gate.strip({"llm.invocation_parameters": parameters}, is_open=False) == kept
    given = {"llm.invocation_parameters": parameters, semconv.REQUEST_MODEL: "known"}
    assert gate.strip(given, is_open=False) == {semconv.REQUEST_MODEL: "known"}


def test_the_name_of_a_crew_ai_task_is_no_description():
    """OpenLLMetry names the span after the whole description; other scopes' names are their own."""
    crew = InstrumentationScope("opentelemetry.instrumentation.crewai.instrumentation")
    assert gate.strip_name(f"{CANARY}.task", crew, is_open=False) == "task"
    assert gate.strip_name(f"{CANARY}.task", crew, is_open=True) == f"{CANARY}.task"
    assert gate.strip_name("researcher.agent", crew, is_open=False) == "researcher.agent"
    for scope in (InstrumentationScope("app"), None):
        assert gate.strip_name("clean.task", scope, is_open=False) == "clean.task"


def test_what_a_vector_store_found_keeps_what_begins_with_db():
    """OpenLLMetry's events carry the record's fields under the names that the store has for them."""
    found = {"title": CANARY, "db.query.result.document": CANARY, "db.query.result.score": 0.5}
    assert gate.strip_event("db.query.result", found, is_open=False) == {"db.query.result.score": 0.5}
    assert gate.strip_event("db.search.result", found, is_open=True) is found
    clean = {"db.search.result.id": "7"}
    assert gate.strip_event("db.search.result", clean, is_open=False) is clean


@pytest.mark.parametrize("name", semconv.CONTENT_EVENT_NAMES)
def test_bodies_of_content_events_go(name):
    """A content event has no body when the gate is closed; an ordinary log line keeps its own."""
    assert gate.strip_body({"content": CANARY}, name, is_open=False) is None
    assert gate.strip_body(CANARY, None, {"event.name": name}, is_open=False) is None
    body = {"content": CANARY}
    assert gate.strip_body(body, name, is_open=True) is body
    assert gate.strip_body("order placed", None, {"k": 1}, is_open=False) == "order placed"


def test_descriptions_become_the_type_of_the_error():
    """A status description quotes messages, so the type stands in for it, and nothing where no type is known."""
    description = f"ValueError: {CANARY}"
    events = [{semconv.EXCEPTION_TYPE: "KeyError"}, None, {semconv.EXCEPTION_TYPE: "ValueError"}, {"other": 1}]
    assert gate.strip_description(description, {semconv.ERROR_TYPE: "timeout"}, events, is_open=False) == "timeout"
    assert gate.strip_description(description, MappingProxyType({}), events, is_open=False) == "ValueError"
    assert gate.strip_description(description, None, is_open=False) is None
    assert gate.strip_description(description, {}, events, is_open=True) is description
    assert gate.strip_description(None, {semconv.ERROR_TYPE: "timeout"}, is_open=False) is None
    assert gate.strip_description("", {}, is_open=False) == ""


def test_content_as_an_attribute():
    """Strings stay text, structures become valid JSON within the bound, and odd characters become safe."""
    assert gate.jsonable("hello") == "hello"
    assert gate.jsonable("hello\ud800", 5) == "hello"
    messages = [{"role": "user", "parts": [{"type": "text", "content": "ü" * 10_000}]}]
    assert json.loads(gate.jsonable(messages)) == messages
    cut = gate.jsonable(messages, 1000)
    assert len(cut) <= 1000
    assert json.loads(cut)[0]["parts"][0]["type"] == "text"
