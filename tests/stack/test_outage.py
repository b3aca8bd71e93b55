"""What the Collector has answered with 200 arrives, whatever dies meanwhile; what it cannot keep it refuses, so that the sender knows."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest
from otlp_server import OtlpServer
from stack_processes import Collector, make_trace, post_spans, until

from langswarm_otel import configure_observability, presets

pytestmark = pytest.mark.timeout(180)


def collector_of(folder, far_side, *more, **variables):
    return Collector(folder, "local.yaml", *more, TRACES_ENDPOINT=far_side.endpoint, METRICS_ENDPOINT=far_side.endpoint, **variables)


def ids(spans):
    return [(span.trace_id, span.span_id) for span in spans]


class Sender(threading.Thread):
    """Sends traces without a pause; remembers what was answered with 200, and sends again what was not, as SDKs do."""

    def __init__(self, endpoint, seed):
        super().__init__()
        self.endpoint, self.dice = endpoint, random.Random(seed)
        self.answered, self.refused, self.stopping = [], 0, threading.Event()

    def run(self):
        spans = []
        while not self.stopping.is_set():
            spans = spans or make_trace(self.dice)
            if post_spans(self.endpoint, spans, timeout_s=2) == 200:
                self.answered += ids(spans)
                spans = []
            else:
                self.refused += 1
                time.sleep(0.02)

    def stop(self):
        self.stopping.set()
        self.join(20)


def test_backend_down_collector_killed_and_back_loses_nothing_that_was_answered(tmp_path):
    """Killed with SIGKILL three times amid four senders with the backend away; then it is back. Every span that was answered with 200
    arrives at least once; how many came twice is counted, and it is few.
    """
    with OtlpServer() as far_side:
        far_side.refuse()
        collector = collector_of(tmp_path, far_side)
        collector.start()
        senders = [Sender(collector.endpoint, seed) for seed in range(4)]
        try:
            for sender in senders:
                sender.start()
            for _ in range(3):
                time.sleep(1.5)
                collector.kill()
                time.sleep(0.3)
                collector.start()
            time.sleep(1.0)
        finally:
            for sender in senders:
                sender.stop()
        answered = {one for sender in senders for one in sender.answered}
        assert len(answered) > 500
        assert sum(sender.refused for sender in senders) > 0, "no sender saw the Collector dead"
        collector.kill()
        far_side.healthy()
        collector.start()
        try:
            missing = until(lambda: not (answered - set(ids(far_side.spans))), 60)
        finally:
            collector.stop()
        counted = Counter(ids(far_side.spans))
        assert missing, f"{len(answered - counted.keys())} of {len(answered)} are missing"
        twice = sum(count - 1 for count in counted.values())
        print(f"{len(answered)} spans answered, {len(counted)} arrived, {twice} of them twice")
        assert twice < len(answered) / 10


def test_killed_while_the_backend_is_slow_loses_nothing(tmp_path):
    """In the middle of a delivery: the batch under way is sent again by the next process."""
    with OtlpServer() as far_side:
        far_side.slow(0.5)
        collector = collector_of(tmp_path, far_side)
        collector.start()
        sender = Sender(collector.endpoint, 7)
        try:
            sender.start()
            assert far_side.wait_for(requests=2, timeout_s=20)
            collector.kill()
        finally:
            sender.stop()
        assert sender.answered
        far_side.healthy()
        collector.start()
        try:
            assert until(lambda: set(sender.answered) <= set(ids(far_side.spans)), 40)
        finally:
            collector.stop()


def test_a_full_queue_refuses_and_the_sender_keeps(tmp_path):
    """With room for some spans and no backend, the next are answered with a status to try again on; nothing is taken and lost."""
    with OtlpServer() as far_side:
        far_side.refuse()
        with collector_of(tmp_path, far_side, QUEUE_BYTES="10000") as collector:
            dice = random.Random(8)
            traces = [make_trace(dice) for _ in range(40)]
            answers = [post_spans(collector.endpoint, trace) for trace in traces]
            assert set(answers) == {200, 503}
            far_side.healthy()
            taken = {one for trace, answer in zip(traces, answers, strict=True) if answer == 200 for one in ids(trace)}
            assert until(lambda: taken <= set(ids(far_side.spans)), 40)


def test_a_program_of_ours_loses_nothing_when_the_collector_is_killed(tmp_path):
    """The library's own retries bridge the gap: what it says was delivered is what arrives."""
    with OtlpServer() as far_side:
        collector = collector_of(tmp_path, far_side)
        collector.start()
        config = presets.production(endpoint=collector.endpoint, instrument=False, log_output="none")
        obs = configure_observability(config, install_global=False)
        try:
            for number in range(200):
                with obs.agent(f"agent-{number % 3}"):
                    pass
                if number == 100:
                    collector.kill()
                    collector.start()
            assert until(lambda: obs.flush(5), 30)
        finally:
            obs.shutdown(5)
        assert far_side.wait_for(spans=200, timeout_s=30)
        collector.stop()
        assert len(set(ids(far_side.spans))) == 200
