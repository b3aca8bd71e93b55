"""Instruments that decide at each call where a measurement goes."""

from __future__ import annotations

import copy
import logging
from typing import Any

import pytest
from metric_points import all_metrics, metric_named, points_of, values_of
from opentelemetry import metrics, trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.sdk_private import ApiGauge
from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider


@pytest.fixture
def reader() -> SwitchReader:
    return SwitchReader()


@pytest.fixture
def provider(reader: SwitchReader) -> SwitchMeterProvider:
    return SwitchMeterProvider(resource=Resource({"service.name": "s"}), reader=reader)


def capture() -> Capture[None]:
    return Capture(build=lambda *providers: None)


def record_all(instruments: dict[str, Any], value: int) -> None:
    instruments["counter"].add(value, {"a": "x"})
    instruments["updown"].add(-value, {"a": "x"})
    instruments["histogram"].record(value, {"a": "x"})
    instruments["gauge"].set(value, {"a": "x"})


def make_all(meter: metrics.Meter) -> dict[str, Any]:
    return {
        "counter": meter.create_counter("counter", "1", "counts"),
        "updown": meter.create_up_down_counter("updown", "2", "goes up and down"),
        "histogram": meter.create_histogram("histogram", "s", "spreads", explicit_bucket_boundaries_advisory=[1.0, 10.0]),
        "gauge": meter.create_gauge("gauge", "3", "stands"),
    }


def seen(data: Any) -> dict[str, float]:
    found = {}
    for metric in all_metrics(data):
        for point in metric.data.data_points:
            found[metric.name] = point.sum if hasattr(point, "sum") else point.value
    return found


def test_types_are_those_of_the_api(provider: SwitchMeterProvider) -> None:
    """Libraries check instruments by the API's types, and some read name and unit from the SDK's."""
    instruments = make_all(provider.get_meter("m"))
    assert isinstance(provider, MeterProvider)
    assert isinstance(provider.get_meter("m"), metrics.Meter)
    assert isinstance(instruments["counter"], metrics.Counter)
    assert isinstance(instruments["updown"], metrics.UpDownCounter)
    assert isinstance(instruments["histogram"], metrics.Histogram)
    assert isinstance(instruments["gauge"], ApiGauge)
    assert (instruments["counter"].name, instruments["counter"].unit, instruments["counter"].description) == ("counter", "1", "counts")
    assert copy.copy(instruments["counter"]).name == "counter"


def test_one_meter_a_scope(provider: SwitchMeterProvider) -> None:
    """As in the SDK; attributes are part of the scope."""
    assert provider.get_meter("m", "1") is provider.get_meter("m", "1")
    assert provider.get_meter("m", attributes={"a": 1}) is not provider.get_meter("m", attributes={"a": 2})


def test_all_kinds_arrive_with_unit_description_buckets_and_scope(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """The handles forward every argument, the advice on buckets too."""
    record_all(make_all(provider.get_meter("m", "1.0", "https://schema", {"scope": "yes"})), 5)
    data = reader.take()
    assert data is not None
    assert seen(data) == {"counter": 5, "updown": -5, "histogram": 5, "gauge": 5}
    assert [(metric.name, metric.unit, metric.description) for metric in sorted(all_metrics(data), key=lambda metric: metric.name)] == [
        ("counter", "1", "counts"),
        ("gauge", "3", "stands"),
        ("histogram", "s", "spreads"),
        ("updown", "2", "goes up and down"),
    ]
    assert list(points_of(data, "histogram")[0].explicit_bounds) == [1.0, 10.0]
    (scope_metrics,) = data.resource_metrics[0].scope_metrics
    scope = scope_metrics.scope
    assert (scope.name, scope.version, scope.schema_url, dict(scope.attributes)) == ("m", "1.0", "https://schema", {"scope": "yes"})
    assert scope_metrics.schema_url == "https://schema"


def test_disabled_drops_and_wakes(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """Instruments made while disabled work later; what was measured meanwhile is gone."""
    provider.enabled = False
    instruments = make_all(provider.get_meter("m"))
    record_all(instruments, 5)
    assert reader.take() is None
    provider.enabled = True
    record_all(instruments, 1)
    assert seen(reader.take()) == {"counter": 1, "updown": -1, "histogram": 1, "gauge": 1}


def test_sdk_disabled_in_the_environment_does_not_freeze_the_provider(monkeypatch: pytest.MonkeyPatch, reader: SwitchReader) -> None:
    """As for tracers."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    provider = SwitchMeterProvider(resource=Resource({}), reader=reader)
    provider.get_meter("m").create_counter("c").add(1)
    assert seen(reader.take()) == {"c": 1}


def test_measurements_in_a_capture_belong_to_it(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """All four kinds, with buckets as advised, through instruments made before; nested captures do not mix."""
    instruments = make_all(provider.get_meter("m", "1.0"))
    record_all(instruments, 1)
    with capture() as outer:
        record_all(instruments, 10)
        with capture() as inner:
            record_all(instruments, 100)
        record_all(instruments, 1000)
    record_all(instruments, 1)
    assert seen(reader.take()) == {"counter": 2, "updown": -2, "histogram": 2, "gauge": 1}
    assert seen(outer.metrics()) == {"counter": 1010, "updown": -1010, "histogram": 1010, "gauge": 1000}
    assert seen(inner.metrics()) == {"counter": 100, "updown": -100, "histogram": 100, "gauge": 100}
    assert list(points_of(inner.metrics(), "histogram")[0].explicit_bounds) == [1.0, 10.0]
    assert metric_named(inner.metrics(), "histogram").unit == "s"
    assert inner.metrics().resource_metrics[0].scope_metrics[0].scope.version == "1.0"


def test_observables_belong_to_where_they_were_made(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """Nobody calls an observable from a context, so only its making can say where it belongs."""
    meter = provider.get_meter("m")

    def observed(value: int):
        return [lambda options: [Observation(value, {"a": "x"})]]

    def make(prefix: str, value: int) -> None:
        meter.create_observable_counter(f"{prefix}.counter", observed(value), "1", "counts")
        meter.create_observable_up_down_counter(f"{prefix}.updown", observed(-value), "2", "moves")
        meter.create_observable_gauge(f"{prefix}.gauge", observed(value), "3", "stands")

    make("process", 5)
    with capture() as captured:
        make("capture", 7)
    taken = reader.take()
    assert seen(taken) == {"process.counter": 5, "process.updown": -5, "process.gauge": 5}
    assert [(metric.unit, metric.description) for metric in all_metrics(taken)] == [("1", "counts"), ("2", "moves"), ("3", "stands")]
    assert seen(captured.metrics()) == {"capture.counter": 7, "capture.updown": -7, "capture.gauge": 7}


def test_the_context_of_a_measurement_makes_the_exemplar(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """The third argument of a measurement is forwarded: the exemplar names the span in the given context."""
    context = trace.set_span_in_context(NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))))
    instruments = make_all(provider.get_meter("m"))
    instruments["counter"].add(1, None, context)
    instruments["updown"].add(1, None, context)
    instruments["histogram"].record(1, None, context)
    instruments["gauge"].set(1, None, context)
    data = reader.take()
    for name in instruments:
        (exemplar,) = points_of(data, name)[0].exemplars
        assert (exemplar.trace_id, exemplar.span_id) == (0xABC, 0xDEF), name


@pytest.mark.parametrize(("name", "count"), [("always_on", 1), ("always_off", 0), ("trace_based", 0)])
def test_exemplar_filter_by_name(name: str, count: int) -> None:
    """The three names of the specification."""
    reader = SwitchReader()
    provider = SwitchMeterProvider(resource=Resource({}), reader=reader, exemplar_filter=name)
    provider.get_meter("m").create_counter("c").add(1)
    assert len(points_of(reader.take(), "c")[0].exemplars) == count


def test_wrong_exemplar_filter_is_refused() -> None:
    """With the field and the choices; the SDK raises a bare ValueError."""
    with pytest.raises(ConfigurationError, match=r"exemplar_filter='sometimes': write one of trace_based, always_on, always_off"):
        SwitchMeterProvider(resource=Resource({}), reader=SwitchReader(), exemplar_filter="sometimes")


def test_views_hold(reader: SwitchReader) -> None:
    """Views of the caller reach the SDK."""
    provider = SwitchMeterProvider(
        resource=Resource({}), reader=reader, views=[View(instrument_name="c", name="renamed", attribute_keys={"a"})]
    )
    provider.get_meter("m").create_counter("c").add(1, {"a": "x", "b": "y"})
    assert values_of(reader.take(), "renamed") == {("x",): 1}


def test_a_shutdown_by_others_freezes_nothing(
    provider: SwitchMeterProvider, reader: SwitchReader, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK's provider hands out no-op meters for ever after a shut-down, and warns at the second."""
    counter = provider.get_meter("m").create_counter("c")
    flushed = []
    reader.on_flush = lambda timeout_s: flushed.append(timeout_s) is None
    with caplog.at_level(logging.WARNING):
        provider.shutdown(timeout_millis=2_000)
        provider.shutdown(timeout_millis=1_000)
    counter.add(1)
    provider.get_meter("later").create_counter("d").add(2)
    assert seen(reader.take()) == {"c": 1, "d": 2}
    assert flushed == [2.0, 1.0]
    assert not caplog.records


def test_force_flush_sends_and_tells_the_truth(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """Whoever flushes the global provider means the exporter; the answer is the exporter's, and a fault of it is no exception."""
    assert provider.force_flush()
    reader.on_flush = lambda timeout_s: timeout_s > 1
    assert provider.force_flush(2_000)
    assert not provider.force_flush(500)

    def broken(timeout_s: float) -> bool:
        raise OSError

    reader.on_flush = broken
    assert not provider.force_flush()


def test_another_resource_starts_anew(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """Totals of one service are not exported as another's."""
    counter = provider.get_meter("m").create_counter("c")
    counter.add(5)
    reader.take()
    counter.add(3)
    provider.replace_resource(Resource({"service.name": "other"}))
    counter.add(1)
    data = reader.take()
    assert seen(data) == {"c": 1}
    assert data is not None
    assert data.resource_metrics[0].resource.attributes["service.name"] == "other"


def test_a_second_reader_of_others_sees_the_same(provider: SwitchMeterProvider, reader: SwitchReader) -> None:
    """A pull reader may be added and removed while ours goes on."""
    counter = provider.get_meter("m").create_counter("c")
    counter.add(1)
    other = InMemoryMetricReader()
    provider.add_metric_reader(other)
    counter.add(2)
    assert seen(other.get_metrics_data()) == {"c": 2}
    provider.remove_metric_reader(other)
    assert seen(reader.take()) == {"c": 3}


def test_wrong_names_raise_as_in_the_sdk(provider: SwitchMeterProvider) -> None:
    """An invalid name is the caller's mistake, told where it is made."""
    with pytest.raises(Exception, match="Expected ASCII string"):
        provider.get_meter("m").create_counter("ä")


def test_nothing_is_registered_for_the_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's meter provider has a hook of its own module."""
    registered: list[object] = []
    monkeypatch.setattr("opentelemetry.sdk.metrics._internal.register", registered.append)
    SwitchMeterProvider(resource=Resource({}), reader=SwitchReader())
    assert not registered
