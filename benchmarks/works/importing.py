"""Import and configure everything, once."""

from __future__ import annotations

import importlib
import sys

from benchmarks import clocks


def run(adapter: str, endpoint: str) -> dict[str, object]:
    """Import the adapter and configure its library."""
    modules, resident, clock = len(sys.modules), clocks.resident_mb(), clocks.Clocks()
    importlib.import_module(adapter).configure(endpoint, "bench.log", sampled=True)
    process_s = clock.process()
    return {"process_ms": process_s * 1e3, "rss_mb": clocks.resident_mb() - resident, "modules": len(sys.modules) - modules}
