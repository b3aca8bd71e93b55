"""The program that the chaos is done to: a user's, with threads and tasks, that looks at its own telemetry all the time.

It prints one JSON object a line: a sample each second, and the summary at its end. Run by ``harness.py``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import threading
import time
from array import array
from pathlib import Path

from opentelemetry import metrics

from langswarm_otel import configure_observability

PAUSE_S = 0.05


class Load:
    """Makes telemetry at a pace, and counts what it made."""

    def __init__(self, settings: dict, rate: float, seed: int) -> None:
        self.settings = settings
        self.obs = configure_observability("production", **settings)
        self.rate = rate
        self.rng = random.Random(seed)
        self.stop = threading.Event()
        self.spans, self.lines = [0] * 4, [0] * 4
        # Four bytes an operation: what the program itself keeps must not be what is measured.
        self.latencies = {"calm": array("f"), "chaos": array("f")}
        self.phase = "calm"
        self.raised: list[str] = []
        self.wrong: list[str] = []
        self.began = time.monotonic()

    def operation(self, place: int) -> None:
        """One agent run: two spans, a line, some points; and how long that took."""
        begin = time.perf_counter()
        try:
            with self.obs.agent("desk"):
                with self.obs.tool("search"):
                    pass
            self.obs.log.info("line", place=place, number=self.lines[place])
        except Exception as error:
            self.raised.append(repr(error))
        self.latencies[self.phase].append(time.perf_counter() - begin)
        self.spans[place] += 2
        self.lines[place] += 1

    def in_thread(self, place: int) -> None:
        each = PAUSE_S * self.rate / 4
        while not self.stop.is_set():
            for _ in range(round(each)):
                self.operation(place)
            time.sleep(PAUSE_S)

    async def in_tasks(self) -> None:
        each = PAUSE_S * self.rate / 4
        while not self.stop.is_set():
            for _ in range(round(each)):
                self.operation(3)
                await asyncio.sleep(0)
            await asyncio.sleep(PAUSE_S)

    def look(self) -> None:
        """Do what people do at any time, and see that the account adds up in every snapshot."""
        while not self.stop.is_set():
            before = {"traces": sum(self.spans), "logs": sum(self.lines)}
            rows = [row for row in self.obs.health().exporters if row.target == self.settings["endpoint"]]
            after = {"traces": sum(self.spans), "logs": sum(self.lines)}
            for row in rows:
                parts = (row.queued, row.in_flight, row.spooled, row.exported, *row.dropped.values())
                # An operation counts itself at its end: up to four are on their way, each with two spans and a line.
                if row.signal in before and not before[row.signal] <= row.made <= after[row.signal] + 8:
                    self.wrong.append(f"{row.signal}: made {row.made} of {before[row.signal]} to {after[row.signal]}")
                if min(parts) < 0 or row.queued_bytes > row.capacity_bytes:
                    self.wrong.append(f"{row.signal}: {parts}")
            choice = self.rng.random()
            if choice < 0.02:
                self.obs.flush(0.2)
            elif choice < 0.04:
                self.obs.statistics()
            time.sleep(0.02)

    def sample(self) -> None:
        """Print what the process takes now."""
        status = Path("/proc/self/status").read_text()
        rss = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
        found = {
            "at": round(time.monotonic() - self.began, 1),
            "rss_kib": rss,
            "threads": threading.active_count(),
            "files": len(list(Path("/proc/self/fd").iterdir())),
            "queued": sum(row.queued + row.in_flight for row in self.obs.health().exporters),
            "spooled": sum(row.spooled for row in self.obs.health().exporters),
        }
        print(json.dumps(found), flush=True)

    def run(self) -> None:
        """Work until somebody says stop on standard input, flush, and end."""
        workers = [threading.Thread(target=self.in_thread, args=(place,)) for place in range(3)]
        workers += [threading.Thread(target=lambda: asyncio.run(self.in_tasks())), threading.Thread(target=self.look)]
        for worker in workers:
            worker.start()
        said: list[str] = []
        threading.Thread(target=self.listen, args=(said,), daemon=True).start()
        while "stop\n" not in said:
            time.sleep(1.0)
            self.sample()
            if "chaos\n" in said:
                self.phase = "chaos"
        self.stop.set()
        for worker in workers:
            worker.join()
        gc.collect()
        self.sample()
        calm = self.flush_until_delivered()
        rows = {
            row.signal: {
                "exported": row.exported,
                "dropped": dict(row.dropped),
                "left": row.queued + row.in_flight + row.spooled,
                "made": row.made,
            }
            for row in self.obs.health().exporters
            if row.target == self.settings["endpoint"]
        }
        summary = {
            "rows": rows,
            "spans": sum(self.spans),
            "lines": sum(self.lines),
            "latencies": {phase: [round(each, 7) for each in values] for phase, values in self.latencies.items()},
            "raised": self.raised[:5],
            "wrong": self.wrong[:5],
            "delivered": calm,
            "faults": self.obs.health().faults,
        }
        print(json.dumps({"summary": summary}), flush=True)
        sys.stdin.readline()
        print(json.dumps({"ending": time.time()}), flush=True)

    @staticmethod
    def listen(said: list[str]) -> None:
        """Take what is said on standard input, up to the word to stop."""
        while "stop\n" not in said:
            said.append(sys.stdin.readline())

    def flush_until_delivered(self) -> bool:
        """Wait for the far side, which is well again; what was lost before makes the first answers False."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            self.obs.flush(5.0)
            rows = [row for row in self.obs.health().exporters if row.target == self.settings["endpoint"]]
            if not any(row.queued + row.in_flight + row.spooled for row in rows if row.signal != "metrics"):
                return True
            time.sleep(0.2)
        return False


if __name__ == "__main__":
    metrics.get_meter("app").create_counter("unused")
    Load(json.loads(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])).run()
