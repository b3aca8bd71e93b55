"""A capture with a test's clock tells no real time anywhere."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
from metric_points import points_of
from opentelemetry._logs import LogRecord
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, Tracer

from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.capture_clock import Timeline
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.sampling import SwitchSampler
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

EPOCHS = {"past": 1_000, "future": 4_000_000_000_000_000_000}


def ticking(start: int) -> Callable[[], int]:
    return itertools.count(start, 10).__next__


def program() -> tuple[Any, Any, Any]:
    tracer = SwitchTracerProvider(resource=Resource({}), sampler=SwitchSampler(), span_limits=SpanLimits()).get_tracer("t")
    meter = SwitchMeterProvider(resource=Resource({}), reader=SwitchReader()).get_meter("m")
    logger = SwitchLoggerProvider(resource=Resource({}), limits=LogRecordLimits()).get_logger("l")
    return tracer, meter, logger


def times_of(captured: Capture[Any]) -> dict[str, list[Any]]:
    return {
        "spans": [(span.name, span.start_time, [event.timestamp for event in span.events], span.end_time) for span in captured.spans()],
        "logs": [(record.log_record.timestamp, record.log_record.observed_timestamp) for record in captured.log_records()],
        "points": [(p.start_time_unix_nano, p.time_unix_nano) for name in ("c", "h", "g") for p in points_of(captured.metrics(), name)],
    }


def run(start: int) -> dict[str, list[Any]]:
    """Everything that the SDK dates by itself."""
    tracer, meter, logger = program()
    with Capture(build=lambda *providers: None, clock=ticking(start)) as captured:
        with tracer.start_as_current_span("outer") as outer:
            outer.add_event("first")
            with tracer.start_as_current_span("inner"):
                logger.emit(body="now")
            outer.add_event("second")
            meter.create_counter("c").add(1)
        logger.emit(LogRecord(body="made by a handler", timestamp=time.time_ns()))
        meter.create_histogram("h").record(1)
        meter.create_observable_gauge("g", [lambda options: [Observation(1)]])
        return times_of(captured)


@pytest.mark.parametrize("start", EPOCHS.values(), ids=EPOCHS)
def test_every_time_is_the_clocks_and_the_same_in_every_run(start: int) -> None:
    """Spans, events, records and points, in the order in which things happened, whether the clock is in the past or in the future."""
    first = run(start)
    assert first == run(start)
    assert first["spans"] == [
        ("inner", start + 20, [], start + 40),
        ("outer", start + 10, [start + 10, start + 40], start + 50),
    ]
    assert first["logs"] == [(None, start + 30), (start + 60, start + 60)]
    assert first["points"] == [(start + 40, start + 60), (start + 60, start + 60), (None, start + 60)]


def test_times_that_were_told_stay() -> None:
    """Operations that only report afterwards give their own times; those are not the SDK's and not changed."""
    tracer, _, logger = program()
    with Capture(build=lambda *providers: None, clock=ticking(1_000)) as captured:
        span = tracer.start_span("told", start_time=5)
        span.add_event("e", timestamp=6)
        span.end(7)
        logger.emit(body="told", timestamp=8, observed_timestamp=9)
    times = times_of(captured)
    assert times["spans"] == [("told", 5, [6], 7)]
    assert times["logs"] == [(8, 9)]


def test_a_retimed_span_is_otherwise_the_same() -> None:
    """Everything that an exporter reads is carried over."""
    tracer, _, _ = program()
    with Capture(build=lambda *providers: None, clock=ticking(1_000)) as captured, pytest.raises(ValueError):
        with tracer.start_as_current_span("parent"), tracer.start_as_current_span("s", attributes={"a": 1}):
            raise ValueError("no")
    span, parent = captured.spans()
    assert (span.name, dict(span.attributes), span.parent.span_id) == ("s", {"a": 1}, parent.context.span_id)
    assert span.status.description == "ValueError: no"
    assert span.events[0].name == "exception"
    assert span.instrumentation_scope.name == "t"
    assert span.resource is parent.resource


def test_tracers_of_a_clocked_capture_are_the_sdks_type() -> None:
    """Also those that telemetry is built from."""
    captured = Capture(build=lambda tracers, meters, loggers: tracers.get_tracer("t"), clock=ticking(1_000))
    assert isinstance(captured.telemetry, Tracer)
    span = captured.telemetry.start_span("s")
    span.end()
    assert captured.spans()[0].start_time == 1_010


def test_without_a_clock_times_are_the_sdks() -> None:
    """And the span is the very object that the SDK ended."""
    tracer, _, _ = program()
    before = time.time_ns()
    with Capture(build=lambda *providers: None) as captured:
        tracer.start_span("s").end()
    assert before <= captured.spans()[0].start_time <= captured.spans()[0].end_time <= time.time_ns()


def test_a_timeline_finds_what_the_clock_had_said() -> None:
    """Times of the SDK take the last answer before them; any other time is nobody's business."""
    timeline = Timeline(ticking(0))
    early = time.time_ns()
    assert timeline.now() == 10
    assert timeline.of_past(early) in (0, 10)
    assert timeline.of_past(time.time_ns()) == 10
    assert timeline.of_past(77) == 77
    assert timeline.of_past(early + 10**18) == early + 10**18
    assert timeline.of_now(time.time_ns()) == 20
    assert timeline.of_now(77) == 77
    assert timeline.now() == 30
