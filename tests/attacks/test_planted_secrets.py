"""Thirty ways of planting a secret: none is in any byte that is sent, kept on disk or said by us.

With content on a credential is planted, which has to be found by its form; with content off a word that nothing would find, in every place
that is content.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import pydantic
import pytest
from opentelemetry import trace
from opentelemetry._logs import LogRecord, get_logger
from opentelemetry.metrics import get_meter
from opentelemetry.trace import Link, Status, StatusCode
from otlp_server import OtlpServer, attributes

from langswarm_otel import configure_observability, environment
from langswarm_otel.export.spool_file import read_file
from langswarm_otel.presets import production

CREDENTIAL = "sk-" + "proj-Ab3dE6gH9jK2mN5pQ8sT1vW4"
CANARY = "canary-7f3a"

tracer = trace.get_tracer("foreign")


class Customer(pydantic.BaseModel):
    name: str
    notes: list[str]


@dataclass
class Order:
    note: str


def failing(secret):
    local = secret  # noqa: F841 - a stack trace may show it
    raise ValueError(f"refused for {secret}")


def chained(secret):
    try:
        failing(secret)
    except ValueError as error:
        raise RuntimeError("outer") from error


def raised(operation, function, secret):
    with pytest.raises((ValueError, RuntimeError)), operation:
        function(secret)


def on_span(secret, **set_on):
    with tracer.start_as_current_span("foreign") as span:
        for key, value in set_on.items():
            span.set_attribute(key.replace("__", "."), value)


def in_tool(obs, *, given=None, result=None):
    with obs.tool("t") as call:
        call.input(given)
        call.output(result)


def in_chat(obs, messages):
    with obs.inference(provider="openai", model="gpt-4o") as call:
        call.input(messages)
        call.output(messages)


def in_memory(obs, secret):
    with obs.memory("search_memory", store="m") as memory:
        memory.input(secret)
        memory.output([{"value": secret}])


def attempted(obs, secret):
    with obs.inference(provider="openai", model="gpt-4o") as call, pytest.raises(TimeoutError), call.attempt():
        raise TimeoutError(secret)


def decorated(obs, secret):
    @obs.tool("decorated")
    def function(argument, *, keyword):
        return [argument, keyword]

    function(secret, keyword={"k": secret})


def exception_on_span(secret):
    with tracer.start_as_current_span("foreign", record_exception=False) as span:
        span.record_exception(ValueError(secret))
        span.set_status(Status(StatusCode.ERROR, f"failed for {secret}"))


def event_on_span(name, given):
    with tracer.start_as_current_span("foreign") as span:
        span.add_event(name, given)


def metric_label(secret):
    get_meter("foreign").create_counter("c").add(1, {"gen_ai.prompt": secret})


CONTENT = {
    "user message": lambda obs, secret: in_chat(obs, [{"role": "user", "content": f"my key is {secret}, use it"}]),
    "system message": lambda obs, secret: in_chat(obs, [{"role": "system", "content": secret}]),
    "message parts": lambda obs, secret: in_chat(obs, [{"role": "user", "parts": [{"type": "text", "content": secret}]}]),
    "tool arguments": lambda obs, secret: in_tool(obs, given={"key": secret, "n": 1}),
    "tool arguments as JSON": lambda obs, secret: in_tool(obs, given=f'{{"a": "{{\\"b\\": \\"{secret}\\"}}"}}'),
    "tool result": lambda obs, secret: in_tool(obs, result=f"found: {secret}"),
    "bytes": lambda obs, secret: in_tool(obs, result=[secret]),
    "set": lambda obs, secret: in_tool(obs, result={secret}),
    "pydantic": lambda obs, secret: in_tool(obs, result=Customer(name="Bob", notes=[f"has {secret}"])),
    "dataclass": lambda obs, secret: in_tool(obs, result=Order(note=secret)),
    "key of a mapping": lambda obs, secret: in_tool(obs, result={secret: 1}),
    "at the limit of a text": lambda obs, secret: in_tool(obs, result="word " * 1630 + secret + " and more" * 500),
    "at the limit of JSON": lambda obs, secret: in_tool(obs, result={"a": "word " * 1630 + secret, "b": "x " * 9000}),
    "memory": in_memory,
    "decorated call": decorated,
    "exception": lambda obs, secret: raised(obs.tool("t"), failing, secret),
    "exception of a cause": lambda obs, secret: raised(obs.agent("a"), chained, secret),
    "exception in an attempt": attempted,
    "exception on a foreign span": lambda obs, secret: exception_on_span(secret),
    "foreign prompt": lambda obs, secret: on_span(secret, gen_ai__prompt__0__content=secret),
    "foreign input": lambda obs, secret: on_span(secret, traceloop__entity__input=[secret, "x"]),
    "foreign event": lambda obs, secret: event_on_span("gen_ai.content.prompt", {"gen_ai.prompt": secret}),
    "bare key of a content event": lambda obs, secret: event_on_span("gen_ai.user.message", {"content": secret}),
    "foreign log body": lambda obs, secret: get_logger("f", "1").emit(LogRecord(body={"c": secret}, event_name="gen_ai.choice")),
    "metric label": lambda obs, secret: metric_label(secret),
}
"""Places that are content: nothing there leaves with content off."""

ELSEWHERE = {
    "line of the application": lambda obs, secret: obs.log.info(f"using {secret}"),
    "key of a line": lambda obs, secret: obs.log.info("call", headers={"Authorization": f"Bearer {secret}"}, note=[secret]),
    "stdlib line": lambda obs, secret: logging.getLogger("app").warning("using %s", secret),
    "exc_info of a line": lambda obs, secret: log_exception(obs, secret),  # noqa: PLW0108 - defined below
    "attribute of another name": lambda obs, secret: on_span(secret, note=f"with {secret}", password="hunter2"),
    "query of a URL": lambda obs, secret: on_span(secret, url__full=f"https://bob:hunter2@example.com/?api_key={secret}"),
    "link": lambda obs, secret: link(secret),
    "name of a span": lambda obs, secret: tracer.start_span(f"GET /{secret}").end(),
    "name of an event": lambda obs, secret: event_on_span(f"used {secret}", {}),
}
"""Places that leave in any case, with what the application chose to put there: credentials are found."""


def log_exception(obs, secret):
    try:
        failing(secret)
    except ValueError:
        obs.log.exception("failed")


def link(secret):
    with tracer.start_as_current_span("other") as other:
        context = other.get_span_context()
    tracer.start_span("linked", links=[Link(context, {"note": secret})]).end()


def raw(server: OtlpServer) -> bytes:
    """Every byte that arrived, unpacked."""
    return b"".join(request.message.SerializeToString() + repr(request.headers).encode() for request in server.requests)


def parts_of(secret: str) -> list[bytes]:
    """Every stretch of eight characters of a secret."""
    return [secret[start : start + 8].encode() for start in range(4, len(secret) - 7)]


def said(obs, capfd) -> bytes:
    """What we say ourselves."""
    return f"{obs.health()}{obs.explain()}{obs!r}{obs.statistics()}".encode() + capfd.readouterr().err.encode()


@pytest.mark.parametrize("way", [*CONTENT, *ELSEWHERE])
def test_a_credential_is_found_with_content_on(otlp_server, capfd, way):
    """In no byte that is sent, and in none that we say; what is around it arrives."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, capture_content=True, log_output="none")
    {**CONTENT, **ELSEWHERE}[way](obs, CREDENTIAL)
    assert obs.flush(5.0)
    sent = raw(otlp_server)
    assert len(sent) > 200
    assert not [part for part in parts_of(CREDENTIAL) if part in sent]
    assert b"hunter2" not in sent
    assert not [part for part in parts_of(CREDENTIAL) if part in said(obs, capfd)]


@pytest.mark.parametrize("way", CONTENT)
def test_content_stays_with_content_off(otlp_server, capfd, tmp_path, way):
    """A word that no scrubber knows: in no byte that is sent, said, or kept on disk in an outage."""
    otlp_server.answer(503)
    obs = configure_observability(
        "production", endpoint=otlp_server.endpoint, log_output="none", spool_directory=str(tmp_path), schedule_delay_s=0.1
    )
    CONTENT[way](obs, CANARY)
    assert not obs.flush(1.0)
    kept = [read_file(path, path.relative_to(tmp_path).parts[0].split("-")[0]) for path in tmp_path.rglob("*.otlp")]
    assert kept
    assert not any(CANARY.encode() in body for body in kept)
    otlp_server.healthy()
    assert obs.flush(5.0)
    assert CANARY.encode() not in raw(otlp_server)
    assert CANARY.encode() not in said(obs, capfd)


SETTINGS = {
    "header": {"headers": {"authorization": f"Bearer {CREDENTIAL}"}},
    "salt": {"user_hash_salt": CREDENTIAL},
    "resource attribute": {"resource_attributes": {"note": f"started with --key {CREDENTIAL}"}},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_secret_in_a_setting_is_shown_nowhere(otlp_server, capfd, setting):
    """Not in explain, health, repr or a resource."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, log_output="none", **SETTINGS[setting])
    with obs.tool("t"):
        pass
    assert obs.flush(5.0)
    told = said(obs, capfd) + repr(environment.resolve(production(**SETTINGS[setting]))).encode()
    sent = b"".join(request.message.SerializeToString() for request in otlp_server.requests)
    if setting != "resource attribute":
        assert not [part for part in parts_of(CREDENTIAL) if part in told]
    assert not [part for part in parts_of(CREDENTIAL) if part in sent]


INNOCENT = [
    *("the token count is 412", "max_tokens: 4096", "Password policy: must be long", "Your password is required.", "ask-me-anything"),
    *("sk-learn and task-force are words", "d0324993000d4b3d2c7ba576c65572eb", "550e8400-e29b-41d4-a716-446655440000", "api_key: str"),
    *("da39a3ee5e6b4b0d3255bfef95601890afd80709", "tokenizer=cl100k_base", "sort_key: name", "primary_key=42", "keyboard=qwerty"),
    *("Basic arithmetic operations are easy", "the bearer of this letter", "Cookies are tasty; secrets are kept", "key=value"),
    *("https://example.com:8080/path?key=value", "git@github.com:owner/repo.git", "mailto:bob@example.com", "éèê 日本語 🎉 ümläut"),
    *("Write to security@example.com about secrets", "password=${DB_PASSWORD}", "api_key=os.environ['OPENAI_API_KEY']", "3.14159"),
    *("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "SELECT token FROM users WHERE id = 5", "a" * 600, "x=1; y=2"),
    *("token limit exceeded: 8192", '{"usage": {"prompt_tokens": 412, "completion_tokens": 31}}', "line one\nline two\ttab"),
]


def test_innocent_texts_arrive_as_they_were(otlp_server):
    """In content, in a line and on a foreign span, to the byte."""
    assert len(INNOCENT) >= 30
    obs = configure_observability("production", endpoint=otlp_server.endpoint, capture_content=True, log_output="none")
    for text in INNOCENT:
        in_tool(obs, result=text)
        obs.log.info(text, extra_text=text)
        on_span(text, note=text)
    assert obs.flush(5.0)
    spans = [attributes(span.attributes) for span in otlp_server.spans]
    assert [found["gen_ai.tool.call.result"] for found in spans if "gen_ai.tool.call.result" in found] == INNOCENT
    assert [found["note"] for found in spans if "note" in found] == INNOCENT
    assert [record.body.string_value for record in otlp_server.log_records] == INNOCENT
    assert [attributes(record.attributes)["extra_text"] for record in otlp_server.log_records] == INNOCENT
