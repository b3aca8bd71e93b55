"""Behaviour 32: instrumentation breaks or swallows the user's code.

Pain: an exception is eaten and None returned, or a fault of the telemetry fails the user's call
(openlit/openlit#565, #757, traceloop/openllmetry#670).

Right: the user's result and the user's exception object always come back unchanged; our own faults are counted, and logged once.
"""

from __future__ import annotations

import asyncio
import logging

import pytest
from opentelemetry import trace
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.metrics import Histogram, NoOpCounter, NoOpHistogram, NoOpMeter, NoOpMeterProvider, NoOpUpDownCounter
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Sampler

from langswarm_otel import configure_observability, guard, presets
from langswarm_otel.components.operations import Operations
from langswarm_otel.content import gate
from langswarm_otel.pricing import PriceBook
from langswarm_otel.signals.telemetry import Policy, build_telemetry


class InjectedError(Exception):
    """Injected; nobody but our guard may ever see it."""


def fail(*args, **kwargs):
    raise InjectedError


class FailingSpan(trace.NonRecordingSpan):
    """A span that does nothing right but say who it is."""

    def __init__(self):
        super().__init__(trace.SpanContext(1, 1, is_remote=False, trace_flags=trace.TraceFlags(1)))

    is_recording = set_attribute = set_attributes = add_event = set_status = record_exception = update_name = add_link = end = fail


class TracerProviderOf(trace.TracerProvider):
    def __init__(self, start_span):
        self._start_span = start_span

    def get_tracer(self, *args, **kwargs):
        tracer = trace.NoOpTracer()
        tracer.start_span = self._start_span
        return tracer


class FailingHistogram(NoOpHistogram):
    record = fail


class FailingCounter(NoOpCounter):
    add = fail


class FailingUpDownCounter(NoOpUpDownCounter):
    add = fail


class FailingMeter(NoOpMeter):
    def create_histogram(self, name, *args, **kwargs) -> Histogram:
        return FailingHistogram(name)

    def create_counter(self, name, *args, **kwargs):
        return FailingCounter(name)

    def create_up_down_counter(self, name, *args, **kwargs):
        return FailingUpDownCounter(name)


class FailingMeterProvider(NoOpMeterProvider):
    def get_meter(self, name, *args, **kwargs):
        return FailingMeter(name)


class FailingSampler(Sampler):
    should_sample = fail

    def get_description(self):
        return "failing"


class FailingIds(IdGenerator):
    generate_span_id = generate_trace_id = fail


class FailingProcessor(SpanProcessor):
    on_start = on_end = fail


class FailingPrices(PriceBook):
    cost = fail


def sdk(**options):
    return TracerProvider(shutdown_on_exit=False, **options)


def with_processor():
    provider = sdk()
    provider.add_span_processor(FailingProcessor())
    return provider


def telemetry_with(*, tracers=None, meters=None, prices=None, clock=None):
    policy = Policy(capture_content=True, prices=prices or PriceBook())
    more = {"clock": clock} if clock else {}
    return build_telemetry(tracers or sdk(), meters or NoOpMeterProvider(), NoOpLoggerProvider(), policy, **more)


FAULTS = {
    "tracer": lambda: telemetry_with(tracers=TracerProviderOf(fail)),
    "span": lambda: telemetry_with(tracers=TracerProviderOf(lambda *args, **kwargs: FailingSpan())),
    "meter": lambda: telemetry_with(meters=FailingMeterProvider()),
    "sampler": lambda: telemetry_with(tracers=sdk(sampler=FailingSampler())),
    "ids": lambda: telemetry_with(tracers=sdk(id_generator=FailingIds())),
    "processor": lambda: telemetry_with(tracers=with_processor()),
    "pricing": lambda: telemetry_with(prices=FailingPrices()),
    "clock": lambda: telemetry_with(clock=fail),
    "scrubber": telemetry_with,
    "resolving": fail,
}
OPERATIONS = {
    "agent": lambda obs: obs.agent("a", provider="openai", model="gpt-4o"),
    "inference": lambda obs: obs.inference(provider="openai", model="gpt-4o"),
    "tool": lambda obs: obs.tool("t"),
    "session": lambda obs: obs.session("s", user_id="u"),
    "memory": lambda obs: obs.memory("search_memory", store="m"),
    "workflow": lambda obs: obs.workflow("w"),
    "step": lambda obs: obs.step("s"),
    "traced": lambda obs: obs.traced("f"),
    "timer": lambda obs: obs.timer("t"),
}

REPORTS = [
    ("agents", "record_execution", "a", "openai", "gpt-4o", 10, 20, 15.0, True),
    ("tools", "record_execution", "t", 0.1),
    ("sessions", "record_session", "s", 0.1),
    ("sessions", "record_message", "s", "user"),
    ("memories", "record_operation", "search_memory", "m", 0.1),
    ("workflows", "record_execution", "w", 0.1),
    ("workflows", "record_step", "w", "s", 0.1),
]


@pytest.fixture(params=FAULTS)
def broken(request, monkeypatch):
    """Operations whose telemetry fails at one place."""
    if request.param == "scrubber":
        monkeypatch.setattr(gate, "jsonable", fail)
        monkeypatch.setattr(gate, "strip", fail)
    make = FAULTS[request.param]
    telemetry = None if request.param == "resolving" else make()
    return Operations(fail if request.param == "resolving" else lambda: telemetry)


def lines(caplog):
    return [record for record in caplog.records if record.name == "langswarm_otel" and record.levelno >= logging.WARNING]


def use_everything(call):
    """Whatever an operation offers may be used while telemetry is broken."""
    if hasattr(call, "input"):
        call.input("question")
        call.output("answer")
    if hasattr(call, "usage"):
        call.usage(input_tokens=1, output_tokens=1)
    if hasattr(call, "first_chunk"):
        call.first_chunk()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_results_and_exceptions_come_back_as_they_are(broken, operation, verdict):
    """As decorator and as block, sync and async: the identical result, the identical exception, whatever of ours fails."""
    observe = OPERATIONS[operation]
    result, error = object(), ValueError("of the user")

    @observe(broken)
    def succeed():
        return result

    @observe(broken)
    def raise_it():
        raise error

    @observe(broken)
    async def succeed_later():
        await asyncio.sleep(0)
        return result

    @observe(broken)
    def items():
        yield result

    assert succeed() is result
    assert asyncio.run(succeed_later()) is result
    assert next(iter(items())) is result
    with pytest.raises(ValueError, match="of the user") as caught:
        raise_it()
    assert caught.value is error
    with observe(broken) as call:
        use_everything(call)
    with pytest.raises(ValueError, match="of the user") as caught, observe(broken):
        raise error
    assert caught.value is error
    verdict.ours("results and exceptions are the same objects; faults are counted")


def test_streams_come_through_unchanged(broken):
    """The chunks of a stream are the caller's own objects, all of them, in their order."""
    chunks = [object(), object(), object()]
    with broken.inference(provider="openai", model="gpt-4o") as call:
        assert list(call.stream(iter(chunks))) == chunks


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report[0])
def test_reporting_afterwards_never_raises(broken, report):
    """The ``record_*`` functions swallow every fault of ours."""
    recorder, method, *arguments = report
    assert getattr(getattr(broken, recorder), method)(*arguments) is None


def test_faults_are_counted_and_logged_once_each_place(broken, caplog):
    """A hundred failing runs leave counts, and for each place that fails at most one line, without the text of the error."""
    caplog.set_level(logging.WARNING, "langswarm_otel")
    for _ in range(100):
        with broken.agent("a") as call, broken.inference(provider="openai", model="gpt-4o") as llm:
            use_everything(call)
            use_everything(llm)
    faults = guard.faults()
    assert sum(faults.values()) >= 100
    places = [record.args[0] for record in lines(caplog) if "telemetry fault" in record.getMessage()]
    assert sorted(places) == sorted(faults)


def test_health_counts_internal_errors():
    """A handle shows the faults of the process."""
    handle = configure_observability(presets.testing(service_name="t", instrument=False), install_global=False)
    try:
        assert handle.health().internal_errors == 0
        guard.record_fault("test", InjectedError())
        assert handle.health().internal_errors == 1
        assert handle.health().faults == {"test": 1}
    finally:
        handle.shutdown(1.0)


def test_the_plain_sdk_fails_the_call(verdict):
    """The pain exists: what fails in a processor or sampler of the SDK reaches the application."""
    for tracers in (with_processor(), sdk(sampler=FailingSampler())):
        with pytest.raises(InjectedError), tracers.get_tracer("t").start_as_current_span("work"):
            pass
    verdict.plain("a failing processor fails the call")
