"""Workers rest while there is time, and only then."""

from __future__ import annotations

import time

import pytest
from hub_exporters import RESOURCE, Spans, points_of, running, wait_until
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from langswarm_otel.export import polite
from langswarm_otel.export.hub import Target
from langswarm_otel.export.polite import PoliteList, polite_metrics, walk


@pytest.fixture
def rests(monkeypatch):
    """Counts the rests of this process's workers, which take no time."""
    counted = []

    class Time:
        perf_counter = staticmethod(time.perf_counter)
        sleep = counted.append

    monkeypatch.setattr(polite, "time", Time)
    return counted


def busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_rests_after_work_and_not_for_each_item(rests):
    """Quick items share one rest, each long one is followed by its own; every item is there once."""
    assert list(walk(range(10), lambda: True)) == list(range(10))
    assert len(rests) <= 1
    rests.clear()
    for _ in walk(range(5), lambda: True):
        busy(polite.WORK_S * 1.5)
    assert len(rests) == 5


def test_no_rest_without_time(rests):
    """When there is no time, nothing rests."""
    for _ in walk(range(5), lambda: False):
        busy(polite.WORK_S * 1.5)
    assert rests == []


def test_a_list_for_all_other_purposes():
    """The batch is a list: length, index, slice, equality, and iteration again and again."""
    batch = PoliteList("abc", lambda: True)
    assert (len(batch), batch[1], batch[1:], list(batch), list(batch)) == (3, "b", ["b", "c"], ["a", "b", "c"], ["a", "b", "c"])
    assert batch == ["a", "b", "c"]


def test_the_official_encoders_rest(rests, monkeypatch):
    """The encoders of all signals walk the batch that they are given, and so rest; what they make is the same."""
    monkeypatch.setattr(polite, "WORK_S", 0.0)
    with running(Target(name="t", spans=Spans())) as (_, source):
        span = source.tracer.start_span("s")
        span.end()
        records = []
        source.hub.offer_log = records.append
        source.logs("l", "m")
        reader = InMemoryMetricReader()
        provider = MeterProvider(resource=RESOURCE, metric_readers=[reader], shutdown_on_exit=False)
        for key in range(4):
            provider.get_meter("m").create_counter("c").add(1, {"k": key})
        data = reader.get_metrics_data()
        for plain, gentle, encode, least in (
            ([span] * 3, PoliteList([span] * 3, lambda: True), encode_spans, 3),
            (records, PoliteList(records, lambda: True), encode_logs, 2),
            (data, polite_metrics(data, lambda: True), encode_metrics, 4),
        ):
            expected = encode(plain).SerializeToString()
            rests.clear()
            assert encode(gentle).SerializeToString() == expected
            assert len(rests) >= least
        assert points_of(polite_metrics(data, lambda: False)) == points_of(data)
        provider.shutdown()


def test_in_a_hub_workers_rest_until_somebody_waits(rests, monkeypatch):
    """On schedule the batch rests; under a flush, and when a quarter of the bound is held, it does not."""
    monkeypatch.setattr(polite, "WORK_S", 0.0)
    seen = []
    spans = Spans(raises=lambda batch: seen.append(len(list(batch))))
    with running(Target(name="t", spans=spans), schedule_delay_s=0.02) as (hub, source):
        source.spans(*["a"] * 10)
        assert wait_until(lambda: sum(seen) == 10)
        assert len(rests) >= 10
    rests.clear()
    with running(Target(name="t", spans=spans), schedule_delay_s=600.0) as (hub, source):
        source.spans(*["a"] * 10)
        assert hub.flush(5.0)
        assert len(rests) < 10
    rests.clear()
    with running(Target(name="t", spans=spans), schedule_delay_s=0.02, max_bytes=60_000) as (_, source):
        source.spans(*["a"] * 12)
        assert wait_until(lambda: sum(seen) == 32)
        assert rests == []
