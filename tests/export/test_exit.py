"""The end of a process: daemon threads never hold it up, and what happens during finalisation raises nothing."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager

import pytest
from otlp_server import OtlpServer
from scripts import DEAD, run

PRELUDE = """
    import atexit, sys, threading, time
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from langswarm_otel.export.hub import ExportHub, Target
    from langswarm_otel.export.otlp import build_otlp
    from langswarm_otel.export.processors import QueueSpanProcessor
    import langswarm_otel.export.otlp_http, langswarm_otel.export.sdk_private
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader

    class Settings:
        protocol, headers, timeout_s, compression = "http/protobuf", {}, 10.0, "gzip"
        certificate_file = client_certificate_file = client_key_file = insecure = None
        def __init__(self, signal):
            self.url = f"{sys.argv[1]}/v1/{signal}"

    hub = ExportHub()
    hub.switch([Target(name=sys.argv[1], spans=build_otlp("traces", Settings("traces")), logs=build_otlp("logs", Settings("logs")),
                       metrics=build_otlp("metrics", Settings("metrics")))],
               max_bytes=8_000_000, schedule_delay_s=0.02, max_batch=64, timeout_s=5)
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(QueueSpanProcessor(hub))
    tracer = provider.get_tracer("t")
    def span(name):
        tracer.start_span(name).end()
    reader = InMemoryMetricReader()
    meter = MeterProvider(metric_readers=[reader], shutdown_on_exit=False).get_meter("t")
    meter.create_counter("c").add(1)
    def collect():
        hub.offer_metrics(reader.get_metrics_data())
"""

DEADLINE_S = 1.0


@contextmanager
def endpoint_that(kind: str):
    """Yield an endpoint that refuses or hangs."""
    if kind == "refused":
        yield DEAD
    else:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


AT_EXIT = (
    PRELUDE
    + f"""
    atexit.register(lambda: hub.shutdown({DEADLINE_S}))
    for _ in range(500):
        span("a")
    collect()
    time.sleep(0.1)
    print("end", time.time(), flush=True)
"""
)


@pytest.mark.parametrize("kind", ["refused", "hanging"])
def test_exit_within_the_deadline(kind):
    """With a Collector that refuses or hangs, the process ends within the deadline and half a second, and quietly: one line of ours."""
    with endpoint_that(kind) as endpoint:
        ended = run(AT_EXIT, endpoint)
    assert ended.returncode == 0
    assert ended.exit_s < DEADLINE_S + 0.5
    assert len(ended.warnings) == 1, ended.stderr
    assert ended.warnings[0].startswith("telemetry does not reach"), ended.stderr


NO_HOOK = (
    PRELUDE
    + """
    for _ in range(500):
        span("a")
    collect()
    time.sleep(0.2)
    print("end", time.time(), flush=True)
"""
)


@pytest.mark.parametrize("kind", ["refused", "hanging"])
def test_without_a_shutdown_nothing_holds_it_up(kind):
    """Even if nobody shuts the hub down, its threads, in the middle of a request or back-off, let the process go."""
    with endpoint_that(kind) as endpoint:
        ended = run(NO_HOOK, endpoint)
    assert ended.returncode == 0
    assert ended.exit_s < 1.0
    assert ended.warnings == [], ended.stderr


LATE = (
    PRELUDE
    + """
    class Late:
        def __init__(self, name):
            self.span = tracer.start_span(name)
            self.hub = hub
        def __del__(self):
            self.span.end()
            self.hub.offer_log(None)
    late = Late("in finalisation")
    late.cycle = late
    sys.late = Late("on sys")
    atexit.register(lambda: span("in atexit"))
    atexit.register(lambda: hub.shutdown(2))
    span("a")
"""
)


def test_offers_during_finalisation_raise_nothing():
    """Spans that end in atexit handlers after the shutdown, and in finalisers of the interpreter's end, are refused in silence."""
    with OtlpServer() as server:
        ended = run(LATE, server.endpoint)
        assert ended.returncode == 0
        assert [line for line in ended.warnings if "telemetry fault" not in line] == [], ended.stderr
        assert server.span_names() == ["a"]


NO_THREADS = (
    PRELUDE
    + """
    # What Python 3.12 and later do in atexit handlers.
    def start(self):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    threading.Thread.start = start
    for _ in range(200):
        span("a")
    begin = time.monotonic()
    print("flushed", hub.flush(2, before=collect), [row.exported for row in hub.counts()])
    span("b")
    print("shut", hub.shutdown(float(sys.argv[2])), time.monotonic() - begin < float(sys.argv[3]))
    print("rows", [dict(row.dropped) for row in hub.counts()])
"""
)


def test_without_threads_the_work_is_done_all_the_same():
    """When the interpreter starts no more threads, flush and shutdown do the work in their caller's thread."""
    with OtlpServer() as server:
        ended = run(NO_THREADS, server.endpoint, "2", "10")
        assert ended.returncode == 0, ended.stderr
        assert "flushed True [200, 1, 0]" in ended.stdout, ended.stdout + ended.stderr
        assert "shut True True" in ended.stdout
        assert len(server.span_names()) == 201


@pytest.mark.parametrize("kind", ["refused", "hanging"])
def test_without_threads_deadlines_hold(kind):
    """... and keep their deadlines, although nobody else could break a request: it is given no more time than is left."""
    with endpoint_that(kind) as endpoint:
        ended = run(NO_THREADS, endpoint, "1", "4.5")
    assert ended.returncode == 0, ended.stderr
    assert "flushed False" in ended.stdout
    assert "shut False True" in ended.stdout, ended.stdout


def test_without_threads_a_flush_keeps_what_it_has_no_time_for():
    """Beyond its deadline nothing is tried any more: the one batch of 64 whose request hung is lost, and all others wait."""
    with endpoint_that("hanging") as endpoint:
        ended = run(
            NO_THREADS.replace(
                'print("flushed"', 'hub.flush(0.5, before=collect); print("kept", hub.counts()[0].queued, flush=True); print("flushed"'
            ),
            endpoint,
            "1",
            "10",
        )
    assert ended.returncode == 0, ended.stderr
    assert "kept 136" in ended.stdout, ended.stdout + ended.stderr


@pytest.mark.parametrize("kind", ["healthy", "refused"])
def test_workers_import_while_forks_are_held_off(kind):
    """What the first export imports it imports under the guard of ``late``, and later ones import nothing.

    A child forked while a worker imports a module would wait for the lock of that module for ever.
    """
    with OtlpServer() as server:
        ended = run(
            PRELUDE
            + """
    from langswarm_otel import late
    class Unguarded:
        names = []
        def find_spec(self, name, path=None, target=None):
            if not late._importing._is_owned():
                self.names.append(name)
    before = set(sys.modules)
    sys.meta_path.insert(0, Unguarded())
    span("a")
    hub.flush(2, before=collect)
    print("unguarded", Unguarded.names)
    print("late", "urllib3" in set(sys.modules) - before)
    before = set(sys.modules)
    span("b")
    hub.flush(2, before=collect)
    print("loaded", sorted(set(sys.modules) - before))
    hub.shutdown(0.1)
""",
            server.endpoint if kind == "healthy" else DEAD,
        )
        assert "unguarded []" in ended.stdout, ended.stdout + ended.stderr
        assert "late True" in ended.stdout
        assert "loaded []" in ended.stdout, ended.stdout + ended.stderr


def test_importing_the_hub_loads_no_client():
    """Neither HTTP nor gRPC clients nor Prometheus are loaded before an exporter of theirs is built."""
    ended = run(
        """
        import sys
        import langswarm_otel.export.hub, langswarm_otel.export.otlp, langswarm_otel.export.console, langswarm_otel.export.processors
        import langswarm_otel.export.memory, langswarm_otel.export.prometheus
        print([name for name in ("requests", "urllib3", "grpc", "google.protobuf", "prometheus_client", "asyncio", "langswarm_otel.config",
                                 "langswarm_otel.pipelines", "langswarm_otel.signals") if name in sys.modules])
        """
    )
    begin = time.monotonic()
    assert ended.stdout.strip() == "[]", ended.stdout + ended.stderr
    assert time.monotonic() - begin < 5
