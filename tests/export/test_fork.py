"""Forks: the child has an empty queue, fresh counts, threads and sockets of its own; the parent goes on."""

from __future__ import annotations

import os

import pytest
from otlp_server import OtlpServer
from scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

PRELUDE = """
    import os, sys, threading, time, warnings
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # forking with threads is what this is about
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk._logs import LoggerProvider
    from langswarm_otel.export.hub import ExportHub, Target
    from langswarm_otel.export.otlp import build_otlp
    from langswarm_otel.export.processors import QueueSpanProcessor, QueueLogRecordProcessor

    class Settings:
        protocol, headers, timeout_s, compression = "http/protobuf", {}, 5.0, "none"
        certificate_file = client_certificate_file = client_key_file = insecure = None
        def __init__(self, url):
            self.url = url

    def target():
        base = sys.argv[1]
        return Target(name=base, spans=build_otlp("traces", Settings(base + "/v1/traces")),
                      logs=build_otlp("logs", Settings(base + "/v1/logs")), renew=target)

    hub = ExportHub()
    hub.switch([target()], max_bytes=8_000_000, schedule_delay_s=0.02, max_batch=64, timeout_s=5)
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    provider.add_span_processor(QueueSpanProcessor(hub))
    tracer = provider.get_tracer("t")
    def span(name):
        tracer.start_span(name).end()
"""

FORTY = (
    PRELUDE
    + """
    stop, made = threading.Event(), [0, 0, 0]
    def load(index):
        while not stop.is_set():
            span(f"parent-{index}-{made[index]}")
            made[index] += 1
            time.sleep(0.0005)
    threads = [threading.Thread(target=load, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(40):
        child = os.fork()
        if child == 0:
            assert all(row.made == 0 for row in hub.counts()), hub.counts()
            span(f"child-{number}")
            flushed = hub.flush(10)
            counts = [row for row in hub.counts() if row.signal == "traces"]
            good = flushed and [row.exported for row in counts] == [1]
            if not good:
                print("child", number, flushed, counts, file=sys.stderr, flush=True)
            os._exit(0 if good else 1)
        children.append(child)
        time.sleep(0.005)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    stop.set()
    for thread in threads:
        thread.join()
    print("codes", set(codes), "flushed", hub.flush(10), "made", sum(made), "end", flush=True)
    print("shut", hub.shutdown(5))
"""
)


def test_forty_forks_under_load():
    """40 forks while 3 threads make spans: each child exports exactly its own span, no item of the parent arrives twice or is lost, and
    nobody hangs.
    """
    with OtlpServer() as server:
        ended = run(FORTY, server.endpoint)
        assert ended.returncode == 0, ended.stderr
        assert "codes {0} flushed True" in ended.stdout, ended.stderr
        assert "shut True" in ended.stdout
        names = server.span_names()
        made = int(ended.stdout.split("made ")[1].split()[0])
        assert sorted(name for name in names if name.startswith("child")) == sorted(f"child-{number}" for number in range(40))
        assert sum(name.startswith("parent") for name in names) == made
        assert len(names) == len(set(names)) == made + 40


QUEUED = (
    PRELUDE
    + """
    hub.collect_every(0.05, lambda: span(f"collected in {os.getpid()}"))
    span("of the parent")
    child = os.fork()
    if child == 0:
        time.sleep(0.5)  # long enough for several intervals: the collection goes on without any offer
        hub.shutdown(5)
        os._exit(0)
    os.waitpid(child, 0)
    hub.shutdown(5)
    print(os.getpid(), child)
"""
)


def test_a_queue_is_not_inherited_and_collection_goes_on():
    """What the parent has queued is exported by the parent only; the collection at intervals goes on in the child by itself."""
    with OtlpServer() as server:
        ended = run(QUEUED, server.endpoint)
        assert ended.returncode == 0, ended.stderr
        parent, child = ended.stdout.split()
        assert server.span_names().count("of the parent") == 1
        assert server.span_names().count(f"collected in {parent}") > 1
        assert server.span_names().count(f"collected in {child}") > 1


SKIPPED = (
    PRELUDE
    + """
    from langswarm_otel.export import fork
    span("before")
    assert hub.flush(5)
    span("queued in the parent")
    fork._members.clear()  # as when a server forks in C, without Python's hooks
    child = os.fork()
    if child == 0:
        if sys.argv[2] == "flush":
            assert hub.flush(5)
        else:
            for _ in range(300):  # noticed after some records only: a look at the process id costs as much as all the rest
                span("unnoticed")
        for _ in range(3):
            span("in the child")
        ok = hub.flush(5)
        hub.shutdown(5)
        os._exit(0 if ok else 1)
    print("code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    hub.shutdown(5)
"""
)


@pytest.mark.parametrize("how", ["flush", "offers"])
def test_forks_that_skip_the_hooks(how):
    """A fork whose hooks do not run is noticed by the process id, at a flush and after some records: the child begins anew, and sends
    nothing of the parent's.
    """
    with OtlpServer() as server:
        ended = run(SKIPPED, server.endpoint, how)
        assert "code 0" in ended.stdout, ended.stderr
        names = server.span_names()
        assert names.count("before") == names.count("queued in the parent") == 1
        assert names.count("in the child") == 3
        assert names.count("unnoticed") == 0 if how == "flush" else names.count("unnoticed") > 150


GRANDCHILD = (
    PRELUDE
    + """
    span("parent")
    if os.fork() == 0:
        span("child")
        if os.fork() == 0:
            span("grandchild")
            assert hub.shutdown(5)
            assert hub.shutdown(5)
            os._exit(0)
        assert os.wait()[1] == 0
        assert hub.shutdown(5)
        os._exit(0)
    assert os.wait()[1] == 0
    assert hub.shutdown(5)
    if os.fork() == 0:
        span("after the shutdown")
        assert not hub.flush(1)
        assert [(row.target, dict(row.dropped)) for row in hub.counts()] == [("", {"after_shutdown": 1})], hub.counts()
        os._exit(0)
    assert os.wait()[1] == 0
"""
)


def test_children_of_children():
    """Every generation exports its own; a child of a hub that was shut down stays shut down."""
    with OtlpServer() as server:
        ended = run(GRANDCHILD, server.endpoint)
        assert ended.returncode == 0, ended.stderr
        assert sorted(server.span_names()) == ["child", "grandchild", "parent"]


HANGING = (
    PRELUDE
    + """
    for _ in range(200):
        span("a")
    time.sleep(0.2)  # the worker is inside a request now
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        span("b")
        flushed = hub.flush(0.3)
        stopped = hub.shutdown(0.3)
        os._exit(0 if not flushed and not stopped and time.monotonic() - begin < 3 else 1)
    print("code", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    hub.shutdown(0.1)
"""
)


def test_a_fork_in_the_middle_of_a_request():
    """A child forked while a request of the parent hangs is not held up by it, nor by any lock held at that moment."""
    with OtlpServer() as server:
        server.hang()
        ended = run(HANGING, server.endpoint)
        assert "code 0" in ended.stdout, ended.stderr


RENEWAL = (
    PRELUDE
    + """
    def broken():
        raise OSError("no sockets today")
    broken_target = Target(name="t", spans=target().spans, renew=broken)
    hub.switch([broken_target], max_bytes=8_000_000, schedule_delay_s=0.02, max_batch=64, timeout_s=5)
    if os.fork() == 0:
        span("a")
        hub.flush(2)
        hub.shutdown(1)
        from langswarm_otel.guard import faults
        os._exit(0 if faults() == {"Target.renew": 1} else 1)
    assert os.wait()[1] == 0
    hub.shutdown(1)
"""
)


def test_exporters_that_cannot_be_renewed():
    """If the child cannot build its exporters, nothing is sent over the parent's sockets, and it is a fault of ours and nobody else's."""
    with OtlpServer() as server:
        ended = run(RENEWAL, server.endpoint)
        assert ended.returncode == 0, ended.stderr
        assert server.span_names() == []
