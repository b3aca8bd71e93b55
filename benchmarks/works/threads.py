"""Spans from several threads at once, back to back."""

from __future__ import annotations

import threading
from typing import Any

from benchmarks.clocks import Clocks
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, threads: int, size: int) -> dict[str, Any]:
    """Make so many spans in each thread, and flush them."""
    subject = start(adapter, endpoint)
    span, flush = subject.span, subject.flush

    def work() -> None:
        for number in range(size):
            span(number)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    clock = Clocks()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    flush()
    made = threads * size
    return {"process_us": clock.process() / made * 1e6, "wall_s": clock.wall(), "expected": {"spans": {subject.SPAN: made}}}
