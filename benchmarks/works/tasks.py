"""Spans from many asyncio tasks that take turns."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.clocks import Clocks
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, tasks: int, size: int) -> dict[str, Any]:
    """Make so many spans in each task, with a turn for the others after each, and flush them."""
    subject = start(adapter, endpoint)
    span = subject.span

    async def work() -> None:
        for number in range(size):
            span(number)
            await asyncio.sleep(0)

    async def everybody() -> None:
        await asyncio.gather(*(work() for _ in range(tasks)))

    clock = Clocks()
    asyncio.run(everybody())
    subject.flush()
    made = tasks * size
    return {"process_us": clock.process() / made * 1e6, "wall_s": clock.wall(), "expected": {"spans": {subject.SPAN: made}}}
