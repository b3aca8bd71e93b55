"""A million operations with the Collector down: what they leave in memory."""

from __future__ import annotations

import json

from scripts import DEAD, run

PROGRAM = """
    import gc, json, sys, threading
    from pathlib import Path
    from langswarm_otel import configure_observability

    def rss_mib():
        status = Path("/proc/self/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    settings = {"endpoint": sys.argv[1], "log_output": "none", "instrument": False, "queue_max_bytes": 16 * 1024 * 1024,
                "shutdown_timeout_s": 1.0}
    if sys.argv[3]:
        settings |= {"spool_directory": sys.argv[3], "spool_max_bytes": 32 * 1024 * 1024}
    obs = configure_observability("production", **settings)
    count, samples = int(sys.argv[2]), []
    for number in range(count):
        with obs.agent("desk"):
            with obs.tool("search", call_id=str(number)):
                pass
        if number % (count // 10) == count // 10 - 1:
            gc.collect()
            rows = obs.health().exporters
            samples.append({"done": number + 1, "rss_mib": round(rss_mib(), 1), "threads": threading.active_count(),
                            "held_bytes": sum(row.queued_bytes for row in rows), "on_disk": sum(row.spooled_bytes for row in rows)})
    rows = {row.signal: {"made": row.made, "dropped": dict(row.dropped), "spooled": row.spooled} for row in obs.health().exporters}
    print(json.dumps({"samples": samples, "rows": rows}))
"""


def million(count: int, spool: str = "", *, timeout_s: float = 900.0) -> dict:
    """Return samples of the process and the account at its end."""
    ended = run(PROGRAM, DEAD, str(count), spool, timeout_s=timeout_s)
    assert ended.returncode == 0, ended.stderr
    found: dict = json.loads(ended.stdout)
    return found
