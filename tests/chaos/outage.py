"""An outage under a steady load with the spool on, with and without a SIGKILL in the middle.

The application makes spans and numbered lines at a pace, measures each operation, and says once a second how far it is. After the outage
the server knows what is missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from harness import Seen
from otlp_server import OtlpServer, attributes

PROGRAM = """
import json, sys, threading, time
from langswarm_otel import configure_observability
settings, rate, first = json.loads(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
obs = configure_observability("production", **settings)
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
number, latencies, began, due = first, [], time.time(), time.monotonic()
said = began
while not stop.is_set():
    begin = time.perf_counter()
    with obs.tool("search"):
        pass
    latencies.append((time.time(), time.perf_counter() - begin))
    obs.log.info("line", place=0, number=number)
    number += 1
    if time.time() - said > 0.1:
        said = time.time()
        print(json.dumps({"number": number, "at": said}), flush=True)
    due += 1 / rate
    time.sleep(max(0.0, due - time.monotonic()))
end = time.monotonic() + 30
while time.monotonic() < end and any(row.queued + row.in_flight + row.spooled for row in obs.health().exporters if row.signal != "metrics"):
    obs.flush(5)
rows = {row.signal: {"made": row.made, "exported": row.exported, "dropped": dict(row.dropped), "recovered": row.recovered}
        for row in obs.health().exporters}
print(json.dumps({"number": number, "at": time.time(), "latencies": latencies, "rows": rows}), flush=True)
"""

SCHEDULE_DELAY_S = 1.0


@dataclass
class Result:
    """What came of an outage."""

    made: int
    missing: list[int]
    in_order: bool
    copies: int
    last_said_at: float
    killed_at: float | None
    latencies: dict[str, list[float]]
    rows: dict


class Ordered(Seen):
    """Also notes the order in which lines first came."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[int] = []

    def take(self, server: OtlpServer) -> None:
        with server._changed:
            requests, server.requests = server.requests, []
        for request in requests:
            for resource in getattr(request.message, "resource_logs", ()) if request.status == 200 else ():
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        number = attributes(record.attributes).get("number")
                        self.line_copies += 1
                        if number is not None and (0, number) not in self.lines:
                            self.lines.add((0, number))
                            self.order.append(number)


def _start(server: OtlpServer, spool: Path, rate: float, first: int) -> subprocess.Popen[str]:
    settings = {"endpoint": server.endpoint, "spool_directory": str(spool), "log_output": "none", "instrument": False, "timeout_s": 5.0}
    command = [sys.executable, "-c", PROGRAM, json.dumps(settings), str(rate), str(first)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _told(process: subprocess.Popen[str]) -> list[dict]:
    """Return what a process says until it ends."""
    with process:
        return [json.loads(line) for line in process.stdout if line.startswith("{")]


def run(kind: str, outage_s: float, spool: Path, *, rate: float = 250.0, is_killed: bool = False, before_s: float = 3.0) -> Result:
    """Let the endpoint fail for so long (``refuse``, ``hang`` or ``busy``), and see what arrives after it.

    Each operation is a span and a line, so a rate of 250 is 500 records a second.
    """
    killed_at = None
    seen = Ordered()
    with OtlpServer() as server:
        process = _start(server, spool, rate, 0)
        time.sleep(before_s)
        down_at = time.time()
        server.answer(503) if kind == "busy" else getattr(server, kind)()
        told: list[dict] = []
        if is_killed:
            time.sleep(outage_s / 2)
            killed_at = time.time()
            process.kill()
            told = _told(process)
            process = _start(server, spool, rate, 10_000_000)
            time.sleep(outage_s / 2)
        else:
            time.sleep(outage_s)
        up_at = time.time()
        server.healthy()
        time.sleep(before_s)
        process.stdin.write("stop\n")
        process.stdin.flush()
        after = _told(process)
        seen.take(server)
    last = after[-1]
    numbers = {number for _, number in seen.lines}
    wanted = [*range(told[-1]["number"] if told else last["number"])]
    if told:
        wanted += range(10_000_000, last["number"])
    of_one = [number for number in seen.order if number < 10_000_000]
    return Result(
        made=len(wanted),
        missing=[number for number in wanted if number not in numbers],
        in_order=of_one == sorted(of_one),
        copies=seen.line_copies - len(numbers),
        last_said_at=told[-1]["at"] if told else last["at"],
        killed_at=killed_at,
        latencies={
            name: _percentiles([seconds for at, seconds in last["latencies"] if wants(at)])
            for name, wants in (("without", lambda at: at < down_at or at >= up_at), ("outage", lambda at: down_at <= at < up_at))
        },
        rows=last["rows"],
    )


def _percentiles(values: list[float]) -> list[float]:
    values = sorted(values)
    return [round(values[min(len(values) - 1, int(len(values) * share))] * 1e6, 1) for share in (0.5, 0.99, 0.999)] if values else []
