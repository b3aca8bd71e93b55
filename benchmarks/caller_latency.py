"""What a bad Collector costs the application: the caller's time per agent execution, and the time to exit.

Each row is a process of its own that makes agent executions back to back (two spans, their metric points, one log line each) against
a Collector that is healthy, refuses, accepts and never answers, or answers slowly. Run it by ``make bench-quick`` or ``make bench``.
"""

from __future__ import annotations

import argparse
import http.server
import json
import platform
import socket
import subprocess
import sys
import threading
import time
from importlib.metadata import version
from typing import Any

DEADLINE_S = 2.0
PROGRAM = """
import json, sys, time
from langswarm_otel import configure_observability
endpoint, executions, deadline = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
obs = configure_observability("production", service_name="bench", endpoint=endpoint, shutdown_timeout_s=deadline, log_output="none",
                              price_table={"openai/gpt-4o": {"input": 2.5, "output": 10.0}})
log = obs.log
times = []
for number in range(executions):
    begin = time.perf_counter()
    with obs.agent("bench", provider="openai", model="gpt-4o"):
        with obs.inference(provider="openai", model="gpt-4o") as call:
            call.usage(input_tokens=120, output_tokens=30)
        log.info("answered", number=number)
    times.append(time.perf_counter() - begin)
times.sort()
dropped = {}
for row in obs.health().exporters:
    for reason, count in row.dropped.items():
        dropped[reason] = dropped.get(reason, 0) + count
print(json.dumps({"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)], "p999": times[int(len(times) * 0.999)],
                  "max": times[-1], "dropped_before_exit": dropped, "end": time.time()}), flush=True)
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers OTLP requests, after a delay if the server has one."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        time.sleep(self.server.delay_s)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve(delay_s: float) -> str:
    """Start an OTLP/HTTP server that answers after a delay, and return its endpoint."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.delay_s = delay_s  # type: ignore[attr-defined]
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def hang() -> tuple[str, socket.socket]:
    """Listen, and never answer."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    return f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def measure(endpoint: str, executions: int) -> dict[str, Any]:
    """Run the program once and return what it measured, with its exit time and the lines it logged."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, endpoint, str(executions), str(DEADLINE_S)], capture_output=True, text=True, timeout=300, check=True
    )
    result: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    result["exit_s"] = time.time() - result.pop("end")
    result["log_lines"] = len([line for line in process.stderr.splitlines() if line.strip()])
    return result


def main() -> None:
    """Measure every row and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round instead of three")
    parser.add_argument("--executions", type=int, default=1000)
    options = parser.parse_args()
    hanging, listener = hang()
    rows = {"healthy": serve(0.0), "refused": "http://127.0.0.1:9", "hanging": hanging, "slow (2 s an answer)": serve(2.0)}
    print(
        f"{options.executions} agent executions, deadline {DEADLINE_S:g} s, {platform.machine()}, Python {platform.python_version()}, "
        f"opentelemetry-sdk {version('opentelemetry-sdk')}\n"
    )
    print("| Collector | p50 ms | p99 ms | p99.9 ms | max ms | exit s | lines on stderr | dropped before exit |")
    print("|---|---|---|---|---|---|---|---|")
    for _ in range(1 if options.quick else 3):
        for name, endpoint in rows.items():
            row = measure(endpoint, options.executions)
            times = " | ".join(f"{row[key] * 1000:.3f}" for key in ("p50", "p99", "p999", "max"))
            print(f"| {name} | {times} | {row['exit_s']:.2f} | {row['log_lines']} | {row['dropped_before_exit'] or 'none'} |", flush=True)
    listener.close()


if __name__ == "__main__":
    main()
