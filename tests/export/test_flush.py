"""``flush`` tells the truth, in time."""

from __future__ import annotations

import threading
import time

import pytest
from hub_exporters import Logs, Metrics, Spans, row, running, switch

from langswarm_otel.export.hub import ExportHub, Target


def timed(call):
    """Return what a call returned and how long it took."""
    begin = time.monotonic()
    answer = call()
    return answer, time.monotonic() - begin


def test_true_means_exported():
    """True is said only when everything offered before is with the exporter, without waiting for the schedule delay."""
    spans = Spans(delay_s=0.02)
    with running(Target(name="t", spans=spans), schedule_delay_s=600.0, max_batch=10) as (hub, source):
        source.spans(*["a"] * 55)
        answer, seconds = timed(lambda: hub.flush(10.0))
        assert (answer, len(spans.names)) == (True, 55)
        assert seconds < 5.0


def test_false_in_time_when_the_exporter_hangs():
    """The timeout is kept, and the answer is False; when the exporter comes back, the next flush is True."""
    spans = Spans(hangs=True)
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        answer, seconds = timed(lambda: hub.flush(0.3))
        assert answer is False
        assert 0.25 < seconds < 0.8
        spans.conduct.free.set()
        assert hub.flush(5.0)
        assert spans.names == ["a"]


def test_false_at_once_when_the_export_fails():
    """A failed export is no reason to wait, and the loss is told once: the flush after the next success is True again."""
    spans = Spans(fails=True)
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        answer, seconds = timed(lambda: hub.flush(10.0))
        assert answer is False
        assert seconds < 5.0
        spans.conduct.fails = False
        source.spans("b")
        assert hub.flush(5.0)


def test_a_loss_before_the_flush_is_told():
    """A batch that was lost between two flushes makes the second one False: what was offered before it did not all arrive."""
    spans = Spans(fails=True)
    with running(Target(name="t", spans=spans), schedule_delay_s=0.01) as (hub, source):
        source.spans("a")
        assert spans.conduct.entered.wait(5.0)
        while row(hub).state != "failing":
            time.sleep(0.005)
        spans.conduct.fails = False
        source.spans("b")
        assert not hub.flush(5.0)
        assert hub.flush(5.0)


def test_every_target_counts():
    """One target that fails is enough for False."""
    with running(Target(name="good", spans=Spans()), Target(name="bad", spans=Spans(fails=True))) as (hub, source):
        source.spans("a")
        assert not hub.flush(5.0)


def test_signals_are_flushed_in_parallel():
    """Three signals of 0.4 s each are flushed in little more than that."""
    target = Target(name="t", spans=Spans(delay_s=0.4), logs=Logs(delay_s=0.4), metrics=Metrics(delay_s=0.4))
    with running(target) as (hub, source):
        source.meter.create_counter("c").add(1)
        source.spans("a")
        source.logs("l")
        answer, seconds = timed(lambda: hub.flush(5.0, before=source.collect))
        assert answer
        assert seconds < 1.0


def test_a_callback_that_blocks_costs_the_metrics_only():
    """An observable callback that blocks makes the flush False in time, while spans get out; it is called once."""
    release, calls = threading.Event(), []

    def blocked():
        calls.append(1)
        release.wait(30)

    spans = Spans()
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        answer, seconds = timed(lambda: hub.flush(1.5, before=blocked))  # long enough for the thread to start on a busy machine
        assert answer is False
        assert calls == [1]
        assert 1.4 < seconds < 3.0
        assert spans.names == ["a"]
        assert not hub.flush(0.1, before=lambda: calls.append(2))  # waits behind the first, gives up, and is then not called
        release.set()
        assert hub.flush(5.0, before=lambda: calls.append(3))
        assert calls == [1, 3]


def test_a_callback_that_raises_does_not_stop_the_flush():
    """A faulty collection is a fault of ours; spans get out."""
    spans = Spans()
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        hub.flush(5.0, before=lambda: 1 / 0)
        assert spans.names == ["a"]


def test_an_exporter_that_buffers_is_flushed_too():
    """The exporter's own ``force_flush`` is called after its batches; its False is our False, what it raises too."""
    answers = [True, False, OSError("disk full")]

    class Buffering(Spans):
        def force_flush(self, timeout_millis: int = 30000) -> bool:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    with running(Target(name="t", spans=Buffering())) as (hub, source):
        got = []
        for _ in range(3):
            source.spans("a")
            got.append(hub.flush(5.0))
        assert got == [True, False, False]


def test_many_flushes_of_a_hanging_exporter_leave_nothing_behind():
    """Marks of flushes that gave up do not pile up behind a request that hangs."""
    spans = Spans(hangs=True)
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a")
        for _ in range(200):
            assert not hub.flush(0.001)
        assert sum(len(lane._backlog._entries) for lane in hub._intake.lanes) < 10


def test_flushes_from_many_threads():
    """Parallel flushes all wait for their own records and all say True."""
    spans = Spans(delay_s=0.005)
    answers = []
    with running(Target(name="t", spans=spans)) as (hub, source):

        def work(number):
            for turn in range(10):
                name = f"{number}-{turn}"
                source.spans(name)
                answers.append(hub.flush(10.0) and name in spans.names)

        workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert answers == [True] * 40


@pytest.mark.parametrize("used", [False, True])
def test_without_targets_there_is_nothing_to_flush(used):
    """A hub that was never configured, or is shut down, answers at once; True if nothing was offered in vain."""
    hub = ExportHub()
    if used:
        switch(hub, Target(name="t", spans=Spans()))
        hub.shutdown(1.0)
    answer, seconds = timed(lambda: hub.flush(10.0))
    assert answer
    assert seconds < 1.0
