"""Forking servers: the SDK's resource, metric locks, sockets and queues in a child (standards.md 3.9, 4 rows 5 to 8)."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from otlp_server import OtlpServer, attributes
from scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

CHILDREN = 3

FORKS = """
    import os, sys
    mode = sys.argv[2]
    if mode == "joined":
        from opentelemetry import _logs, metrics, trace
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
        metrics.set_meter_provider(MeterProvider(shutdown_on_exit=False))
        _logs.set_logger_provider(LoggerProvider(shutdown_on_exit=False))
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="f", endpoint=sys.argv[1], instrument=False, log_output="none",
                                  install_global=mode != "private", resource_detectors=("process",))
    assert obs.mode == mode, obs.mode
    counter = obs.meter.create_counter("work")

    def work(who):
        with obs.tool(who):
            obs.log.info(who)
        counter.add(1, {"who": who})

    work("parent")
    for number in range(int(sys.argv[3])):
        pid = os.fork()
        if not pid:
            work(f"child {number}")
            os._exit(0 if obs.flush(20) and not obs.health().internal_errors else 1)
        assert os.waitpid(pid, 0)[1] == 0, number
    work("parent")
    assert obs.flush(20)
"""

PREFORK = """
    import os, signal, sys
    from langswarm_otel import configure_observability
    # As gunicorn with preload_app: everything is set up in the master, and a worker leaves by sys.exit when it is told to stop.
    obs = configure_observability("production", service_name="prefork", endpoint=sys.argv[1], instrument=False, log_output="none")
    counter = obs.meter.create_counter("requests")
    counter.add(1000, {"in": "master"})
    workers = {}
    for number in range(4):
        ready, told = os.pipe()
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            for _ in range(250):
                with obs.tool("request"):
                    counter.add(1, {"in": "worker"})
            os.write(told, b"x")
            while True:
                signal.pause()
        workers[pid] = ready
    for pid, ready in workers.items():
        os.read(ready, 1)
        os.kill(pid, signal.SIGTERM)
    assert [os.waitpid(pid, 0)[1] for pid in workers] == [0] * 4
"""

MULTIPROCESSING = """
    import multiprocessing, sys
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="m", endpoint=sys.argv[1], instrument=False, log_output="none")

    def work(number):
        with obs.tool("in a child"):
            obs.log.info("line")

    processes = [multiprocessing.get_context("fork").Process(target=work, args=(number,)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
"""


def by_instance(server: OtlpServer) -> dict[str, dict[str, Counter[str]]]:
    """Return, for each ``service.instance.id``, what arrived of each signal: span names, log bodies, and the ``who`` of points."""
    found: dict[str, dict[str, Counter[str]]] = {}
    for signal, resources, scopes in (
        ("traces", "resource_spans", "scope_spans"),
        ("metrics", "resource_metrics", "scope_metrics"),
        ("logs", "resource_logs", "scope_logs"),
    ):
        for message in server.messages(signal):
            for resource in getattr(message, resources):
                key = attributes(resource.resource.attributes)["service.instance.id"]
                seen = found.setdefault(key, {"traces": Counter(), "metrics": Counter(), "logs": Counter()})[signal]
                items = Counter(text for scope in getattr(resource, scopes) for text in texts(signal, scope))
                if signal == "metrics":
                    seen |= items  # running totals, sent at the flush and at the end
                else:
                    seen.update(items)
    return found


def texts(signal: str, scope) -> list[str]:
    """Return one text for each item of a scope."""
    if signal == "traces":
        return [span.name.removeprefix("execute_tool ") for span in scope.spans]
    if signal == "logs":
        return [record.body.string_value for record in scope.log_records]
    points = [point for metric in scope.metrics if metric.name == "work" for point in metric.sum.data_points]
    return [attributes(point.attributes)["who"] for point in points for _ in range(int(point.as_int))]


@pytest.mark.parametrize("mode", ["global", "private", "joined"])
def test_3_9_a_child_is_an_instance_of_its_own(otlp_server, mode):
    """Each child exports what is its own, once, under a ``service.instance.id`` that is the same on all three signals.

    Nothing of the parent is exported by a child, on providers of ours or of others.
    """
    ended = run(FORKS, otlp_server.endpoint, mode, str(CHILDREN))
    assert ended.returncode == 0, ended.stderr
    found = by_instance(otlp_server)
    expected = ["parent parent", *(f"child {number}" for number in range(CHILDREN))]
    assert sorted(map(flat, found.values())) == sorted((who, who, who) for who in expected)


def flat(seen: dict[str, Counter[str]]) -> tuple[str, ...]:
    """Return the texts of each signal on one line."""
    return tuple(" ".join(sorted(counted.elements())) for counted in seen.values())


def test_3_9_what_detectors_say_of_the_process_is_the_childs(otlp_server):
    """``process.pid``, from a detector that was given as an argument, is that of the process that sends, on all three signals."""
    ended = run(FORKS, otlp_server.endpoint, "private", "2")
    assert ended.returncode == 0, ended.stderr
    pids = {(resource["service.instance.id"], resource["process.pid"]) for resource in otlp_server.resources}
    assert len(pids) == 3
    assert len({pid for _, pid in pids}) == 3


def test_4_06_4_08_prefork_workers_export_what_is_theirs(otlp_server):
    """Four workers of a master that has configured, counted and served before: 4 x 250 are 1 000 over four series, spans likewise."""
    ended = run(PREFORK, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    latest: dict[str, int] = {}
    for message in otlp_server.messages("metrics"):
        for resource in message.resource_metrics:
            key = attributes(resource.resource.attributes)["service.instance.id"]
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.sum.data_points:
                        if attributes(point.attributes) == {"in": "worker"}:
                            latest[key] = int(point.as_int)
    assert sorted(latest.values()) == [250] * 4
    assert otlp_server.span_names() == ["execute_tool request"] * 1000


def test_4_05_children_of_multiprocessing_send_their_last(otlp_server):
    """They leave by ``os._exit``, without any exit hook of ``atexit``; what they queued is sent all the same."""
    ended = run(MULTIPROCESSING, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    assert otlp_server.span_names() == ["execute_tool in a child"] * 2
    assert len(otlp_server.log_records) == 2


def test_4_06_a_child_may_configure_whatever_the_parent_was_at():
    """A fork while another thread of the parent is configuring leaves no lock taken in the child."""
    program = """
        import os, signal, threading
        from langswarm_otel import configure_observability, runtime
        held, release = threading.Event(), threading.Event()

        def hold():
            with runtime._lock:
                held.set()
                release.wait(30)

        threading.Thread(target=hold, daemon=True).start()
        held.wait()
        pid = os.fork()
        if not pid:
            signal.alarm(15)
            configure_observability("testing", instrument=False, log_output="none")
            os._exit(0)
        print(os.waitpid(pid, 0)[1])
        release.set()
    """
    ended = run(program)
    assert ended.stdout.strip() == "0", ended.stderr
