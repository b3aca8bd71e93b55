"""How long the caller waits for each of many agent executions, back to back."""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.works.repeating import WARM_UP
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, size: int) -> dict[str, Any]:
    """Time each execution by itself."""
    subject = start(adapter, endpoint)
    for number in range(WARM_UP):
        subject.execution(number)
    times = []
    for number in range(size):
        begin = time.perf_counter()
        subject.execution(number)
        times.append(time.perf_counter() - begin)
    hundredths = statistics.quantiles(times, n=100)
    return {"p50_us": statistics.median(times) * 1e6, "p99_us": hundredths[98] * 1e6, "lacks": getattr(subject, "LACKS", ()), "leave": True}
