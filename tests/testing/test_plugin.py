"""The pytest plugin: loads nothing until it is used, and its fixture works in tests of every kind."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from inner_pytest import PLUGIN, ROOTS, run_pytest

HEAVY = ("opentelemetry.sdk.", "structlog.", "requests.", "google.protobuf.", "asyncio.", "langswarm.", "rich.", "langswarm_otel.testing.")


def test_the_plugin_loads_nothing_heavy():
    """Importing the plugin, as pytest does in every run, loads neither the SDK nor the testing kit."""
    script = f"""
import sys
sys.path[:0] = {ROOTS!r}
import pytest
before = set(sys.modules)
import {PLUGIN}
print(sorted(name for name in set(sys.modules) - before if (name + ".").startswith({HEAVY!r})))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_entry_point_names_the_plugin():
    """Pytest finds the plugin by the entry point of the installed package."""
    found = entry_points(group="pytest11", name="langswarm_otel")
    if not found:
        pytest.skip("langswarm-otel is not installed here")
    assert found["langswarm_otel"].value == PLUGIN


def test_a_program_that_was_never_configured(tmp_path):
    """Foreign tracers, meters and loggers taken from the API at import are captured although nobody has configured anything."""
    (tmp_path / "test_inner.py").write_text(
        """
from opentelemetry import _logs, metrics, trace

tracer = trace.get_tracer("foreign")
counter = metrics.get_meter("foreign").create_counter("foreign.count", unit="1")
logger = _logs.get_logger("foreign")


@tracer.start_as_current_span("decorated")
def work():
    counter.add(2, {"k": "v"})
    logger.emit(body="hello")


def test_foreign(telemetry):
    with tracer.start_as_current_span("outer"):
        work()
    assert telemetry.tree() == "outer\\n  decorated"
    assert telemetry.metric("foreign.count", k="v").value == 2
    assert telemetry.log("hello").span_id == telemetry.span("decorated").span_id


def test_afterwards(telemetry):
    work()
    assert telemetry.tree() == "decorated"
    assert telemetry.metric("foreign.count").value == 2


def test_outside():
    with tracer.start_as_current_span("outer") as span:
        assert not span.is_recording()
"""
    )
    done = run_pytest(tmp_path, "-q")
    assert done.returncode == 0, done.stdout + done.stderr


def test_asynchronous_tests_and_options(tmp_path):
    """The fixture captures in asynchronous tests, their tasks and threads, and takes its options from the marker."""
    (tmp_path / "test_inner.py").write_text(
        """
import asyncio
import pytest
import langswarm_otel


@langswarm_otel.tool("search")
async def search():
    await asyncio.sleep(0)


@langswarm_otel.tool("threaded")
def work():
    pass


@langswarm_otel.agent("researcher")
async def research():
    await asyncio.gather(search(), search())
    await asyncio.to_thread(work)


@pytest.fixture
async def resource():
    with langswarm_otel.tool("too_early"):
        yield 1


async def test_tasks(resource, telemetry):
    await research()
    assert telemetry.tree().splitlines() == ["invoke_agent researcher", *["  execute_tool search"] * 2, "  execute_tool threaded"]


@pytest.mark.telemetry(content=True, deterministic=True)
async def test_options(telemetry):
    with telemetry.observability.agent("a") as agent:
        agent.input("the question")
    span = telemetry.span("invoke_agent a")
    assert "the question" in span.attributes["gen_ai.input.messages"]
    assert span.trace_id == f"{1:032x}"
    assert span.duration_s == pytest.approx(round(span.duration_s, 3))
"""
    )
    done = run_pytest(tmp_path, "-q", "--strict-markers")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failing_look_up_says_what_there_was(tmp_path):
    """A test that asks for a span that is not there fails with the names of those that are."""
    (tmp_path / "test_inner.py").write_text(
        """
def test_typo(telemetry):
    with telemetry.observability.agent("researcher"):
        pass
    telemetry.span("invoke_agent reasercher")
"""
    )
    done = run_pytest(tmp_path, "-q")
    assert done.returncode == 1
    assert "span 'invoke_agent reasercher': not captured; there was:" in done.stdout
    assert "invoke_agent researcher" in done.stdout
