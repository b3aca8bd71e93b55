"""A capture holds everything emitted in its context, and nothing else."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from metric_points import values_of
from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk._logs import LogRecordLimits, LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.override import active, set_everywhere, set_override
from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.sampling import SwitchSampler
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider


def capture(**settings: Any) -> Capture[tuple[Any, ...]]:
    return Capture(build=lambda *providers: providers, **settings)


class App:
    """A program on our providers, with tracer, counter and logger obtained long before any capture."""

    def __init__(self) -> None:
        self.spans = InMemorySpanExporter()
        self.reader = SwitchReader()
        tracers = SwitchTracerProvider(
            resource=Resource({}), sampler=SwitchSampler(), span_limits=SpanLimits(), processors=[SimpleSpanProcessor(self.spans)]
        )
        self.tracer = tracers.get_tracer("app")
        self.meter = SwitchMeterProvider(resource=Resource({}), reader=self.reader).get_meter("app")
        self.counter = self.meter.create_counter("c")
        self.logger = SwitchLoggerProvider(resource=Resource({}), limits=LogRecordLimits()).get_logger("app")

    def work(self, name: str = "work") -> None:
        with self.tracer.start_as_current_span(name):
            self.counter.add(1, {"name": name})
            self.logger.emit(body=name)


@pytest.fixture
def app() -> App:
    return App()


def test_everything_inside_and_nothing_outside(app: App) -> None:
    """Spans, points and records are the SDK's public objects; production sees nothing of them."""
    app.work("before")
    with capture() as captured:
        app.work("inside")
    app.work("after")
    assert [span.name for span in captured.spans()] == ["inside"]
    assert [record.log_record.body for record in captured.log_records()] == ["inside"]
    assert values_of(captured.metrics(), "c") == {("inside",): 1}
    assert isinstance(captured.spans()[0], ReadableSpan)
    assert isinstance(captured.log_records()[0], ReadableLogRecord)
    assert isinstance(captured.metrics(), MetricsData)
    assert [span.name for span in app.spans.get_finished_spans()] == ["before", "after"]
    assert values_of(app.reader.take(), "c") == {("before",): 1, ("after",): 1}


def test_ids_count_up_in_each_capture(app: App) -> None:
    """Tests may compare them."""
    for _ in range(2):
        with capture() as captured:
            app.work("one")
            with app.tracer.start_as_current_span("outer"):
                app.work("inner")
        ids = [(span.name, span.context.trace_id, span.context.span_id, span.parent and span.parent.span_id) for span in captured.spans()]
        assert ids == [("one", 1, 1, None), ("inner", 2, 3, 2), ("outer", 2, 2, None)]
        record = captured.log_records()[1].log_record
        assert (record.trace_id, record.span_id) == (2, 3)


def test_it_starts_with_an_empty_context_and_puts_the_old_one_back(app: App) -> None:
    """A span open outside is no parent inside; one left current inside does not stay."""
    outside = trace.set_span_in_context(NonRecordingSpan(SpanContext(9, 9, is_remote=False, trace_flags=TraceFlags(1))))
    context_api.attach(context_api.set_value("mine", 1, outside))
    before = context_api.get_current()
    with capture() as captured:
        assert context_api.get_value("mine") is None
        app.work()
        context_api.attach(trace.set_span_in_context(app.tracer.start_span("left open")))
    assert captured.spans()[0].parent is None
    assert context_api.get_current() == before
    assert trace.get_current_span().get_span_context().span_id == 9


def test_nested_captures(app: App) -> None:
    """The inner one wins, and the outer one goes on afterwards."""
    with capture() as outer:
        app.work("a")
        with capture() as inner:
            app.work("b")
            assert active() is inner
        app.work("c")
    assert active() is None
    assert [span.name for span in outer.spans()] == ["a", "c"]
    assert [span.name for span in inner.spans()] == ["b"]
    assert values_of(outer.metrics(), "c") == {("a",): 1, ("c",): 1}


def test_left_by_an_exception_it_is_left(app: App) -> None:
    """The exception goes on, and what was captured stays readable."""
    with pytest.raises(KeyError), capture() as captured:
        app.work()
        raise KeyError
    assert active() is None
    assert len(captured.spans()) == 1


def test_telemetry_is_built_once_from_its_providers_when_asked_for(app: App) -> None:
    """Operations use it; many captures never ask."""
    built = []

    def build(*providers: Any) -> object:
        built.append(providers)
        return object()

    captured = Capture(build=build)
    assert not built
    assert captured.telemetry is captured.telemetry
    assert built == [(captured.tracer_provider, captured.meter_provider, captured.logger_provider)]


def test_metrics_are_made_when_first_needed(app: App) -> None:
    """Each meter provider leaves something behind in the process for ever, and many tests have no metrics."""
    before = set(MeterProvider._all_metric_readers)  # held here: the set is weak, and the collector may run at any time
    with capture() as captured:
        with app.tracer.start_as_current_span("s"):
            app.logger.emit(body="x")
        assert captured.metrics() is None
        assert set(MeterProvider._all_metric_readers) <= before
        app.counter.add(1)
        assert values_of(captured.metrics(), "c") == {(): 1}
        assert values_of(captured.metrics(), "c") == {(): 1}, "may be read again"


def test_after_the_end_nothing_is_kept_and_it_is_counted(app: App) -> None:
    """A task left behind still emits into the capture; it must not grow for ever, and production must not get it."""
    with capture() as captured:
        late = app.tracer.start_span("late")
    late.end()
    set_override(captured)
    app.work("later")
    set_override(None)
    assert not captured.spans()
    assert captured.dropped == 3
    assert not app.spans.get_finished_spans()


def test_it_is_bounded(app: App) -> None:
    """What finds no room is counted."""
    with capture(max_records=3) as captured:
        for _ in range(5):
            app.work()
    assert (len(captured.spans()), len(captured.log_records()), captured.dropped) == (3, 3, 4)


def test_processors_work_before_records_are_kept(app: App) -> None:
    """The pipelines' own processors stamp spans and records in a test as in production."""

    class Stamp(SpanProcessor):
        def on_start(self, span: Span, parent_context=None) -> None:
            span.set_attribute("stamped", True)

    class StampLog(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            log_record.log_record.attributes["stamped"] = True

        def shutdown(self) -> None: ...

        def force_flush(self, timeout_millis: int = 0) -> bool:
            return True

    with capture(span_processors=[Stamp()], log_processors=[StampLog()]) as captured:
        app.work()
    assert captured.spans()[0].attributes["stamped"]
    assert captured.log_records()[0].log_record.attributes["stamped"]


def test_the_environment_cannot_switch_it_off(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SDK_DISABLED in a shell must not make assertions fail, nor a misspelt exemplar filter."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_METRICS_EXEMPLAR_FILTER", "nonsense")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with capture() as captured:
        app.work()
    assert len(captured.spans()) == len(captured.log_records()) == 1
    assert values_of(captured.metrics(), "c") == {("work",): 1}


def test_the_resource_is_fixed_or_given(app: App) -> None:
    """Detectors are not run: they read the machine and would differ from run to run."""
    with capture() as captured, capture(resource=Resource({"service.name": "mine"})) as given:
        app.work()
        given_resource = given.spans()[0].resource
    assert dict(captured.tracer_provider.resource.attributes) == {"service.name": "capture"}
    assert dict(given_resource.attributes) == {"service.name": "mine"}


def test_one_capture_cannot_be_entered_twice_at_once() -> None:
    """What was there before would be lost."""
    captured = capture()
    with captured, pytest.raises(RuntimeError, match="entered already"):
        captured.__enter__()
    assert active() is None


def test_a_forgotten_capture_is_garbage(app: App) -> None:
    """Instruments remember the twins of captures, but not the captures."""

    def run() -> weakref.ref[Any]:
        with capture() as captured:
            app.work()
            captured.metrics()
        return weakref.ref(captured)

    gone = run()
    gc.collect()
    assert gone() is None


@pytest.fixture
def thread_started_before(app: App) -> Iterator[Any]:
    """A thread of the application with a context of its own, that works when told."""
    go, done = threading.Semaphore(0), threading.Semaphore(0)

    def run() -> None:
        while go.acquire(timeout=20) and not stopping:
            app.work("thread")
            done.release()

    stopping: list[bool] = []
    thread = threading.Thread(target=run)
    thread.start()

    def work() -> None:
        go.release()
        assert done.acquire(timeout=10)

    yield work
    stopping.append(True)
    go.release()
    thread.join()


def test_everywhere_captures_threads_started_before(app: App, thread_started_before: Any) -> None:
    """A context set now is not seen by a thread or loop that has its own; a process-wide capture is."""
    with capture() as narrow:
        thread_started_before()
    assert not narrow.spans()
    with capture(everywhere=True) as wide:
        thread_started_before()
        app.work("here")
    thread_started_before()
    assert [span.name for span in wide.spans()] == ["thread", "here"]
    assert [span.name for span in app.spans.get_finished_spans()] == ["thread", "thread"]


def test_a_capture_of_a_context_wins_over_everywhere(app: App) -> None:
    """As the more particular one."""
    with capture(everywhere=True) as wide, capture() as narrow:
        app.work()
    assert (len(wide.spans()), len(narrow.spans())) == (0, 1)


@pytest.mark.parametrize("everywhere", [False, True])
def test_everywhere_is_refused_while_another_is_alive(app: App, everywhere: bool) -> None:
    """It would take what belongs to the other, or miss it; afterwards it is allowed."""
    with capture(everywhere=everywhere) as first:
        with pytest.raises(RuntimeError, match="the only one"):
            capture(everywhere=True).__enter__()
        app.work()
    assert len(first.spans()) == 1
    with capture(everywhere=True) as second:
        app.work()
    assert len(second.spans()) == 1
    assert active() is None


def test_everywhere_respects_an_override_of_others() -> None:
    """Whatever else is set for the whole process stays."""
    other = capture()
    set_everywhere(other)
    with pytest.raises(RuntimeError, match="the only one"):
        capture(everywhere=True).__enter__()
    assert active() is other


def test_observables_made_inside_are_asked_when_it_is_read(app: App) -> None:
    """And those of the process are not."""
    asked = []
    app.meter.create_observable_gauge("process", [lambda options: asked.append("process") or []])
    with capture() as captured:
        app.meter.create_observable_gauge("inside", [lambda options: [Observation(3)]])
        assert values_of(captured.metrics(), "inside") == {(): 3}
    assert not asked
