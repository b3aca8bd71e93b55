"""The catalogue's metrics as instruments."""

from __future__ import annotations

import pytest
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NoOpTracerProvider

from langswarm_otel import guard, semconv
from langswarm_otel.signals.instruments import MAX_NAMES, Instruments
from langswarm_otel.signals.telemetry import Policy, build_telemetry, silent_telemetry


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def meter(reader):
    return MeterProvider([reader], shutdown_on_exit=False).get_meter("test")


def collected(reader):
    data = reader.get_metrics_data()
    return {
        metric.name: metric
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def record_all(instruments):
    for metric in semconv.METRICS:
        instruments.record(metric, 1, dict.fromkeys(metric.attributes, "value"))


@pytest.mark.parametrize("profile", ["g1", "g2", "both"])
def test_every_metric_of_the_profile_exists_as_the_catalogue_says(meter, reader, profile):
    """Name, unit, description, kind, allowed attributes and bucket boundaries arrive at the SDK; metrics of another profile do not."""
    record_all(Instruments(meter, profile))
    found = collected(reader)
    assert set(found) == {metric.name for metric in semconv.METRICS if metric.emitted_in(profile)}
    for metric in semconv.METRICS:
        if metric.name not in found:
            continue
        data = found[metric.name].data
        (point,) = data.data_points
        assert (found[metric.name].unit, found[metric.name].description) == (metric.unit, metric.description)
        assert set(point.attributes) == set(metric.attributes)
        if metric.kind == "histogram":
            assert tuple(point.explicit_bounds) == metric.buckets
        else:
            assert data.is_monotonic == (metric.kind == "counter")


def test_other_attributes_never_reach_a_metric(meter, reader):
    """What the catalogue does not allow is left out, and the caller's mapping stays as it is."""
    instruments = Instruments(meter, "g1")
    attributes = {semconv.TOOL_NAME: "search", semconv.CONVERSATION_ID: "s-1", semconv.USER_ID: "u"}
    instruments.record(semconv.TOOL_DURATION, 0.5, attributes)
    (point,) = collected(reader)[semconv.TOOL_DURATION.name].data.data_points
    assert point.attributes == {semconv.TOOL_NAME: "search"}
    assert len(attributes) == 3


def test_the_context_is_handed_on(meter):
    """The exemplar belongs to the span of the context that is given."""
    contexts = []

    class Spy:
        def record(self, value, attributes, context):
            contexts.append(context)

    instruments = Instruments(meter, "g1")
    instruments._recorders[semconv.TOOL_DURATION.name] = Spy().record, frozenset()
    own = Context({"a": 1})
    instruments.record(semconv.TOOL_DURATION, 1, {}, own)
    assert contexts == [own]


def test_a_failing_meter_is_counted(meter):
    """Neither an instrument that cannot be made nor one that cannot record reaches the caller."""

    class Failing:
        def __getattr__(self, name):
            raise RuntimeError(name)

    record_all(Instruments(Failing(), "both"))  # type: ignore[arg-type]
    assert guard.faults() == {"create instrument": len(semconv.METRICS)}
    Instruments(meter, "g1").record(semconv.TOOL_DURATION, 1, None)  # type: ignore[arg-type]
    assert guard.faults()["record metric"] == 1


def test_names_fold_beyond_their_bound(meter):
    """The first 500 names of a label are kept for good, later ones are ``_OTHER``, and labels do not share the bound."""
    instruments = Instruments(meter, "g1")
    names = [f"tool-{number}" for number in range(MAX_NAMES)]
    assert [instruments.fold("tool", name) for name in names] == names
    assert instruments.fold("tool", "one more") == semconv.OTHER
    assert instruments.fold("tool", "tool-0") == "tool-0"
    assert instruments.fold("agent", "one more") == "one more"


def test_telemetry_of_any_providers():
    """Tracer, meter and logger carry our scope; the policy's defaults keep everything private."""
    telemetry = build_telemetry(NoOpTracerProvider(), NoOpMeterProvider(), NoOpLoggerProvider(), Policy())
    assert telemetry.policy == Policy(prices=telemetry.policy.prices)
    assert not telemetry.policy.capture_content
    assert not telemetry.policy.capture_user_id
    assert telemetry.clock() > 0


def test_silent_telemetry_takes_everything():
    """Telemetry that goes nowhere can be used like any other."""
    telemetry = silent_telemetry()
    record_all(telemetry.instruments)
    with telemetry.tracer.start_as_current_span("nothing") as span:
        assert not span.is_recording()
    assert guard.faults() == {}
