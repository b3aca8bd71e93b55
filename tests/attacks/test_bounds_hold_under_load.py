"""Memory, series and accounts stay bounded and exact when callers are many, values huge, and the Collector is dead."""

from __future__ import annotations

import logging
import threading

import pytest
from otlp_server import OtlpServer
from scripts import DEAD, run

from langswarm_otel import configure_observability
from langswarm_otel.observability import Observability


def private(endpoint: str, **overrides: object) -> Observability:
    """Return a production handle of the test's own."""
    return configure_observability("production", install_global=False, endpoint=endpoint, log_output="none", **overrides)


def in_threads(work, number: int = 8) -> None:
    """Run ``work(index)`` in so many threads at once."""
    threads = [threading.Thread(target=work, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_burst_is_counted_to_the_span() -> None:
    """8 threads overrun a small queue before a dead Collector: made = exported + dropped by reason, to the unit, and bytes stay bounded."""
    handle = private(DEAD, queue_max_bytes=500_000)

    def burst(_: int) -> None:
        for _ in range(500):
            handle.tracer.start_span("x", attributes={"k": "v" * 50}).end()

    in_threads(burst)
    held = sum(row.queued_bytes for row in handle.health().exporters)
    assert not handle.shutdown(1.0)
    (row,) = [row for row in handle.health().exporters if row.signal == "traces"]
    assert row.made == row.dropped_total == 4000
    assert row.dropped["queue_full"] > 0
    assert held <= row.capacity_bytes


@pytest.mark.parametrize("kind", ["body", "mapping", "attributes"])
def test_huge_records_are_weighed(kind: str) -> None:
    """Records of megabytes fill the queue by what they weigh, whichever part is huge; none is let in beyond the bound."""
    handle = private(DEAD, queue_max_bytes=8_000_000, schedule_delay_s=60, max_attribute_length=2_000_000)
    logger = handle.telemetry.logger
    for number in range(20):
        text = "x" * 1_000_000 + str(number)
        body = {"body": text, "mapping": {"a": [text]}, "attributes": "small"}[kind]
        logger.emit(body=body, attributes={"k": text} if kind == "attributes" else {})
    (row,) = [row for row in handle.health().exporters if row.signal == "logs"]
    assert row.made == 20
    assert row.queued + row.in_flight <= 8
    assert row.dropped.get("queue_full", 0) >= 8
    handle.shutdown(0.1)


def test_names_that_explode_fold() -> None:
    """1 500 names each of tools, agents, models, workflows and error types leave at most ~500 values of each label."""
    handle = private(DEAD, queue_max_bytes=200_000)
    for number in range(1500):
        handle.tools.record_execution(f"tool {number}", 0.1, False, error_type=f"error {number}")
        handle.agents.record_execution(f"agent {number}", "openai", f"model {number}", 1, 1, 1.0, True)
        handle.workflows.record_execution(f"workflow {number}", 0.1)
    values: dict[str, set[object]] = {}
    for series in handle.statistics():
        for key, value in series.attributes.items():
            values.setdefault(key, set()).add(value)
    assert {"gen_ai.tool.name", "gen_ai.agent.name", "gen_ai.request.model", "error.type"} <= values.keys()
    assert max(map(len, values.values())) <= 502
    handle.shutdown(0.1)


def test_lines_of_threads_survive_reconfiguration(otlp_server: OtlpServer) -> None:
    """8 threads log while the process is re-configured ten times: each line arrives exactly once."""
    endpoint, made, stop = otlp_server.endpoint, [0] * 8, threading.Event()
    handle = configure_observability("production", endpoint=endpoint, log_output="none")

    def work(index: int) -> None:
        while not stop.wait(0.001):
            logging.getLogger(f"worker.{index}").warning("line %d of %d", made[index], index)
            made[index] += 1

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for number in range(10):
        handle = configure_observability("production", endpoint=endpoint, log_output="none", schedule_delay_s=0.1 + number / 100)
    stop.set()
    for thread in threads:
        thread.join()
    assert handle.flush(10)
    arrived = [record.body.string_value for record in otlp_server.log_records]
    expected = [f"line {number} of {index}" for index in range(8) for number in range(made[index])]
    assert sorted(arrived) == sorted(expected)
    assert sum(made) > 0


FORKING = """
    import os, sys, threading, time
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1], log_output="none", schedule_delay_s=30)
    stop = threading.Event()
    def noise():
        while not stop.wait(0.001):
            with obs.tool("noise"):
                obs.log.info("noise")
    threads = [threading.Thread(target=noise) for _ in range(4)]
    for thread in threads: thread.start()
    def fork():
        for number in range(6):
            pid = os.fork()
            if pid == 0:
                try:
                    with obs.tool(f"child {number}"):
                        obs.log.info("in the child")
                    obs.statistics()
                    done = obs.flush(10)
                finally:
                    os._exit(0 if done else 3)
            print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
    forker = threading.Thread(target=fork)
    forker.start(); forker.join(); stop.set()
    for thread in threads: thread.join()
"""


def test_forks_in_a_thread_amid_noise(otlp_server: OtlpServer) -> None:
    """A thread forks while four others record: no child hangs, each delivers its own span once, and none of the parent's queue."""
    ended = run(FORKING, otlp_server.endpoint)
    assert ended.stdout.splitlines() == ["child 0"] * 6, ended.stderr
    names = [name for name in otlp_server.span_names() if "child" in name]
    assert sorted(names) == [f"execute_tool child {number}" for number in range(6)]
