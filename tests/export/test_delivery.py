"""One bad record costs that record, never its batch; a target that cannot be reached costs no search."""

from __future__ import annotations

import asyncio

import pytest
from hub_exporters import RESOURCE, Logs, Metrics, Spans, row, running
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SpanExportResult
from otlp_server import OtlpServer

from langswarm_otel.export.batches import halve_metrics
from langswarm_otel.export.delivery import Delivery
from langswarm_otel.export.hub import Target
from langswarm_otel.export.sizes import point_count

BAD = "lone surrogate \ud800"


class Encoding(Spans):
    """Encodes as the official exporters do, and lets the error out."""

    def export(self, spans):
        encode_spans(spans).SerializeToString()
        return super().export(spans)


@pytest.mark.parametrize("bad", [[0], [99], [50, 51], [0, 33, 66, 99], list(range(100))])
def test_bad_records_are_found(bad):
    """An exporter that raises while encoding: exactly the bad spans are dropped as ``unencodable``, all others arrive once, in order."""
    spans = Encoding()
    names = [BAD if number in bad else f"s{number}" for number in range(100)]
    with running(Target(name="t", spans=spans)) as (hub, source):
        source.spans(*names)
        assert not hub.flush(5.0)
        assert spans.names == [name for name in names if name != BAD]
        account = row(hub)
        assert account.exported == 100 - len(bad)
        assert account.dropped == {"unencodable": len(bad)}
        assert account.last_error
        assert BAD not in account.last_error
        assert account.state != "failing"


@pytest.mark.parametrize("signal", ["traces", "logs"])
def test_the_official_exporter_that_only_logs_it(signal, otlp_server):
    """The official HTTP exporters answer an encoding error with a bare failure; the bad record is found all the same."""
    target = Target(
        name="t",
        spans=OTLPSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces"),
        logs=OTLPLogExporter(endpoint=f"{otlp_server.endpoint}/v1/logs"),
    )
    with running(target) as (hub, source):
        source.spans("a", BAD, "b") if signal == "traces" else source.logs("a", BAD, "b")
        assert not hub.flush(5.0)
        assert row(hub, signal).dropped == {"unencodable": 1}
        arrived = otlp_server.span_names() if signal == "traces" else [record.body.string_value for record in otlp_server.log_records]
        assert arrived == ["a", "b"]


def test_a_bad_metric_costs_its_point():
    """Metrics are divided too: one point that cannot be encoded is lost, the others of the same collection arrive."""

    def refuse(data):
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        if point.attributes.get("k") == "bad":
                            raise ValueError("bad")

    metrics = Metrics(raises=refuse)
    with running(Target(name="t", metrics=metrics)) as (hub, source):
        for name in ("one", "two", "three"):
            for key in ("a", "b", "c"):
                source.meter.create_counter(name).add(1, {"k": key})
        source.meter.create_counter("two").add(1, {"k": "bad"})
        assert not hub.flush(5.0, before=source.collect)
        assert sorted((name, point.attributes["k"]) for name, point in metrics.conduct.items) == sorted(
            (name, key) for name in ("one", "two", "three") for key in ("a", "b", "c")
        )
        assert row(hub, "metrics").dropped == {"unencodable": 1}


@pytest.mark.parametrize("error", [ConnectionError("no"), TimeoutError("no"), OSError(28, "No space left on device")])
def test_trouble_with_the_network_is_no_bad_record(error):
    """An exporter that raises because it cannot send is tried once for a batch and not once for each half of it."""

    def raising(_):
        raise error

    spans = Spans(raises=raising)
    with running(Target(name="t", spans=spans), schedule_delay_s=600.0) as (hub, source):
        source.spans(*["a"] * 64)
        assert not hub.flush(5.0)
        assert spans.conduct.tried == 1
        assert row(hub).dropped == {"export_failed": 64}
        assert row(hub).state == "failing"
        assert type(error).__name__ in row(hub).last_error


def test_a_failure_during_the_search_ends_it():
    """When the target goes away while a bad record is looked for, the rest of the batch is given up at once."""
    calls = []

    def raising(batch):
        calls.append(len(batch))
        if len(calls) == 1:
            raise ValueError("bad")
        raise ConnectionError

    with running(Target(name="t", spans=Spans(raises=raising)), schedule_delay_s=600.0) as (hub, source):
        source.spans(*["a"] * 64)
        assert not hub.flush(5.0)
        assert calls == [64, 32]
        assert row(hub).dropped == {"export_failed": 64}


def test_an_exporter_that_knows_more():
    """``deliver`` is used where there is one: rejected records and batches that are too large are counted as what they are."""

    class Knowing(Spans):
        def deliver(self, batch):
            if len(batch) > 2:
                return Delivery(fault="too_large", cause="413")
            if any(span.name == "huge" for span in batch):
                return Delivery(fault="too_large", cause="413")
            return Delivery(rejected=sum(span.name == "odd" for span in batch), cause="odd ones are not wanted")

        def export(self, spans):
            raise AssertionError("deliver comes first")

    with running(Target(name="t", spans=Knowing())) as (hub, source):
        source.spans("a", "b", "odd", "c", "huge", "d")
        assert not hub.flush(5.0)
        account = row(hub)
        assert (account.exported, account.dropped) == (4, {"rejected": 1, "too_large": 1})


def test_answers_that_are_no_success():
    """None, which a sloppy exporter returns, is a failure; so is FAILURE; SUCCESS is not."""
    answers = [None, SpanExportResult.FAILURE, SpanExportResult.SUCCESS]

    class Sloppy(Spans):
        def export(self, spans):
            return answers.pop(0)

    with running(Target(name="t", spans=Sloppy())) as (hub, source):
        for expected in (False, False, True):
            source.spans("a")
            assert hub.flush(5.0) is expected


def test_halving_keeps_every_point_once():
    """Dividing metrics again and again ends with single points, each of which was there once, with its resource and scope."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(resource=RESOURCE, metric_readers=[reader], shutdown_on_exit=False)
    for scope in ("x", "y"):
        histogram = provider.get_meter(scope, "1").create_histogram("h", unit="s")
        for key in range(5):
            histogram.record(key, {"k": key})
            provider.get_meter(scope, "1").create_counter("c").add(1, {"k": key})
    waiting, single = [reader.get_metrics_data()], []
    while waiting:
        data = waiting.pop()
        halves = halve_metrics(data)
        if halves is None:
            single.append(data)
        else:
            assert point_count(halves[0]) + point_count(halves[1]) == point_count(data)
            waiting += halves
    found = {
        (resource.resource.attributes["service.name"], scope.scope.name, metric.name, metric.unit, point.attributes["k"])
        for data in single
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    }
    assert len(single) == len(found) == 20
    assert found == {("test", scope, name, unit, key) for scope in "xy" for name, unit in (("h", "s"), ("c", "")) for key in range(5)}
    provider.shutdown()


def test_logs_of_the_encoder_do_not_show_the_value():
    """What health shows of an encoding error holds nothing of the record."""
    with OtlpServer() as server:
        target = Target(name="t", logs=OTLPLogExporter(endpoint=f"{server.endpoint}/v1/logs"))
        with running(target) as (hub, source):
            source.logs({"secret": object()}, 2**80)
            assert not hub.flush(5.0)
            assert "secret" not in row(hub, "logs").last_error
            assert str(2**80) not in row(hub, "logs").last_error


def test_logs_exporter_that_raises():
    """The search works on log records as on spans."""

    def raising(batch):
        if any(record.log_record.body == "bad" for record in batch):
            raise TypeError

    logs = Logs(raises=raising)
    with running(Target(name="t", logs=logs)) as (hub, source):
        source.logs("a", "bad", "b", "c", "bad")
        assert not hub.flush(5.0)
        assert logs.bodies == ["a", "b", "c"]
        assert row(hub, "logs").dropped == {"unencodable": 2}


def test_a_cancelled_task_inside_an_exporter():
    """What is no ``Exception`` costs its batch and not the worker."""
    errors = [asyncio.CancelledError(), SystemExit(), None]

    def raising(_):
        error = errors.pop(0)
        if error is not None:
            raise error

    spans = Spans(raises=raising)
    with running(Target(name="t", spans=spans)) as (hub, source):
        for expected in (False, False, True):
            source.spans("a")
            assert hub.flush(5.0) is expected
        assert row(hub).dropped == {"export_failed": 2}
        assert spans.names == ["a"]


def test_an_exporter_of_few_words():
    """An exporter that is none of the SDK's classes, and cannot be flushed, is enough."""
    taken = []

    class Plain:
        def export(self, spans):
            taken.extend(span.name for span in spans)
            return SpanExportResult.SUCCESS

        def shutdown(self):
            taken.append("shut")

    with running(Target(name="t", spans=Plain())) as (hub, source):
        source.spans("a")
        assert hub.flush(5.0)
    assert taken == ["a", "shut"]


def test_halves_of_a_scope_stay_one_entry():
    """Of several entries for one scope the official encoder keeps the last alone: each half has one, with all of its metrics."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader], shutdown_on_exit=False)
    for number in range(8):
        provider.get_meter(f"scope {number % 2}").create_counter(f"c{number}").add(1)
    halves = halve_metrics(reader.get_metrics_data())
    for half in halves:
        (message,) = encode_metrics(half).resource_metrics
        assert sum(len(scope.metrics) for scope in message.scope_metrics) == 4
    assert sum(map(point_count, halves)) == 8
    provider.shutdown()
