"""Agents instrumented by OpenInference and by OpenLLMetry come under the same GenAI names as ours, and say no more than ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from openai_server import OpenAiServer
from otlp_server import OtlpServer, attributes
from stack_processes import Collector

SCRIPT = Path(__file__).parent / "agent_of_others.py"
PEERS = Path(sys.prefix) / "genai-peers"
WANTED = {
    "invoke_agent": {"gen_ai.agent.name": "researcher"},
    "execute_tool": {"gen_ai.tool.name": "look_up"},
    "chat": {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"},
}
DIMENSIONS = {"gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.tool.name", "gen_ai.provider.name", "gen_ai.request.model"}


@pytest.fixture
def far_side(tmp_path):
    """What lies behind local.yaml after both agents ran; the spans as their instrumentations make them lie before it."""
    if not PEERS.is_dir():
        pytest.skip(f"the instrumentations of others are not installed in {PEERS} (tools/install.sh)")
    with (
        OtlpServer() as behind,
        Collector(
            tmp_path, "local.yaml", TRACES_ENDPOINT=behind.endpoint, METRICS_ENDPOINT=behind.endpoint, SPAN_METRICS_INTERVAL="1s"
        ) as collector,
    ):
        for which in ("openinference", "openllmetry"):
            run(which, collector.endpoint)
        assert behind.wait_for(spans=6, timeout_s=20)
        yield behind


def run(which, endpoint):
    with OpenAiServer() as server:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), which, endpoint, f"http://127.0.0.1:{server._server.server_address[1]}/v1"],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            env={**os.environ, "PYTHONPATH": str(PEERS)},
        )
    assert done.returncode == 0, done.stderr


def by_operation(server):
    """The attributes of each span, by service and operation."""
    found = {}
    for message in server.messages("traces"):
        for resource in message.resource_spans:
            service = attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    its = attributes(span.attributes)
                    found[service, its.get("gen_ai.operation.name")] = its
    return found


def test_they_have_the_names_of_the_genai_conventions(far_side):
    """Operation, agent, tool, provider, model and tokens of each, as ours have them; the conversation where it is known."""
    found = by_operation(far_side)
    for service in ("openinference", "openllmetry"):
        for operation, wanted in WANTED.items():
            assert wanted.items() <= found[service, operation].items(), (service, operation)
        chat = found[service, "chat"]
        assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (9, 3)
    assert found["openinference", "chat"]["gen_ai.conversation.id"] == "conversation-1"


def test_they_appear_under_the_same_dimensions(far_side):
    """Their series of span metrics differ in the name of the service and of the span alone."""
    wanted = {frozenset({("gen_ai.operation.name", operation), *its.items()}) for operation, its in WANTED.items()}
    far_side.wait_until(lambda server: series(server, "openinference") == series(server, "openllmetry") == wanted, 20)
    assert series(far_side, "openinference") == series(far_side, "openllmetry") == wanted


def series(server, service):
    """The GenAI dimensions of each series of calls of a service."""
    points = [attributes(point.attributes) for name, point in server.metric_points if name == "traces.span.metrics.calls"]
    return {frozenset((key, value) for key, value in one.items() if key in DIMENSIONS) for one in points if one["service.name"] == service}


def test_what_they_recorded_of_prompts_and_results_goes_no_further(far_side):
    """Both record content without being asked; not a byte of it is behind the Collector."""
    arrived = b"".join(request.message.SerializeToString() for request in far_side.requests)
    assert b"canary-of-others" not in arrived
    assert b"hello there" not in arrived


def test_they_did_record_it(tmp_path):
    """Straight from the agent, without the Collector, the canary arrives; so the test above can fail. And no GenAI operation is named."""
    if not PEERS.is_dir():
        pytest.skip(f"the instrumentations of others are not installed in {PEERS} (tools/install.sh)")
    with OtlpServer() as server:
        for which in ("openinference", "openllmetry"):
            run(which, server.endpoint)
        assert server.wait_for(spans=6)
        assert b"canary-of-others" in b"".join(request.message.SerializeToString() for request in server.requests)
        assert ("openinference", "invoke_agent") not in by_operation(server)
