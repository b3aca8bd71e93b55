"""Behaviour 37: testing one's own telemetry.

Pain: global state, random ids and real time make telemetry untestable; tests reset private globals, and test spans turn up in production
(open-telemetry/opentelemetry-specification#3302, hynek/structlog#408, #400, RapidataAI/rapidata-python-sdk#886, pydantic/logfire#531).

Right: a shipped fixture with deterministic ids and clock, isolation without private resets, no network, safe in parallel.
"""

from __future__ import annotations

import pytest
from inner_pytest import run_pytest
from opentelemetry import trace
from plain_sdk import PlainSdk

from langswarm_otel.testing import capture

APPLICATION = '''
"""An application whose tracers, meters and loggers are bound at import."""
import logging

import structlog
from opentelemetry import metrics, trace

import langswarm_otel

log = structlog.get_logger("application")
stdlib_log = logging.getLogger("application.stdlib")
tracer = trace.get_tracer("application")
counter = metrics.get_meter("application").create_counter("application.runs")


@langswarm_otel.agent("researcher", provider="openai", model="gpt-4o")
def research(name):
    with langswarm_otel.tool("search"), tracer.start_as_current_span("own"):
        counter.add(1, {"name": name})
        log.info("searched", name=name)
        stdlib_log.warning("searched by %s", name)
'''

TESTS = """
import os

import pytest
import socket_guard
from application import research

socket_guard.install()


@pytest.fixture(autouse=True)
def no_connections():
    with socket_guard.recording() as tried:
        yield
    assert tried == []


def check(telemetry, name):
    research(name)
    assert telemetry.tree() == "invoke_agent researcher\\n  execute_tool search\\n    own"
    assert [span.span_id for span in telemetry.spans] == [f"{number:016x}" for number in (1, 2, 3)]
    assert {span.trace_id for span in telemetry.spans} == {f"{1:032x}"}
    assert [(point.attributes, point.value) for point in telemetry.metrics if point.name == "application.runs"] == [({"name": name}, 1)]
    assert [(record.body, record.attributes.get("name")) for record in telemetry.logs] == [
        ("searched", name),
        (f"searched by {name}", None),
    ]
    assert {record.span_id for record in telemetry.logs} == {telemetry.span("own").span_id}


@pytest.mark.parametrize("number", range(4))
def test_first(telemetry, number):
    check(telemetry, "first")


@pytest.mark.parametrize("number", range(4))
def test_second(telemetry, number):
    check(telemetry, "second")
"""


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("test_inner.py::test_first", "test_inner.py::test_second"), id="in order"),
        pytest.param(("test_inner.py::test_second", "test_inner.py::test_first"), id="in reverse"),
        pytest.param(("-n", "2"), id="under xdist"),
    ],
)
def test_tests_see_only_their_own(tmp_path, arguments, verdict):
    """Whatever their order and in parallel: each test has exactly its own spans, points and records, with the same ids in each.

    Loggers, tracers and meters are bound at import; nothing has tried to connect.
    """
    (tmp_path / "application.py").write_text(APPLICATION)
    (tmp_path / "test_inner.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text("import sys, pathlib\nsys.path.insert(0, str(pathlib.Path(__file__).parent))\n")
    done = run_pytest(tmp_path, "-q", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout
    verdict.ours("tests in any order and in parallel see their own only")


def test_two_runs_are_equal_to_the_last_bit(verdict):
    """With the deterministic clock, ids and times of two runs of the same program are the same."""

    def run():
        with capture(deterministic=True) as telemetry:
            with telemetry.observability.agent("a"), trace.get_tracer("foreign").start_as_current_span("foreign") as span:
                span.add_event("happened")
            with telemetry.observability.tool("t"):
                pass
        return telemetry.spans, telemetry.metrics

    first, second = run(), run()
    assert first == second
    assert [span.start_ns for span in first[0]] == sorted({span.start_ns for span in first[0]})
    verdict.ours("two runs are equal to the last bit")


def test_tests_reach_nothing_outside(telemetry):
    """A capture has no exporter: its handle has nothing to flush or to shut down, and says so at once."""
    with telemetry.observability.agent("a"):
        pass
    assert telemetry.observability.flush(0.0)
    assert telemetry.observability.shutdown(0.0)
    assert len(telemetry.spans) == 1


def test_the_plain_sdk_has_random_ids_and_real_times(verdict):
    """Two runs of the same are never equal, so no test can say what it expects."""
    runs = []
    for _ in range(2):
        sdk = PlainSdk()
        sdk.tracer.start_span("one").end()
        (span,) = sdk.spans()
        runs.append((span.context.trace_id, span.start_time))
    assert runs[0] != runs[1]
    verdict.plain("random ids and real times; global providers cannot be reset")
