"""The examples, each run as a user runs it, against an OTLP server on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from otlp_server import attributes

EXAMPLES = Path(__file__).parent.parent / "examples"
INSTRUMENT = Path(sys.executable).parent / "opentelemetry-instrument"
TRACE = "0af7651916cd43dd8448eb211c80319c"

pytest.importorskip("langswarm")
pytestmark = pytest.mark.timeout(120)


def environment(server, **more):
    """A user's environment: an endpoint, and quick batches so that the test is quick."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_"))}
    ours = {"OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BLRP_SCHEDULE_DELAY": "100"}
    return {**kept, **ours, **more}


def run(server, *command, **more):
    """Run an example to its end; nothing but its own output may be seen."""
    done = subprocess.run(command, cwd=EXAMPLES, env=environment(server, **more), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done


def tree(server, service=None):
    """The spans that arrived, indented below their parents; those whose parent is elsewhere begin a line."""
    spans = server.spans
    names = {span.span_id: span for span in spans}
    lines = []

    def show(span, depth):
        lines.append("  " * depth + span.name)
        for child in sorted((one for one in spans if one.parent_span_id == span.span_id), key=lambda one: one.start_time_unix_nano):
            show(child, depth + 1)

    for root in sorted((one for one in spans if one.parent_span_id not in names), key=lambda one: one.start_time_unix_nano):
        show(root, 0)
    return "\n".join(lines)


def root_of(server, name):
    (span,) = [span for span in server.spans if span.name == name]
    return span, attributes(span.attributes)


FORECAST = "invoke_agent forecaster\n  chat gpt-4o\n  execute_tool weather\n  chat gpt-4o"


@pytest.mark.parametrize("way", ["zero code", "one line"])
def test_zero_code_and_one_line(otlp_server, way):
    """The program prints what it prints; run, tool, tokens and the tool's log line in its span arrive; no word of the question does."""
    if way == "zero code":
        if not any(point.value.startswith("langswarm_otel") for point in entry_points(group="opentelemetry_distro")):
            pytest.skip("langswarm-otel is not installed here, so its entry points are not there")
        done = run(otlp_server, INSTRUMENT, sys.executable, "zero_code.py", OTEL_SERVICE_NAME="desk")
    else:
        done = run(otlp_server, sys.executable, "one_line.py", OTEL_SERVICE_NAME="desk")
    assert done.stdout.splitlines()[-1] == "Take an umbrella."
    assert tree(otlp_server) == FORECAST
    assert {resource["service.name"] for resource in otlp_server.resources} == {"desk"}
    _, run_attributes = root_of(otlp_server, "invoke_agent forecaster")
    assert run_attributes["langswarm.run.input_tokens"] == 240
    assert run_attributes["gen_ai.conversation.id"] == "trip-1"
    tool, _ = root_of(otlp_server, "execute_tool weather")
    (line,) = [record for record in otlp_server.log_records if record.body.string_value == "asked the weather service"]
    assert line.span_id == tool.span_id
    assert "umbrella in Bergen" not in str(otlp_server.spans)


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_web_service(otlp_server, workers):
    """Requests continue the caller's trace; a stream that is left is abandoned; the workers end at once and lose nothing."""
    port = free_port()
    options = ["--port", str(port), "--workers", str(workers), "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", "fastapi_service:app", *options]
    service = subprocess.Popen(command, cwd=EXAMPLES, env=environment(otlp_server), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(url, service)
        headers = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        asked = urllib.request.Request(f"{url}/ask/s-1?question=Where+is+my+money", method="POST", headers=headers)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            assert b"refunded" in answer.read()
        with urllib.request.urlopen(f"{url}/speak/s-2", timeout=20) as left:
            assert left.read(4)
        assert otlp_server.wait_until(lambda server: "invoke_agent speaker" in server.span_names(), 20)
        with urllib.request.urlopen(f"{url}/health", timeout=20) as health:
            assert b'"ok":true' in health.read()
    finally:
        begin = time.monotonic()
        service.send_signal(signal.SIGTERM)
        _, complaints = service.communicate(timeout=30)
    assert time.monotonic() - begin < 15
    assert service.returncode in (0, -signal.SIGTERM), complaints
    asked, _ = root_of(otlp_server, "POST /ask/s-1")
    assert asked.trace_id.hex() == TRACE
    assert asked.parent_span_id.hex() == "b7ad6b7169203331"
    assert "POST /ask/s-1\n  invoke_agent writer\n    chat gpt-4o" in tree(otlp_server)
    speaker, spoken = root_of(otlp_server, "invoke_agent speaker")
    assert spoken["langswarm.outcome"] in ("abandoned", "cancelled")
    assert speaker.status.code == 0
    assert "Where is my money" not in str(otlp_server.spans)


def wait_for(url, service):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert service.poll() is None, service.stderr.read()
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the service does not answer")


def test_a_queue(otlp_server):
    """Both traces go through the queue: the worker's runs stand below the producer's spans, each with its conversation."""
    run(otlp_server, sys.executable, "queue_worker.py")
    assert tree(otlp_server) == "\n".join(["enqueue\n  invoke_agent summariser\n    chat gpt-4o"] * 2)
    assert len({span.trace_id for span in otlp_server.spans}) == 2
    assert {resource["service.name"] for resource in otlp_server.resources} == {"producer", "worker"}
    runs = [attributes(span.attributes) for span in otlp_server.spans if span.name == "invoke_agent summariser"]
    assert sorted(one["gen_ai.conversation.id"] for one in runs) == ["report-0", "report-1"]


def test_configuring_again(otlp_server):
    """What was made before the endpoint was given is shown and not sent; after it each run arrives once; all are counted."""
    done = run(otlp_server, sys.executable, "notebook.py", OTLP_ENDPOINT=otlp_server.endpoint, OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert "runs counted: 22" in done.stdout
    conversations = [attributes(span.attributes)["gen_ai.conversation.id"] for span in otlp_server.spans if span.name.startswith("invoke")]
    assert conversations.count("cell-2") == 1
    assert "cell-1" not in conversations
    assert len(conversations) == len(set(conversations))


def test_all_examples_are_run_and_small():
    """Every file of the folder is named in its README and in this test, and none is long."""
    here = Path(__file__).read_text()
    page = (EXAMPLES / "README.md").read_text()
    for path in EXAMPLES.rglob("*.py"):
        assert path.name in page
        assert path.stem in here or path.name == "scripted_model.py"
        assert len(path.read_text().splitlines()) <= 100


def test_migration_before(otlp_server):
    """The program on LangSwarm's own observability runs, and exports nothing."""
    done = run(otlp_server, sys.executable, "migration/before.py")
    assert "answering" in done.stdout + done.stderr
    assert otlp_server.spans == []


def test_migration_after(otlp_server):
    """The same program on the drop-in: spans, metric and line arrive, the line in its span."""
    before, after = ((EXAMPLES / "migration" / name).read_text().split("async def main")[1] for name in ("before.py", "after.py"))
    assert before.split("if __name__")[0] == after.split("if __name__")[0], "not a line of the program is different"
    run(otlp_server, sys.executable, "migration/after.py")
    assert tree(otlp_server) == "handle_request\n  invoke_agent writer\n  execute_tool billing"
    agent, spent = root_of(otlp_server, "invoke_agent writer")
    assert spent["gen_ai.usage.input_tokens"] == 120
    assert "charges.found" in {name for name, _ in otlp_server.metric_points}
    (line,) = [record for record in otlp_server.log_records if record.body.string_value == "answering"]
    assert line.span_id == agent.span_id
