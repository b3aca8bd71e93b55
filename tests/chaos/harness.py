"""One run of the chaos: the load in a process of its own, the proxy, the server, and what must hold whatever happens."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from chaos_proxy import ChaosProxy, schedule
from otlp_server import OtlpServer, attributes

LOAD = Path(__file__).parent / "load.py"
DEADLINE_S = 2.0


@dataclass
class Seen:
    """What the server has taken, without keeping it."""

    spans: set[bytes] = field(default_factory=set)
    lines: set[tuple[int, int]] = field(default_factory=set)
    span_copies: int = 0
    line_copies: int = 0

    def take(self, server: OtlpServer) -> None:
        """Take what has arrived since the last time."""
        with server._changed:
            requests, server.requests = server.requests, []
        for request in requests:
            if request.status != 200:
                continue
            for resource in getattr(request.message, "resource_spans", ()):
                for scope in resource.scope_spans:
                    self.spans.update(span.span_id for span in scope.spans)
                    self.span_copies += len(scope.spans)
            for resource in getattr(request.message, "resource_logs", ()):
                for scope in resource.scope_logs:
                    for record in scope.log_records:
                        found = attributes(record.attributes)
                        if "number" in found:
                            self.lines.add((found["place"], found["number"]))
                            self.line_copies += 1


@dataclass
class Outcome:
    """What came of a run."""

    seed: int
    samples: list[dict]
    summary: dict
    seen: Seen
    faults: Counter
    exit_s: float
    stderr: str

    def percentiles(self) -> dict[str, list[float]]:
        """p50, p99 and p99.9 of an operation in microseconds: before the chaos, and in it."""
        found = {}
        for name in ("calm", "chaos"):
            values = sorted(self.summary["latencies"][name])
            found[name] = [round(values[min(len(values) - 1, int(len(values) * share))] * 1e6, 1) for share in (0.5, 0.99, 0.999)]
        return found

    def broken(self) -> list[str]:
        """Return the invariants that do not hold, each in a sentence."""
        rows, seen, wrong = self.summary["rows"], self.seen, list(self.summary["wrong"])
        wrong += [f"raised into the application: {error}" for error in self.summary["raised"]]
        for signal, made, unique in (("traces", self.summary["spans"], len(seen.spans)), ("logs", self.summary["lines"], len(seen.lines))):
            row = rows[signal]
            if row["made"] != made:
                wrong.append(f"{signal}: made {row['made']} of {made}")
            if not row["exported"] <= unique <= made:
                wrong.append(f"{signal}: exported {row['exported']}, {unique} at the server, {made} made")
            if row["left"]:
                wrong.append(f"{signal}: {row['left']} are left after a calm minute")
        wrong += self._process()
        lines = Counter(line.split("(")[0][:40] for line in self.stderr.splitlines() if "telemetry" in line)
        minutes = 1 + self.samples[-1]["at"] / 60
        wrong += [f"{count} lines like {line!r}" for line, count in lines.items() if count > 2 * minutes]
        if self.exit_s > DEADLINE_S + 0.5:
            wrong.append(f"the exit took {self.exit_s:.2f} s")
        return wrong

    def _process(self) -> list[str]:
        later = self.samples[len(self.samples) // 2 :]
        wrong = []
        if later[-1]["rss_kib"] > later[0]["rss_kib"] + 8 * 1024:
            wrong.append(f"memory: {[sample['rss_kib'] for sample in self.samples]}")
        if later[-1]["threads"] > self.samples[len(self.samples) // 3]["threads"]:
            wrong.append(f"threads: {[sample['threads'] for sample in self.samples]}")
        if later[-1]["files"] > self.samples[0]["files"] + 12:
            wrong.append(f"open files: {[sample['files'] for sample in self.samples]}")
        return wrong


def play(seed: int, seconds: float, *, spool: Path | None = None, rate: float = 400.0, calm_s: float = 3.0) -> Outcome:
    """Run the load for so long against a chaos of this seed, with a calm beginning and a calm end."""
    settings = {
        "log_output": "none",
        "schedule_delay_s": 0.2,
        "export_interval_s": 1.0,
        "timeout_s": 1.0,
        "configure_structlog": True,
        "shutdown_timeout_s": DEADLINE_S,
        "queue_max_bytes": 8 * 1024 * 1024,
        "instrument": False,
        **({"spool_directory": str(spool)} if spool else {}),
    }
    seen, stop = Seen(), threading.Event()
    with OtlpServer() as server, ChaosProxy(server.port, seed=seed) as proxy:
        settings["endpoint"] = proxy.endpoint
        process = subprocess.Popen(
            [sys.executable, str(LOAD), json.dumps(settings), str(rate), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def count() -> None:
            while not stop.wait(0.2):
                seen.take(server)

        counting = threading.Thread(target=count)
        counting.start()
        try:
            time.sleep(calm_s)
            process.stdin.write("chaos\n")
            process.stdin.flush()
            proxy.play(schedule(seed, seconds))
            outcome = _finish(process, seed)
        finally:
            stop.set()
            counting.join()
            with contextlib.suppress(OSError):
                process.kill()
        seen.take(server)
        outcome.seen, outcome.faults = seen, proxy.done
    return outcome


def _finish(process: subprocess.Popen[str], seed: int) -> Outcome:
    """Let the load come to its end, and take what it says."""
    process.stdin.write("stop\n")
    process.stdin.flush()
    samples, summary = [], {}
    for line in process.stdout:
        said = json.loads(line)
        if "summary" in said:
            summary = said["summary"]
            process.stdin.write("end\n")
            process.stdin.flush()
        elif "ending" in said:
            ending = said["ending"]
            break
        else:
            samples.append(said)
    _, stderr = process.communicate(timeout=60)
    return Outcome(seed, samples, summary, Seen(), Counter(), time.time() - ending, stderr)
