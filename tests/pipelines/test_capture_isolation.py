"""Captures side by side do not see each other."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from metric_points import values_of
from opentelemetry import trace
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langswarm_otel.override import active
from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.sampling import SwitchSampler
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider


class App:
    """A program that everything below shares."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.reader = SwitchReader()
        processors = [SimpleSpanProcessor(self.spans)]
        tracers = SwitchTracerProvider(resource=Resource({}), sampler=SwitchSampler(), span_limits=SpanLimits(), processors=processors)
        self.tracer = tracers.get_tracer("app")
        self.counter = SwitchMeterProvider(resource=Resource({}), reader=self.reader).get_meter("app").create_counter("c")
        self.logger = SwitchLoggerProvider(resource=Resource({}), limits=LogRecordLimits()).get_logger("app")

    def emit(self, who: str) -> None:
        self.counter.add(1, {"who": who})
        self.logger.emit(body=who)
        self.tracer.start_span(who).end()


@pytest.fixture
def app() -> App:
    return App()


def capture() -> Capture[None]:
    return Capture(build=lambda *providers: None)


def assert_own(captured: Capture[Any], who: str, count: int) -> None:
    """Exactly these, with ids that count up from 1."""
    spans = captured.spans()
    assert {span.name for span in spans} == {who}
    assert sorted(span.context.span_id for span in spans) == list(range(1, count + 1))
    assert {record.log_record.body for record in captured.log_records()} == {who}
    assert values_of(captured.metrics(), "c") == {(who,): len(captured.log_records())}


async def test_twenty_tasks_each_with_a_capture_of_its_own(app: App) -> None:
    """With child tasks and threads inside, that inherit the context; nothing leaks to a neighbour or to production."""

    async def one(number: int) -> tuple[str, Capture[None]]:
        who = f"task {number}"
        with capture() as captured:
            app.emit(who)
            await asyncio.sleep(0)
            with app.tracer.start_as_current_span(who):
                await asyncio.gather(*(asyncio.create_task(child(who)) for _ in range(3)), asyncio.to_thread(app.emit, who))
            await asyncio.sleep(0)
            app.emit(who)
        return who, captured

    async def child(who: str) -> None:
        await asyncio.sleep(0)
        app.emit(who)

    for who, captured in await asyncio.gather(*(one(number) for number in range(20))):
        assert_own(captured, who, 7)
        roots = [span for span in captured.spans() if span.parent is None]
        assert len(roots) == 3
    assert active() is None
    assert not app.spans.get_finished_spans()
    assert app.reader.take() is None


def test_eight_threads_each_with_a_capture_of_its_own(app: App) -> None:
    """Beside one thread without, whose telemetry goes to production; pools see a capture through a copied context."""
    found: dict[str, Capture[None]] = {}
    barrier = threading.Barrier(9)

    def one(who: str) -> None:
        barrier.wait(10)
        with capture() as captured, ThreadPoolExecutor(2) as pool:
            for _ in range(20):
                app.emit(who)
            for future in [pool.submit(contextvars.copy_context().run, app.emit, who) for _ in range(4)]:
                future.result()
        found[who] = captured

    threads = [threading.Thread(target=one, args=(f"thread {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    barrier.wait(10)
    for _ in range(50):
        app.emit("production")
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for who, captured in found.items():
        assert_own(captured, who, 24)
    assert {span.name for span in app.spans.get_finished_spans()} == {"production"}
    assert values_of(app.reader.take(), "c") == {("production",): 50}


@pytest.fixture
async def captured_by_a_fixture(app: App) -> Any:
    """Set up in one context and torn down in another, as runners of asynchronous fixtures do it."""
    with capture() as captured:
        yield captured


async def test_an_asynchronous_fixture_may_hold_a_capture(captured_by_a_fixture: Capture[None]) -> None:
    """Its tear-down in another context is silent; a ContextVar token would raise ``ValueError`` there."""
    assert captured_by_a_fixture.spans() == ()


def test_entered_and_left_in_different_contexts(app: App) -> None:
    """Neither raises nor logs, and leaves no capture behind in either context."""
    captured = capture()
    entering, leaving = contextvars.copy_context(), contextvars.copy_context()
    entering.run(captured.__enter__)
    entering.run(app.emit, "inside")
    leaving.run(captured.__exit__, None, None, None)
    assert leaving.run(active) is None
    assert not leaving.run(trace.get_current_span).get_span_context().is_valid
    assert [span.name for span in captured.spans()] == ["inside"]
    assert active() is None
