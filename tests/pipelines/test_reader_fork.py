"""A child after fork measures, collects and exports its own, whatever the parent's threads were doing at that moment.

The SDK renews none of the locks on its measuring path: without our hooks a child forked under threads that record hangs at its first
measurement, in the application's thread.
"""

from __future__ import annotations

import os

import pytest
from scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

PROGRAM = """
    import os, signal, sys, threading, time, warnings
    warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of forks beside threads, which is what this is about
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.resources import Resource
    from langswarm_otel.pipelines.reader import SwitchReader
    from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

    FORKS, RECORDING = 40, 3
    reader = SwitchReader(temporality=sys.argv[1])
    provider = SwitchMeterProvider(resource=Resource.create({"service.name": "s"}), reader=reader)
    meter = provider.get_meter("m")
    counter, histogram, updown = meter.create_counter("c"), meter.create_histogram("h"), meter.create_up_down_counter("u")
    gauge = meter.create_gauge("g")
    meter.create_observable_gauge("o", [lambda options: [Observation(os.getpid())]])
    made, stop, exported = [0] * RECORDING, threading.Event(), []

    def record(number):
        while not stop.is_set():
            counter.add(1, {"k": "x"})
            histogram.record(1, {"k": "x"})
            updown.add(1)
            gauge.set(1, {"k": "parent"})
            made[number] += 1

    def collect():
        while not stop.is_set():
            exported.append(total(reader.take()))
            reader.peek()

    def metrics(data):
        return {} if data is None else {m.name: m.data.data_points for m in data.resource_metrics[0].scope_metrics[0].metrics}

    def total(data):
        return sum(point.value for point in metrics(data).get("c", ()))

    def child():
        signal.alarm(20)
        before = metrics(reader.peek())
        assert "c" not in before and "h" not in before and "u" not in before, f"inherited {list(before)}"
        for _ in range(5):
            counter.add(1, {"k": "x"})
            histogram.record(1, {"k": "x"})
            updown.add(1)
            gauge.set(2, {"k": "child"})
        reader.peek()
        data = reader.take()
        found = metrics(data)
        assert [point.value for point in found["c"]] == [5], found["c"]
        assert [point.count for point in found["h"]] == [5], found["h"]
        assert [point.value for point in found["u"]] == [5], found["u"]
        assert [(dict(point.attributes), point.value) for point in found["g"]] == [({"k": "child"}, 2)], found["g"]
        assert [point.value for point in found["o"]] == [os.getpid()]
        assert found["c"][0].start_time_unix_nano >= forked_at
        resource = data.resource_metrics[0].resource.attributes
        assert resource["service.instance.id"] != parent_instance
        assert resource["service.name"] == "s"

    parent_instance = provider._sdk_config.resource.attributes["service.instance.id"]
    threads = [threading.Thread(target=record, args=(n,), daemon=True) for n in range(RECORDING)]
    threads += [threading.Thread(target=collect, daemon=True)]
    sys.setswitchinterval(1e-4)
    for thread in threads:
        thread.start()
    failed = 0
    for _ in range(FORKS):
        time.sleep(0.002)
        forked_at = time.time_ns()
        pid = os.fork()
        if pid == 0:
            try:
                child()
            except BaseException as error:
                print("child:", repr(error), flush=True)
                os._exit(1)
            os._exit(0)
        failed += os.waitpid(pid, 0)[1] != 0
    stop.set()
    for thread in threads:
        thread.join(30)
    exported.append(total(reader.take()))
    print("failed", failed)
    print("exact", (exported[-1] if sys.argv[1] == "cumulative" else sum(exported)) == sum(made), sum(made) > FORKS)
"""


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_children_forked_under_load(temporality: str) -> None:
    """40 forks under three recording threads and one that collects without pause: no child hangs or inherits, the parent loses nothing."""
    ended = run(PROGRAM, temporality)
    assert ended.stdout.splitlines() == ["failed 0", "exact True True"], (ended.stdout, ended.stderr)
    assert ended.returncode == 0
    assert not ended.stderr


NESTED = """
    import os, threading, time, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.resources import Resource
    from langswarm_otel import guard
    from langswarm_otel.pipelines.reader import SwitchReader
    from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

    reader = SwitchReader()
    meter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m")
    release, entered = threading.Event(), threading.Event()

    def blocking(options):
        entered.set()
        release.wait(30)
        return [Observation(1)]

    meter.create_observable_gauge("g", [blocking])
    worker = threading.Thread(target=reader.take)
    worker.start()
    entered.wait(10)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        release.set()
        meter.create_counter("c").add(1)
        os._exit(0 if len(reader.take().resource_metrics[0].scope_metrics[0].metrics) == 2 else 1)
    print("waited", time.monotonic() - started < 5)
    print("child", os.waitpid(pid, 0)[1])
    release.set()
    worker.join()
    print("parent", reader.take() is not None, guard.faults())
"""


def test_a_fork_does_not_wait_for_ever_for_a_blocked_collection() -> None:
    """A callback of the application blocks a collection, and the application forks: it gets its child, and both go on measuring."""
    ended = run(NESTED)
    assert ended.stdout.splitlines() == ["waited True", "child 0", "parent True {}"], (ended.stdout, ended.stderr)


JOINED = """
    import os, signal, sys, threading, time, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from langswarm_otel.pipelines.reader import SwitchReader

    reader = SwitchReader(temporality="delta")
    provider = MeterProvider([], Resource({}), shutdown_on_exit=False)
    provider.add_metric_reader(reader)
    counters = [provider.get_meter("m").create_counter(f"c{n}") for n in range(10)]
    for counter in counters:
        counter.add(1)
    stop = threading.Event()

    def collect():
        while not stop.is_set():
            reader.take()

    threads = [threading.Thread(target=collect, daemon=True) for _ in range(2)]
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    failed = 0
    for _ in range(60):
        time.sleep(0.001)
        pid = os.fork()
        if pid == 0:
            signal.alarm(3)
            counters[0].add(1)
            os._exit(0 if reader.take() is not None else 1)
        failed += os.waitpid(pid, 0)[1] != 0
    stop.set()
    for thread in threads:
        thread.join(10)
    print("failed", failed)
"""


def test_a_fork_waits_for_the_end_of_a_collection() -> None:
    """On a provider of others, whose locks are not ours to renew, the child must not be born in the middle of a collection of ours."""
    assert run(JOINED).stdout.splitlines() == ["failed 0"]


CALLBACK_FORKS = """
    import os, warnings
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.resources import Resource
    from langswarm_otel.pipelines.reader import SwitchReader
    from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

    reader = SwitchReader()
    meter = SwitchMeterProvider(resource=Resource({}), reader=reader).get_meter("m")
    codes = []

    def forking(options):
        pid = os.fork()
        if pid == 0:
            counter.add(1)
            os._exit(0)
        codes.append(os.waitpid(pid, 0)[1])
        return [Observation(1)]

    counter = meter.create_counter("c")
    meter.create_observable_gauge("g", [forking])
    print(reader.take() is not None, reader.take() is not None, codes)
"""


def test_a_callback_may_fork() -> None:
    """In the middle of a collection, in the thread that holds our lock."""
    assert run(CALLBACK_FORKS).stdout.split("\n")[0] == "True True [0, 0]"


UNWATCHED = """
    import gc, os, weakref
    from opentelemetry.sdk.resources import Resource
    from langswarm_otel.pipelines import fork_watch
    from langswarm_otel.pipelines.reader import SwitchReader
    from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

    class Broken:
        def before_fork(self): raise OSError
        def after_fork_in_parent(self): raise OSError
        def after_fork_in_child(self): raise OSError

    def make():
        reader = SwitchReader()
        SwitchMeterProvider(resource=Resource({}), reader=reader)
        return weakref.ref(reader)

    gone = make()
    gc.collect()
    broken, kept = Broken(), SwitchReader()
    fork_watch.watch_forks(broken)
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    print(gone() is None, len(fork_watch._watchers), os.waitpid(pid, 0)[1], kept.peek().resource_metrics)
    from langswarm_otel import guard
    print(guard.faults())
"""


def test_readers_are_watched_weakly_and_a_broken_watcher_harms_no_fork() -> None:
    """The interpreter's hooks cannot be taken back, so nothing may hang on them for ever; and the application must get its child."""
    lines = run(UNWATCHED).stdout.splitlines()
    assert lines == ["True 2 0 []", "{'before fork': 1, 'after fork in the parent': 1}"]
