"""Memory grows for ever.

Maps from run to span that nobody cleans, a thread for each handler, payloads that are kept (traceloop/openllmetry#2790,
langfuse/langfuse#2974, langchain-ai/langsmith-sdk#2097, comet-ml/opik#7517).
"""

from __future__ import annotations

import pytest
from scripts import DEAD, run

PLAIN_CANNOT = "keeps no maps itself; what leaks is built on it, and needs weeks"

PROGRAM = """
    import asyncio, gc, sys, threading, tracemalloc
    from pathlib import Path
    import langswarm_otel
    from langswarm_otel import configure_observability
    runs = int(sys.argv[2])
    obs = configure_observability("production", endpoint=sys.argv[1], log_output="none", queue_max_bytes=1024 * 1024,
                                  shutdown_timeout_s=1.0, export_interval_s=None)
    here = str(Path(langswarm_otel.__file__).parent / "*")

    async def one(number):
        agent = obs.agent("desk")
        if number % 10 == 0:
            agent.__enter__()   # never ended
            return
        with agent, obs.tool("search"):
            if number % 10 == 1:
                raise asyncio.CancelledError

    async def many(count):
        for number in range(count):
            try:
                await one(number)
            except asyncio.CancelledError:
                pass
            if number % 1000 == 0:
                await asyncio.sleep(0)

    def held():
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, here)])
        return sum(one.size for one in snapshot.statistics("filename"))

    asyncio.run(many(runs // 2))   # until the queue is full
    tracemalloc.start()
    asyncio.run(many(runs // 20))
    threads, before = threading.active_count(), held()
    asyncio.run(many(runs))
    after = held()
    rows = {row.signal: row for row in obs.health().exporters}
    print(threading.active_count() - threads, (after - before) / 2**20, rows["traces"].queued_bytes <= rows["traces"].capacity_bytes)
"""


@pytest.mark.timeout(150)
def test_runs_leave_nothing_behind(verdict):
    """Agents and tools with a dead Collector, one in ten never ended and one in ten cancelled: memory and threads stay what they are."""
    runs = 20_000
    ended = run(PROGRAM, DEAD, str(runs), timeout_s=120)
    assert ended.returncode == 0, ended.stderr
    threads, grown_mib, is_bounded = ended.stdout.split()
    assert int(threads) == 0
    assert float(grown_mib) < 2.0
    assert is_bounded == "True"
    verdict.ours(f"{runs:,} runs, a tenth never ended, a tenth cancelled: our files grow by less than 2 MB, no thread more")
