"""Re-configuration: every record goes to one generation of targets, every old exporter is shut down once."""

from __future__ import annotations

import threading
import time
from collections import Counter

from hub_exporters import Logs, Source, Spans, row, running, switch, threads, wait_until

from langswarm_otel.export.hub import ExportHub, Target


def test_fifty_switches_under_load():
    """50 switches under 4 threads: each span and log record arrives exactly once, each old exporter is shut down exactly once and never
    called afterwards, each is called by one thread only, and the number of threads stays the same.
    """
    generations = [(Spans(), Logs()) for _ in range(51)]
    others = threads()
    hub = ExportHub()
    switch(hub, Target(name="g0", spans=generations[0][0], logs=generations[0][1]), schedule_delay_s=0.002)
    source = Source(hub)
    stop = threading.Event()
    made = [0] * 4

    def load(index: int) -> None:
        while not stop.is_set():
            source.spans(f"{index}-{made[index]}")
            source.logs(f"{index}-{made[index]}")
            made[index] += 1
            time.sleep(0.0002)  # or the four would fill the queue while the machine is busy

    workers = [threading.Thread(target=load, args=(index,)) for index in range(4)]
    for worker in workers:
        worker.start()
    counts = []
    try:
        assert wait_until(lambda: all(made))
        for number, (spans, logs) in enumerate(generations[1:], 1):
            target = Target(name=f"g{number}", spans=spans, logs=logs)
            assert switch(hub, target, schedule_delay_s=0.002, timeout_s=20.0), hub.counts()
            counts.append(len(threads() - others))
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert hub.flush(20.0)
    assert set(counts) == {3}
    expected = {f"{index}-{number}" for index in range(4) for number in range(made[index])}
    for got in (
        [name for spans, _ in generations for name in spans.names],
        [body for _, logs in generations for body in logs.bodies],
    ):
        assert set(got) == expected
        assert len(got) == len(expected)
    conducts = [exporter.conduct for pair in generations for exporter in pair]
    assert [conduct.shutdowns for conduct in conducts] == [1] * 100 + [0, 0]
    assert not any(conduct.calls_after_shutdown for conduct in conducts)
    assert all(len(conduct.threads) <= 1 for conduct in conducts)
    assert sum(one.exported for one in hub.counts() if one.signal == "traces") == len(expected)
    assert hub.shutdown(5.0)


def test_the_line_between_old_and_new_is_exact():
    """What was offered before the switch is with the old target when it returns, what comes after goes to the new one."""
    old, new = Spans(), Spans()
    with running(Target(name="old", spans=old), schedule_delay_s=600.0) as (hub, source):
        source.spans("before")
        assert switch(hub, Target(name="new", spans=new))
        assert (old.names, new.names) == (["before"], [])
        source.spans("after")
        assert hub.flush(5.0)
        assert (old.names, new.names) == (["before"], ["after"])
        assert [(one.target, one.state, one.exported) for one in hub.counts()] == [("new", "ok", 1), ("old", "disabled", 1)]


def test_a_target_that_stays_goes_on():
    """The same target among the new ones keeps its exporter, its thread and its account."""
    stays, goes, comes = Spans(), Spans(), Spans()
    kept = Target(name="stays", spans=stays)
    with running(kept, Target(name="goes", spans=goes)) as (hub, source):
        source.spans("a")
        assert hub.flush(5.0)
        assert switch(hub, kept, Target(name="comes", spans=comes))
        source.spans("b")
        assert hub.flush(5.0)
        assert (stays.names, goes.names, comes.names) == (["a", "b"], ["a"], ["b"])
        assert (stays.conduct.shutdowns, goes.conduct.shutdowns) == (0, 1)
        assert len(stays.conduct.threads) == 1
        assert row(hub, target="stays").exported == 2


def test_an_old_target_that_hangs_holds_nothing_up():
    """The switch returns False at its deadline; what was left for the old target is counted as ``deadline``; new records go to the new
    target at once; the old exporter, when it comes back, is shut down once and gets nothing more.
    """
    old, new = Spans(hangs=True), Spans()
    with running(Target(name="old", spans=old), max_batch=10) as (hub, source):
        source.spans(*["before"] * 100)
        assert old.conduct.entered.wait(5.0)
        begin = time.monotonic()
        assert not switch(hub, Target(name="new", spans=new), timeout_s=0.3)
        assert 0.2 < time.monotonic() - begin < 0.9
        source.spans("after")
        hub.flush(5.0)
        assert new.names == ["after"]
        account = row(hub, target="old")
        assert account.dropped == {"deadline": 100}
        assert account.made == 100
        old.conduct.free.set()
        assert wait_until(lambda: old.conduct.shutdowns == 1)
        assert old.conduct.tried == 1
        assert row(hub, target="old").dropped == {"deadline": 100}


def test_switching_while_the_old_target_hangs_does_not_hold_up_the_new_one():
    """While the switch still waits for the old target, records already reach the new one."""
    old, new = Spans(hangs=True), Spans()
    with running(Target(name="old", spans=old)) as (hub, source):
        source.spans("before")
        assert old.conduct.entered.wait(5.0)
        waiting = threading.Thread(target=lambda: switch(hub, Target(name="new", spans=new), timeout_s=5.0))
        waiting.start()
        assert wait_until(lambda: source.spans("after") or "after" in new.names)
        assert waiting.is_alive()
        old.conduct.free.set()
        waiting.join()
        assert old.names[0] == "before"


def test_back_to_life():
    """A hub that was shut down can be switched on again; what was offered between is counted, to nobody's account."""
    first, second = Spans(), Spans()
    hub = ExportHub()
    source = Source(hub)
    source.spans("too early")
    switch(hub, Target(name="one", spans=first))
    source.spans("a")
    assert not hub.flush(5.0)  # the early one is lost
    assert hub.shutdown(5.0)
    source.spans("between")
    switch(hub, Target(name="two", spans=second))
    source.spans("b")
    assert not hub.flush(5.0)
    assert hub.flush(5.0)
    assert (first.names, second.names) == (["a"], ["b"])
    assert {(one.target, one.exported, *one.dropped.items()) for one in hub.counts()} == {
        ("two", 1),
        ("one", 1),
        ("", 0, ("after_shutdown", 2)),
    }
    hub.shutdown(5.0)


def test_settings_change_alive():
    """Bound, batch size and delay of a target that stays can change."""
    spans = Spans(hangs=True)
    target = Target(name="t", spans=spans)
    with running(target, max_bytes=100_000, max_batch=512, schedule_delay_s=600.0) as (hub, source):
        source.spans(*["a"] * 100)
        refused = row(hub).dropped_total
        assert refused > 50
        switch(hub, target, max_bytes=10_000_000, max_batch=7, schedule_delay_s=0.01)
        source.spans(*["b"] * 100)
        assert row(hub).dropped_total == refused
        spans.conduct.free.set()
        assert wait_until(lambda: spans.names.count("b") == 100)
        assert max(map(len, spans.conduct.batches[1:])) == 7


def test_parallel_switches_take_turns():
    """Four threads that re-configure at once: one target is left, all others are shut down once, nothing is lost."""
    exporters = [Spans() for _ in range(40)]
    with running(Target(name="first", spans=Spans())) as (hub, source):

        def work(index: int) -> None:
            for exporter in exporters[index::4]:
                switch(hub, Target(name="t", spans=exporter))
                source.spans("a")

        workers = [threading.Thread(target=work, args=(index,)) for index in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert hub.flush(5.0)
        assert sum(len(exporter.names) for exporter in exporters) == 40
        assert Counter(exporter.conduct.shutdowns for exporter in exporters) == {1: 39, 0: 1}


def test_accounts_of_the_past_are_bounded():
    """Hundreds of targets with names of their own leave a bounded number of rows, and their sum is exact."""
    hub = ExportHub()
    source = Source(hub)
    for number in range(200):
        switch(hub, Target(name=f"t{number}", spans=Spans()))
        source.spans("a")
    hub.shutdown(5.0)
    rows = hub.counts()
    assert len(rows) < 80
    assert sum(one.exported for one in rows) == 200
