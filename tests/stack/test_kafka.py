"""Kafka between the tiers: spans that come in anywhere meet where their trace is decided, and a gateway that dies is replaced."""

from __future__ import annotations

import base64
import random
import subprocess
import uuid

import pytest
from otlp_server import OtlpServer
from stack_processes import Collector, ServerProcess, free_ports, make_trace, post_spans, program, until

pytestmark = pytest.mark.timeout(240)
SPANS = 6
PARTITIONS = 6
# Room on the way into Kafka, when a test wants none on the way out.
WIDE = "yaml:exporters::kafka::sending_queue::queue_size: 500000000"


@pytest.fixture
def broker(tmp_path):
    """Kafka itself, one node in KRaft mode; its address."""
    kafka = program("kafka")
    port, controller = free_ports(2)
    settings = {
        "node.id": 1,
        "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": tmp_path / "kafka",
        "num.partitions": PARTITIONS,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
    }
    file = tmp_path / "server.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    format_storage = [kafka, "kafka.tools.StorageTool", "format", "--standalone", "-t", cluster, "-c", str(file)]
    done = subprocess.run(format_storage, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    heap = {"KAFKA_HEAP_OPTS": "-Xmx256m"}
    address = f"127.0.0.1:{port}"
    with ServerProcess([kafka, "kafka.Kafka", str(file)], ready=f"tcp://{address}", log=tmp_path / "kafka.log", environment=heap):
        yield address


def gateway_of(folder, broker, far_side, name, *more, **variables):
    # A dead member is noticed after this time; the file leaves the ten seconds that Kafka's clients have by themselves.
    quick = ("yaml:receivers::kafka::session_timeout: 2s", "yaml:receivers::kafka::heartbeat_interval: 500ms")
    return Collector(
        folder / name,
        "kafka.yaml",
        *quick,
        *more,
        KAFKA_BROKER=broker,
        KAFKA_CLIENT_ID=name,
        TRACES_ENDPOINT=far_side.endpoint,
        METRICS_ENDPOINT=far_side.endpoint,
        ROOT_WAIT="2s",
        SAMPLE_PERCENT="100",
        SPAN_METRICS_INTERVAL="1s",
        **variables,
    )


def send(gateways, dice, number):
    """Send traces, the spans of each to any of the gateways; return the ids of the spans of each."""
    traces = [make_trace(dice, spans=SPANS) for _ in range(number)]
    spans = [span for trace in traces for span in trace]
    dice.shuffle(spans)
    for index, begin in enumerate(range(0, len(spans), 20)):
        assert post_spans(gateways[index % len(gateways)].endpoint, spans[begin : begin + 20]) == 200
    return {trace[0].trace_id: {span.span_id for span in trace} for trace in traces}


def arrived(far_side):
    found = {}
    for span in far_side.spans:
        found.setdefault(span.trace_id, set()).add(span.span_id)
    return found


def test_traces_meet_and_a_dead_gateway_is_replaced(tmp_path, broker):
    """Spans of a trace come in by both gateways and leave whole by one; then one is killed, and all go by the other."""
    dice = random.Random(4)
    with (
        OtlpServer() as first,
        OtlpServer() as second,
        gateway_of(tmp_path, broker, first, "first") as one,
        gateway_of(tmp_path, broker, second, "second") as two,
    ):
        # Until both are members of the group and the topic is there, a trace may be read by either.
        assert until(lambda: send((one, two), dice, 60) and first.spans and second.spans, 60, 1.0)
        before = {**arrived(first), **arrived(second)}
        sent = send((one, two), dice, 200)
        assert until(lambda: sent.items() <= {**arrived(first), **arrived(second)}.items(), 60)
        here, there = arrived(first).keys() & sent.keys(), arrived(second).keys() & sent.keys()
        assert not here & there, "a trace went through both"
        assert min(len(here), len(there)) > 20
        assert before

        one.kill()
        sent = send((two,), dice, 200)
        assert until(lambda: sent.items() <= arrived(second).items(), 60), f"{len(sent.keys() & arrived(second).keys())} of {len(sent)}"


def test_an_outage_longer_than_the_queue_is_large_waits_in_kafka(tmp_path, broker):
    """With the backend away and room for a few spans the gateway stops reading; when it is back everything arrives, and once."""
    with OtlpServer() as far_side, gateway_of(tmp_path, broker, far_side, "one", WIDE, QUEUE_BYTES="20000") as gateway:
        far_side.refuse()
        sent = send((gateway,), random.Random(5), 200)
        assert until(lambda: gateway.own_metrics()["otelcol_exporter_queue_size"] > 15_000, 30)
        far_side.healthy()
        assert until(lambda: sent.items() <= arrived(far_side).items(), 60), f"{len(arrived(far_side))} of {len(sent)}"
        assert gateway.own_metrics().get("otelcol_exporter_enqueue_failed_spans_total", 0) == 0
    assert len(far_side.spans) == sum(map(len, sent.values()))


def test_what_the_pipeline_refuses_is_read_again(tmp_path, broker):
    """As the memory limiter does when much is to be caught up: the receiver waits and goes on, and no partition is left alone.

    Here the refusal comes from a full queue right behind the receiver, which can be brought about and ended.
    """
    straight = (
        "yaml:service::pipelines::traces: {receivers: [kafka], processors: [memory_limiter], exporters: [otlp_http/traces]}",
        "yaml:service::pipelines::traces/sampled: {receivers: [forward], processors: [tail_sampling], exporters: [span_metrics]}",
        "yaml:service::pipelines::traces/unused: {receivers: [otlp], exporters: [forward]}",
        "yaml:exporters::otlp_http/traces::sending_queue::block_on_overflow: false",
    )
    with OtlpServer() as far_side, gateway_of(tmp_path, broker, far_side, "one", WIDE, *straight, QUEUE_BYTES="20000") as gateway:
        far_side.refuse()
        sent = send((gateway,), random.Random(6), 200)
        assert until(lambda: gateway.own_metrics().get("otelcol_exporter_enqueue_failed_spans_total", 0) > 0, 20), "nothing was refused"
        far_side.healthy()
        assert until(lambda: sent.items() <= arrived(far_side).items(), 60), f"{len(arrived(far_side))} of {len(sent)}"
