"""Agent and gateways as processes on loopback: no trace is split, and one gateway less stops nothing.

The agent finds its gateways by name, as in compose and Kubernetes. The name stands in an ``/etc/hosts`` of the agent's own, in a mount
namespace, from which a gateway that died is taken as a headless service or Docker's name server would.
"""

from __future__ import annotations

import random
from collections import Counter

import pytest
from otlp_server import OtlpServer
from stack_processes import Collector, free_ports, make_trace, name_hosts, own_hosts, post_spans, until

pytestmark = pytest.mark.timeout(180)
HOSTS = ("127.0.0.2", "127.0.0.3")
SPANS = 6


@pytest.fixture
def hosts(tmp_path):
    """A file that is the agent's /etc/hosts, and what to put before its command for that."""
    file = tmp_path / "hosts"
    file.write_text("")
    return file, own_hosts(file)


class Tiers:
    """Two gateways, each with a far side of its own, and an agent in front."""

    def __init__(self, folder, hosts, far_sides, **of_gateways):
        self.hosts_file, prefix = hosts
        port = free_ports(1)[0]
        common = {"ROOT_WAIT": "1s", "SAMPLE_PERCENT": "100", "SPAN_METRICS_INTERVAL": "1s", **of_gateways}
        self.gateways = [
            Collector(
                folder / host,
                "gateway.yaml",
                otlp_host=host,
                grpc_port=port,
                TRACES_ENDPOINT=far_side.endpoint,
                METRICS_ENDPOINT=far_side.endpoint,
                **common,
            )
            for host, far_side in zip(HOSTS, far_sides, strict=True)
        ]
        self.agent = Collector(
            folder / "agent", "agent.yaml", prefix=prefix, GATEWAY_HOST="gateway.test", GATEWAY_PORT=str(port), GATEWAY_INTERVAL="200ms"
        )
        self.resolve_to(HOSTS)

    def resolve_to(self, addresses):
        name_hosts(self.hosts_file, "gateway.test", addresses)

    def __enter__(self):
        for one in (*self.gateways, self.agent):
            one.start()
        return self

    def __exit__(self, *error):
        for one in (self.agent, *self.gateways):
            one.stop()


def send(agent, dice, number):
    """Send traces, their spans mixed over several requests; return the ids of the spans of each."""
    traces = [make_trace(dice, spans=SPANS) for _ in range(number)]
    spans = [span for trace in traces for span in trace]
    dice.shuffle(spans)
    for begin in range(0, len(spans), 50):
        assert post_spans(agent.endpoint, spans[begin : begin + 50]) == 200
    return {trace[0].trace_id: {span.span_id for span in trace} for trace in traces}


def arrived(far_side):
    found = {}
    for span in far_side.spans:
        found.setdefault(span.trace_id, set()).add(span.span_id)
    return found


def test_no_trace_is_split_over_two_gateways(tmp_path, hosts):
    """All spans of each of 400 traces come through one gateway, and both have their part."""
    with OtlpServer() as first, OtlpServer() as second, Tiers(tmp_path, hosts, (first, second)) as tiers:
        sent = send(tiers.agent, random.Random(1), 400)
        assert until(lambda: len(first.spans) + len(second.spans) >= 400 * SPANS, 40)
        here, there = arrived(first), arrived(second)
    assert not here.keys() & there.keys(), "a trace went through both"
    assert {**here, **there} == sent
    assert min(len(here), len(there)) > 100


def test_one_gateway_is_killed_and_traces_go_on_arriving(tmp_path, hosts):
    """What is sent while one is dead and gone from the name arrives whole through the other; before it is gone, the agent keeps it."""
    dice = random.Random(2)
    with OtlpServer() as first, OtlpServer() as second, Tiers(tmp_path, hosts, (first, second)) as tiers:
        send(tiers.agent, dice, 100)
        assert until(lambda: len(first.spans) + len(second.spans) >= 100 * SPANS, 40)
        assert min(len(first.spans), len(second.spans)) > 0
        tiers.gateways[0].kill()
        dead = len(first.spans)
        sent = send(tiers.agent, dice, 100)  # the name still leads to both
        tiers.resolve_to(HOSTS[1:])
        sent |= send(tiers.agent, dice, 100)
        assert until(lambda: sent.items() <= arrived(second).items(), 60), f"{len(sent.keys() & arrived(second).keys())} of {len(sent)}"
        assert len(first.spans) == dead
        # It comes back and has its part again.
        tiers.gateways[0].start()
        tiers.resolve_to(HOSTS)
        assert until(lambda: send(tiers.agent, dice, 20) and len(first.spans) > dead, 40)


def test_without_any_gateway_the_agent_keeps_traces_on_its_disk(tmp_path, hosts):
    """Both are dead, then the agent is killed too; all that it had answered with 200 arrives when they are back."""
    with OtlpServer() as first, OtlpServer() as second, Tiers(tmp_path, hosts, (first, second)) as tiers:
        for gateway in tiers.gateways:
            gateway.kill()
        sent = send(tiers.agent, random.Random(3), 100)
        tiers.agent.kill()
        for one in (*tiers.gateways, tiers.agent):
            one.start()
        assert until(lambda: sent.items() <= {**arrived(first), **arrived(second)}.items(), 60)
        assert not arrived(first).keys() & arrived(second).keys()


def test_gateways_whose_queue_is_full_leave_the_rest_to_the_agent(tmp_path, hosts):
    """The backend is away and the gateways' queues hold a small part; all arrives when it is back, and little of it twice."""
    with OtlpServer() as first, OtlpServer() as second, Tiers(tmp_path, hosts, (first, second), QUEUE_BYTES="20000") as tiers:
        for far_side in (first, second):
            far_side.refuse()
        dice = random.Random(5)
        sent = send(tiers.agent, dice, 200)
        assert until(lambda: all(gateway.own_metrics()["otelcol_exporter_queue_size"] > 15_000 for gateway in tiers.gateways), 30)
        sent |= send(tiers.agent, dice, 800)
        assert until(lambda: tiers.agent.own_metrics()["otelcol_exporter_queue_size"] > 0, 10)
        for far_side in (first, second):
            far_side.healthy()
        everything = until(lambda: sent.items() <= {**arrived(first), **arrived(second)}.items(), 90)
        lost = sum(gateway.own_metrics().get("otelcol_exporter_enqueue_failed_spans_total", 0) for gateway in tiers.gateways)
    assert everything, f"{len({**arrived(first), **arrived(second)})} of {len(sent)}"
    assert lost == 0
    counted = Counter((span.trace_id, span.span_id) for span in (*first.spans, *second.spans))
    twice = sum(count - 1 for count in counted.values())
    print(f"{len(counted)} spans arrived, {twice} of them again")
    assert twice < len(counted) / 2
