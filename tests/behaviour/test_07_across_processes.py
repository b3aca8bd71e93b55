"""The trace breaks at MCP, A2A and queues.

The remote tool starts a new trace; some fixes drop the headers that are there, or overwrite ``_meta`` (microsoft/agent-framework#3778,
lastmile-ai/mcp-agent#239, traceloop/openllmetry#3179).
"""

from __future__ import annotations

import json
import logging

import pytest
from opentelemetry import propagate, trace
from plain_sdk import PlainSdk

from langswarm_otel import context_from, inject_context

CARRIERS = {
    "HTTP headers": {"Content-Type": "application/json"},
    "queue message": {"id": "7", "x-retries": "2"},
    "MCP _meta": {"progressToken": 3},
    "A2A metadata": {"agent": {"name": "b"}},
}

GARBAGE = [
    None,
    {},
    {"traceparent": "garbage"},
    {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"},
    {"traceparent": None},
    {"traceparent": b"\xff\xfe"},
    {1: 2, None: None, b"traceparent": b"00"},
    {"tracestate": "x" * 1_000_000, "traceparent": "00-short"},
    {"baggage": ",".join(f"k{number}=v" for number in range(10_000))},
    {"traceparent": ["", 5]},
    {"traceparent": "00-\ud800"},
]


def test_the_plain_sdk_overwrites_and_needs_text(verdict):
    """Its injection replaces a trace context that is there, and its extraction fails on what strangers send."""
    sdk = PlainSdk()
    headers = {"traceparent": "theirs"}
    with sdk.tracer.start_as_current_span("call"):
        propagate.inject(headers)
    assert headers["traceparent"] != "theirs"
    with pytest.raises(Exception):  # noqa: B017 - any
        propagate.extract({"traceparent": 5})
    verdict.plain("inject overwrites what is there; extract raises on a number")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_the_trace_goes_on_over_any_mapping(telemetry, verdict, carrier):
    """What was in the mapping stays, and the far side continues the trace, also from JSON, bytes and lists of values."""
    obs, before = telemetry.observability, CARRIERS[carrier]
    with obs.agent("caller"):
        sent = inject_context(dict(before))
    assert {key: sent[key] for key in before} == before
    arrivals = (json.loads(json.dumps(sent)), {key.upper(): [value] for key, value in sent.items()})
    for arrived in arrivals:
        with context_from(arrived), obs.tool("remote"):
            pass
    caller = telemetry.span("invoke_agent caller")
    for span in telemetry.spans[1:]:
        assert (span.trace_id, span.parent_id) == (caller.trace_id, caller.span_id)
    assert len(telemetry.spans) == 3
    verdict.ours("headers, messages, MCP _meta and A2A metadata carry it; what was there stays")


def test_a_trace_context_that_is_there_is_left_whole(telemetry):
    """Somebody else's wins, in any case of letters."""
    with telemetry.observability.agent("caller"):
        assert inject_context({"TraceParent": "theirs"}) == {"TraceParent": "theirs"}


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_counts_as_absent(telemetry, verdict, garbage, monkeypatch):
    """Nothing raises, and work goes on below whatever is current."""
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)  # xdist cannot carry a report with half a letter in it
    obs = telemetry.observability
    with obs.agent("local"), context_from(garbage), obs.tool("t"):
        assert trace.get_current_span().get_span_context().is_valid
    assert telemetry.tree() == "invoke_agent local\n  execute_tool t"
    verdict.ours(f"{len(GARBAGE)} kinds of garbage count as absent")
