"""What waits for an exporter that can encode ahead waits as bytes, and is bounded by what it really takes."""

from __future__ import annotations

import pytest
from hub_exporters import Spans, row, running, wait_until
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from langswarm_otel.export.delivery import Delivery
from langswarm_otel.export.hub import Target
from langswarm_otel.export.packing import PACKED_BYTES
from langswarm_otel.export.sizes import SPAN_BYTES

BAD = "lone surrogate \ud800"


class Ahead(Spans):
    """Encodes each span when it is asked to; what it sends is bytes."""

    def encode_one(self, span):
        encoded = encode_spans([span]).SerializeToString()
        return span.name, encoded

    def deliver_encoded(self, records):
        taken = self.conduct.take([name for name, _ in records], records)
        return Delivery() if taken else Delivery(fault="send", cause="refused")

    @property
    def names(self):
        return self.conduct.items


def test_records_arrive_once_and_in_order():
    """Across batches."""
    spans = Ahead()
    names = [f"s{number}" for number in range(1500)]
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans(*names)
        assert hub.flush(10.0)
        assert spans.names == names
        account = row(hub)
        assert (account.exported, account.queued, account.in_flight, account.queued_bytes) == (1500, 0, 0, 0)


def test_a_record_that_cannot_be_encoded_is_given_up_alone():
    """It is counted, and nothing is sent twice to find it."""
    spans = Ahead()
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("a", BAD, "b")
        assert not hub.flush(5.0)
        assert spans.names == ["a", "b"]
        assert row(hub).dropped == {"unencodable": 1}
        assert spans.conduct.tried == 1


def test_the_backlog_counts_what_it_takes():
    """While the exporter hangs, the queue's bytes are those of the encoded records, and far more of them fit than live ones would."""
    spans, bound = Ahead(hangs=True), 4 * 1024 * 1024
    portion, encoded_bytes = bound // SPAN_BYTES // 4, PACKED_BYTES + len(encoded_name())
    with running(Target(name="t", spans=spans), max_bytes=bound) as (hub, source):
        for number in range(1, 17):
            source.spans(*["name"] * portion)
            assert wait_until(lambda held=number * portion * encoded_bytes: row(hub).queued_bytes == held)
        account = row(hub)
        assert account.queued + account.in_flight == 16 * portion
        assert not account.dropped
        spans.conduct.free.set()
        assert hub.flush(20.0)
        assert row(hub).exported == 16 * portion


def encoded_name() -> bytes:
    """One span of the source, encoded."""
    spans = Ahead()
    sizes = []
    encode = spans.encode_one
    spans.encode_one = lambda span: sizes.append(encode(span)) or sizes[-1]
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans("name")
        assert hub.flush(5.0)
    return sizes[0][1]


@pytest.mark.parametrize("first", ["ahead", "alive"])
def test_each_target_holds_records_in_its_own_form(first):
    """A target that encodes ahead beside one that does not: both get everything, and one's bad record is not the other's."""
    ahead, alive = Ahead(), Spans()
    targets = [Target(name="ahead", spans=ahead), Target(name="alive", spans=alive)]
    with running(*(targets if first == "ahead" else reversed(targets))) as (hub, source):
        source.spans("a", BAD, "b")
        assert not hub.flush(5.0)
        assert ahead.names == ["a", "b"]
        assert alive.names == ["a", BAD, "b"]
        accounts = {account.target: account for account in hub.counts()}
        assert (accounts["ahead"].exported, accounts["ahead"].dropped) == (2, {"unencodable": 1})
        assert (accounts["alive"].exported, accounts["alive"].dropped) == (3, {})
        assert not accounts["ahead"].queued_bytes
        assert not accounts["alive"].queued_bytes


def test_one_request_that_is_too_large_is_sent_in_parts():
    """Encoded records are halved as live ones are."""

    class Small(Ahead):
        def deliver_encoded(self, records):
            return super().deliver_encoded(records) if len(records) <= 10 else Delivery(fault="too_large", cause="413")

    spans = Small()
    names = [f"s{number}" for number in range(64)]
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans(*names)
        assert hub.flush(5.0)
        assert spans.names == names
        assert max(map(len, spans.conduct.batches)) <= 10
