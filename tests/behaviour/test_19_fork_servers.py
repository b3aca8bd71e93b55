"""Fork servers: preloaded workers export nothing, deadlock, or send the parent's queue again.

gunicorn with ``--preload``, uvicorn's workers, Celery and multiprocessing fork a process that has telemetry running already
(open-telemetry/opentelemetry-python#3307, #1567, #4748, inventree/InvenTree#12047).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager

import pytest
from otlp_server import OtlpServer, attributes
from scripts import run

APPLICATION = """
    import os
    from langswarm_otel import configure_observability
    settings = {"service_name": "b19", "endpoint": os.environ["ENDPOINT"], "log_output": "none", "schedule_delay_s": 0.2}
    obs = configure_observability("production", **settings)
    with obs.tool("at import"):
        pass

    def wsgi(environ, start_response):
        with obs.agent("request"):
            obs.log.info("served")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]

    async def asgi(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        async with obs.agent("request"):
            obs.log.info("served")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
"""

PLAIN_SDK = """
    import os, sys, time
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces")))
    if os.fork() == 0:
        provider.get_tracer("t").start_span("of the child").end()
        os._exit(0)
    os.wait()
"""

MULTIPROCESSING = """
    import multiprocessing, os, sys, threading, time
    from langswarm_otel import configure_observability

    def observe():
        return configure_observability("production", service_name="b19", endpoint=sys.argv[1], log_output="none", schedule_delay_s=0.2)

    def work(number):
        obs = observe()
        with obs.agent("work"):
            pass
        return obs.flush(5) and os.getpid()

    if __name__ == "__main__":
        obs = observe()
        stop = threading.Event()

        def busy():
            while not stop.is_set():
                obs.tracer.start_span("busy").end()
                time.sleep(0.001)

        thread = threading.Thread(target=busy)
        thread.start()
        for _ in range(int(sys.argv[3])):
            with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
                assert all(pool.map(work, range(4)))
        stop.set()
        thread.join()
        obs.flush(5)
        print("done")
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@contextmanager
def serving(folder, *command, endpoint, **environment):
    """A server in a process of its own; it is stopped by SIGTERM in the end."""
    (folder / "application.py").write_text(textwrap.dedent(APPLICATION))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_"))}
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=folder, stdout=log, stderr=log, env={**kept, "ENDPOINT": endpoint, **environment}
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            log.close()


def ask(port, times, timeout_s=30.0):
    """Ask a server that may just be starting; return the ids of the processes that answered."""
    answered = []
    end = time.monotonic() + timeout_s
    while len(answered) < times and time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                answered.append(int(answer.read()))
        except OSError:
            time.sleep(0.1)
    return answered


def spans_by_instance(server: OtlpServer, name: str) -> dict[tuple[int, str], int]:
    """Spans of a name, by process and instance of their resource."""
    found: Counter = Counter()
    for message in server.messages("traces"):
        for resource in message.resource_spans:
            of = attributes(resource.resource.attributes)
            key = (of.get("process.pid"), of["service.instance.id"])
            found[key] += sum(span.name == name for scope in resource.scope_spans for span in scope.spans)
    return {key: count for key, count in found.items() if count}


def span_ids(server):
    return [span.span_id for span in server.spans]


def test_the_plain_sdk_loses_the_childs(otlp_server, verdict):
    """A child that ends by ``os._exit``, as workers do, loses what it has made."""
    run(PLAIN_SDK, otlp_server.endpoint)
    assert otlp_server.span_names() == []
    verdict.plain("a forked worker that ends by os._exit loses its spans")


@pytest.mark.parametrize("preload", [True, False])
def test_gunicorn(otlp_server, tmp_path, verdict, preload):
    """Forked workers, with the application loaded before or after: every request arrives once, under its worker's own instance id."""
    port = free_port()
    command = ["gunicorn", "application:wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2", *(["--preload"] if preload else [])]
    with serving(tmp_path, *command, endpoint=otlp_server.endpoint):
        answered = ask(port, 20)
    assert len(answered) == 20
    assert otlp_server.wait_for(log_records=20, spans=21 if preload else 22)
    assert sum(spans_by_instance(otlp_server, "invoke_agent request").values()) == 20
    instances = {instance for _, instance in spans_by_instance(otlp_server, "invoke_agent request")}
    assert len(instances) == len(set(answered))
    assert otlp_server.span_names().count("execute_tool at import") == (1 if preload else 2)
    assert len(set(span_ids(otlp_server))) == len(otlp_server.spans)
    verdict.ours("gunicorn, preloaded or not: every request once, an instance id for each worker")


def test_gunicorn_that_restarts_its_workers(otlp_server, tmp_path, verdict):
    """A worker that ends after a few requests sends what it has."""
    port = free_port()
    command = ["gunicorn", "application:wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--preload", "--max-requests", "3"]
    with serving(tmp_path, *command, endpoint=otlp_server.endpoint):
        answered = ask(port, 12)
    assert len(set(answered)) >= 3
    assert otlp_server.wait_for(log_records=12, spans=13)
    assert sum(spans_by_instance(otlp_server, "invoke_agent request").values()) == 12
    verdict.ours("max_requests: nothing lost at a restart")


def test_a_killed_worker_costs_what_is_young(otlp_server, tmp_path, verdict):
    """SIGKILL of a worker loses what is younger than the schedule delay; the others, and its successor, go on."""
    port = free_port()
    command = ["gunicorn", "application:wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--preload"]
    with serving(tmp_path, *command, endpoint=otlp_server.endpoint):
        answered = ask(port, 10)
        assert otlp_server.wait_for(log_records=10, spans=11)  # each signal has a queue of its own, and any may be the last
        os.kill(answered[0], signal.SIGKILL)
        answered += ask(port, 10)
        assert otlp_server.wait_for(log_records=20, spans=21)
    assert sum(spans_by_instance(otlp_server, "invoke_agent request").values()) == 20
    verdict.ours("SIGKILL of a worker: what was older than a schedule delay is there, the others go on")


def test_uvicorn(otlp_server, tmp_path, verdict):
    """Its workers are spawned; each configures for itself."""
    port = free_port()
    command = ["uvicorn", "application:asgi", "--port", str(port), "--workers", "2", "--log-level", "warning"]
    with serving(tmp_path, *command, endpoint=otlp_server.endpoint):
        answered = ask(port, 20)
        assert otlp_server.wait_for(log_records=20, spans=22)  # uvicorn kills a worker that does not answer it soon, as on a busy machine
    assert len(answered) == 20
    assert sum(spans_by_instance(otlp_server, "invoke_agent request").values()) == 20
    verdict.ours("uvicorn's workers: every request once")


CELERY = """
    import os
    from celery import Celery
    from langswarm_otel import configure_observability
    settings = {"service_name": "b19", "endpoint": os.environ["ENDPOINT"], "log_output": "none", "schedule_delay_s": 0.2}
    obs = configure_observability("production", **settings)
    folder = os.environ["FOLDER"]
    app = Celery("tasks", broker="filesystem://")
    app.conf.update(
        broker_transport_options={"data_folder_in": folder + "/queue", "data_folder_out": folder + "/queue",
                                  "control_folder": folder + "/control"},
        worker_hijack_root_logger=False, task_ignore_result=True, broker_connection_retry_on_startup=True,
    )

    @app.task
    def work(number):
        with obs.agent("request"):
            obs.log.info("served", number=number)
"""


def served(server):
    """Which tasks have logged."""
    return [attributes(record.attributes)["number"] for record in server.log_records if record.body.string_value == "served"]


@pytest.mark.timeout(120)
def test_celery(otlp_server, tmp_path, verdict):
    """A prefork pool with telemetry configured where the application is made: every task once."""
    (tmp_path / "queue").mkdir()
    (tmp_path / "control").mkdir()
    (tmp_path / "tasks.py").write_text(textwrap.dedent(CELERY))
    environment = {"FOLDER": str(tmp_path)}
    send = "import tasks\nfor number in range(10): tasks.work.delay(number)"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_"))}
    subprocess.run(
        [sys.executable, "-c", send], cwd=tmp_path, env={**kept, **environment, "ENDPOINT": otlp_server.endpoint}, check=True, timeout=60
    )
    command = ["celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING"]
    with serving(tmp_path, *command, endpoint=otlp_server.endpoint, **environment):
        assert otlp_server.wait_until(lambda server: len(served(server)) == 10 and len(server.spans) >= 10, 60)
    assert sorted(served(otlp_server)) == list(range(10))
    assert sum(spans_by_instance(otlp_server, "invoke_agent request").values()) == 10
    verdict.ours("Celery's prefork pool: every task once")


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("method", "times"), [("fork", 8), ("spawn", 1), ("forkserver", 1)])
def test_multiprocessing(otlp_server, tmp_path, verdict, method, times):
    """Pools of processes, forked while another thread makes spans: each child's work once, nothing of the parent's twice, no deadlock."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(MULTIPROCESSING))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_"))}
    done = subprocess.run(
        [sys.executable, str(program), otlp_server.endpoint, method, str(times)], capture_output=True, text=True, timeout=100, env=kept
    )
    assert done.stdout.strip() == "done", done.stderr
    assert otlp_server.span_names().count("invoke_agent work") == 4 * times
    assert len(set(span_ids(otlp_server))) == len(otlp_server.spans)
    verdict.ours("multiprocessing by fork, spawn and forkserver: each child's work once, no deadlock")
