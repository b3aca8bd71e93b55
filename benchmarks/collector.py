"""How much the two tiers of Collectors take: ``python -m benchmarks.collector [--write] [--seconds N] [--rates N ...]``.

An agent and one or two gateways, each a process with the configuration of ``collector-config``, on this machine; a sender with a fixed
timetable, and a sink that counts. At each rate: what was accepted, what of that reached the gateways, and what CPU and memory each took.
The sender and the sink use the same cores, so that a rate is what a machine of this size does with everything on it, not a limit of the
Collector; what carries over is the CPU of a span.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import machine
from benchmarks.environments import ROOT
from benchmarks.sink_process import SinkProcess

sys.path.insert(0, str(ROOT / "tests" / "support"))

from stack_processes import Collector, free_ports, make_trace, name_hosts, own_hosts, request_of, until

PAGE: Final = ROOT / "docs" / "benchmarks" / "collector.md"
RATES: Final = (1_000, 2_500, 5_000, 10_000, 20_000, 40_000)
TRACES, SPANS = 50, 8
"""Of one request."""
HOSTS: Final = ("127.0.0.2", "127.0.0.3")
SENDERS: Final = 4
ROOT_WAIT_S: Final = 5
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_SIZE: Final = os.sysconf("SC_PAGE_SIZE")
ROOT_ATTRIBUTES: Final = {
    "langswarm.run.cost": 0.0042,
    "langswarm.run.input_tokens": 1143,
    "langswarm.run.output_tokens": 133,
    "langswarm.outcome": "ok",
    "gen_ai.conversation.id": "support-4711",
    "user.hash": "6f1ed002ab5595859014ebf0951522d9",
}
CALL_ATTRIBUTES: Final = {
    "gen_ai.provider.name": "openai",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.usage.input_tokens": 412,
    "gen_ai.usage.output_tokens": 31,
    "gen_ai.agent.name": "tester",
    "langswarm.outcome": "ok",
    "langswarm.gen_ai.usage.cost": 0.0013,
    "gen_ai.conversation.id": "support-4711",
    "server.address": "api.openai.com",
    "server.port": 443,
}

_ABOUT: Final = """An agent (`agent.yaml`: GenAI names, redaction, a queue on disk, load balancing by trace) and gateways
(`gateway.yaml`: span metrics, tail sampling, decided after {wait} s) as processes on one machine with the sender and the sink.
{seconds:.0f} s at each rate; traces of {spans} spans with some {attributes} attributes, {request} spans a request. *Refused* was
answered with a status to try again on; *lost* was answered with 200 and reached no gateway. CPU is a share of one core while sending,
memory the most that was seen; *us a span* is CPU time, which is what to plan with, because sender and sink use the same cores: where
less is accepted than offered, and nothing is refused, the machine is full. *Kept* is the share that tail sampling passed on, of 10 %
asked for."""


class Request:
    """An encoded request whose trace ids can be made new without encoding it again."""

    def __init__(self, dice: random.Random) -> None:
        traces = [make_trace(dice, spans=SPANS, attributes=ROOT_ATTRIBUTES, child_attributes=CALL_ATTRIBUTES) for _ in range(TRACES)]
        self._body = bytearray(request_of([span for trace in traces for span in trace]).SerializeToString())
        self._places = [self._find(trace[0].trace_id) for trace in traces]

    def _find(self, trace_id: bytes) -> list[int]:
        places, at = [], self._body.find(trace_id)
        while at >= 0:
            places.append(at)
            at = self._body.find(trace_id, at + 16)
        return places

    def anew(self) -> bytes:
        """Return the body with trace ids that were never sent."""
        for places in self._places:
            trace_id = os.urandom(16)
            for at in places:
                self._body[at : at + 16] = trace_id
        return bytes(self._body)


class Sender(threading.Thread):
    """Sends at fixed times; what is refused is counted, not sent again."""

    def __init__(self, endpoint: str, every_s: float, until_s: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=20)
        self._every_s, self._until_s, self._request = every_s, until_s, Request(random.Random(seed))
        self.accepted = self.refused = 0
        self.late_s = 0.0

    def run(self) -> None:
        due = time.monotonic()
        while due < self._until_s:
            time.sleep(max(0.0, due - time.monotonic()))
            self.late_s = max(self.late_s, time.monotonic() - due)
            self._connection.request("POST", "/v1/traces", self._request.anew(), {"content-type": "application/x-protobuf"})
            answer = self._connection.getresponse()
            answer.read()
            if answer.status == 200:
                self.accepted += TRACES * SPANS
            else:
                self.refused += TRACES * SPANS
            due += self._every_s


@dataclass(frozen=True)
class Usage:
    """What a process has used: CPU seconds since it began, and its memory now."""

    cpu_s: float
    rss_mib: float

    @classmethod
    def of(cls, collector: Collector) -> Usage:
        assert collector.process is not None
        stat = Path(f"/proc/{collector.process.pid}/stat").read_text().rpartition(")")[2].split()
        return cls((int(stat[11]) + int(stat[12])) / TICKS, int(stat[21]) * PAGE_SIZE / 2**20)


@dataclass(frozen=True)
class Step:
    """What was seen at one rate."""

    rate: int
    seconds: float
    accepted: int
    refused: int
    late_s: float
    agent: Usage
    gateways: tuple[Usage, ...]
    reached: int
    arrived: int

    def row(self) -> str:
        def cpu(usage: Usage) -> str:
            return f"{100 * usage.cpu_s / self.seconds:.0f} %"

        def a_span(seconds: float) -> str:
            return f"{seconds / max(self.accepted, 1) * 1e6:.0f}"

        gateways = " + ".join(cpu(one) for one in self.gateways), " + ".join(f"{one.rss_mib:.0f}" for one in self.gateways)
        lost = self.accepted - self.reached
        cells = (
            *(f"{self.rate:,}", f"{self.accepted / self.seconds:,.0f}", f"{self.refused:,}", f"{lost:,}"),
            *(cpu(self.agent), f"{self.agent.rss_mib:.0f}", a_span(self.agent.cpu_s)),
            *(*gateways, a_span(sum(one.cpu_s for one in self.gateways)), f"{self.arrived / max(self.reached, 1):.1%}"),
        )
        return "| " + " | ".join(cells) + " |"


def measure(rate: int, gateways: int, seconds: float) -> Step:
    """Start the tiers, send at a rate, wait until all is decided on, and look at what each took."""
    with tempfile.TemporaryDirectory() as folder, SinkProcess(Path(sys.executable)) as sink:
        tiers = _tiers(Path(folder), gateways, sink.endpoints["healthy"])
        agent, behind = tiers[-1], tiers[:-1]
        for one in tiers:
            one.start()
        try:
            before = [Usage.of(one) for one in tiers]
            senders, took = _send(agent.endpoint, rate, seconds)
            accepted = sum(sender.accepted for sender in senders)
            until(lambda: _sum(behind, "otelcol_receiver_accepted_spans_total") >= accepted, 60, 0.5)
            full = [Usage.of(one) for one in tiers]
            time.sleep(ROOT_WAIT_S + 3)
            after = [Usage.of(one) for one in tiers]
            used = [Usage(b.cpu_s - a.cpu_s, max(b.rss_mib, c.rss_mib)) for a, b, c in zip(before, after, full, strict=True)]
            return Step(
                rate=rate,
                seconds=took,
                accepted=accepted,
                refused=sum(sender.refused for sender in senders),
                late_s=max(sender.late_s for sender in senders),
                agent=used[-1],
                gateways=tuple(used[:-1]),
                reached=int(_sum(behind, "otelcol_receiver_accepted_spans_total")),
                arrived=sum(sink.arrived()["spans"].values()),
            )
        finally:
            for one in reversed(tiers):
                one.stop()


def _tiers(folder: Path, gateways: int, sink: str) -> list[Collector]:
    """Return the gateways and, last, the agent, which finds them by a name in its own /etc/hosts."""
    hosts = folder / "hosts"
    name_hosts(hosts, "gateway.test", HOSTS[:gateways])
    port = free_ports(1)[0]
    settings = {"TRACES_ENDPOINT": sink, "METRICS_ENDPOINT": sink, "ROOT_WAIT": f"{ROOT_WAIT_S}s", "MEMORY_LIMIT_MIB": "2000"}
    settings["TRACES_IN_MEMORY"] = "50000"  # goes with that limit
    behind = [Collector(folder / host, "gateway.yaml", otlp_host=host, grpc_port=port, **settings) for host in HOSTS[:gateways]]
    named = {"GATEWAY_HOST": "gateway.test", "GATEWAY_PORT": str(port), "MEMORY_LIMIT_MIB": "2000"}
    return [*behind, Collector(folder / "agent", "agent.yaml", prefix=own_hosts(hosts), **named)]


def _send(endpoint: str, rate: int, seconds: float) -> tuple[list[Sender], float]:
    every_s = TRACES * SPANS * SENDERS / rate
    begun = time.monotonic()
    senders = [Sender(endpoint, every_s, begun + seconds, seed) for seed in range(SENDERS)]
    for sender in senders:
        sender.start()
        time.sleep(every_s / SENDERS)
    for sender in senders:
        sender.join()
    return senders, time.monotonic() - begun


def _sum(collectors: list[Collector], metric: str) -> float:
    return sum(one.own_metrics().get(metric, 0.0) for one in collectors)


def page(found: dict[int, list[Step]], facts: dict[str, str], seconds: float) -> str:
    """Return the tables."""
    head = (
        "| offered, spans/s | accepted, spans/s | refused | lost | agent CPU | agent MiB | agent, us a span "
        "| gateways CPU | gateways MiB | gateways, us a span | kept |"
    )
    parts = [
        "# The two tiers of Collectors under load",
        f"    make bench-collector    # {facts['date']}, {facts['processor']}, {facts['cores']} cores, commit {facts['commit']}",
        _ABOUT.format(wait=ROOT_WAIT_S, seconds=seconds, spans=SPANS, attributes=len(CALL_ATTRIBUTES) + 2, request=TRACES * SPANS),
    ]
    for gateways, steps in found.items():
        title = f"## {('One gateway', 'Two gateways')[gateways - 1]}"
        parts += [title, "\n".join((head, "|---" * (head.count("|") - 1) + "|", *(step.row() for step in steps)))]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure, print, and keep the page with ``--write``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0, help="at each rate (default: %(default)g)")
    parser.add_argument("--rates", type=int, nargs="*", default=RATES, help="spans a second")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    facts: dict[str, Any] = machine.describe()
    found: dict[int, list[Step]] = {}
    for gateways in (1, 2):
        for rate in options.rates:
            step = measure(rate, gateways, options.seconds)
            found.setdefault(gateways, []).append(step)
            print(f"{gateways} {step.row()} late {step.late_s:.2f} s", flush=True)
    text = page(found, facts, options.seconds)
    if options.write:
        PAGE.write_text(text)
        print(f"kept in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
