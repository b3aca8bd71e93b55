"""Secrets leak through exceptions and through the scrubber itself, while harmless data is scrubbed.

The message of an exception is a span's status and an event on it; scrubbers that exist echo what they found, or empty ``session.id``.
"""

from __future__ import annotations

import json

import pytest
from otlp_server import OtlpServer
from plain_sdk import PlainSdk

from langswarm_otel import configure_observability

SECRET = "sk-" + "proj-Ab3dE6gH9jK2mN5pQ8sT1vW4"


def raw(server: OtlpServer) -> bytes:
    """Every byte that arrived, unpacked."""
    return b"".join(request.message.SerializeToString() for request in server.requests)


def test_the_plain_sdk_sends_the_secret(verdict):
    """An exception inside a span puts its text into status, event and stack trace."""
    sdk = PlainSdk()
    with pytest.raises(ValueError, match="refused"), sdk.tracer.start_as_current_span("call"):
        raise ValueError(f"refused for {SECRET}")
    (span,) = sdk.spans()
    assert SECRET in span.status.description
    assert SECRET in span.events[0].attributes["exception.message"]
    assert SECRET in span.events[0].attributes["exception.stacktrace"]
    verdict.plain("the key stands in status, event and stack trace")


@pytest.mark.parametrize("content", [False, True])
def test_ours_sends_the_rule_and_not_the_secret(otlp_server, verdict, content):
    """With content off the type alone is sent; with content on message and stack are, scrubbed."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, capture_content=content, log_output="none")
    with pytest.raises(ValueError, match="refused"), obs.tool("call"):
        raise ValueError(f"refused for {SECRET}")
    assert obs.flush(5.0)
    (span,) = otlp_server.spans
    assert span.status.message == "ValueError"
    assert SECRET[8:16].encode() not in raw(otlp_server)
    events = {event.name: {pair.key: pair.value.string_value for pair in event.attributes} for event in span.events}
    if content:
        assert events["exception"]["exception.message"] == "refused for [scrubbed: openai_key]"
        assert "test_26_secrets.py" in events["exception"]["exception.stacktrace"]
        verdict.ours("content on: message and stack with [scrubbed: openai_key]")
    else:
        assert events == {}
        verdict.ours("content off: the type alone")


def test_harmless_data_is_left_alone(otlp_server, verdict):
    """Identities, counts and texts about secrets arrive as they were."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, capture_content=True, log_output="none")
    text = "The password policy: tokens are counted, 412 of max_tokens=4096."
    with obs.session("session-token-7"), obs.tool("call") as call:
        call.output(text)
    assert obs.flush(5.0)
    found = {pair.key: pair.value.string_value for pair in otlp_server.spans[0].attributes}
    assert found["gen_ai.conversation.id"] == "session-token-7"
    assert found["gen_ai.tool.call.result"] == text
    assert "scrubbed" not in json.dumps(found)
    verdict.ours("identities, counts and texts about secrets untouched")
