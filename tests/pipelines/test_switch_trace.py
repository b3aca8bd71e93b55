"""Tracers that decide at each call where a span goes."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, Tracer, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.sampling import SwitchSampler
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

REMOTE = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1), trace_state=TraceState([("vendor", "x")]))


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> SwitchTracerProvider:
    return SwitchTracerProvider(
        resource=Resource({"service.name": "s"}),
        sampler=SwitchSampler(),
        span_limits=SpanLimits(),
        processors=[SimpleSpanProcessor(exporter)],
    )


def names(exporter: InMemorySpanExporter) -> list[str]:
    return [span.name for span in exporter.get_finished_spans()]


def capture() -> Capture[None]:
    return Capture(build=lambda *providers: None)


def test_types_are_the_sdks(provider: SwitchTracerProvider) -> None:
    """Libraries check for the SDK's types before they use what the API does not have."""
    tracer = provider.get_tracer("t", "1.0")
    assert isinstance(provider, TracerProvider)
    assert isinstance(tracer, Tracer)
    assert tracer.resource is provider.resource
    assert tracer.sampler is provider.sampler
    assert tracer.instrumentation_info.name == "t"


def test_one_handle_a_scope(provider: SwitchTracerProvider) -> None:
    """Handles are cached like the SDK's tracers, so that instrumentors that ask for each call cost nothing."""
    assert provider.get_tracer("t", "1") is provider.get_tracer("t", "1")
    assert provider.get_tracer("t", "1") is not provider.get_tracer("t", "2")
    assert provider.get_tracer("t", attributes={"a": 1}) is not provider.get_tracer("t", attributes={"a": 2})


def test_everything_given_to_a_span_arrives(provider: SwitchTracerProvider, exporter: InMemorySpanExporter) -> None:
    """The handle forwards every argument; one forgotten or swapped would show here."""
    tracer = provider.get_tracer("t", "1.0", "https://schema", {"scope": "yes"})
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    link = trace.Link(SpanContext(1, 2, is_remote=False))
    tracer.start_span("s", parent, SpanKind.CLIENT, {"a": 1}, [link], 123, record_exception=False, set_status_on_exception=False).end(456)
    (span,) = exporter.get_finished_spans()
    assert span.parent == REMOTE
    assert (span.kind, dict(span.attributes), span.start_time, span.end_time) == (SpanKind.CLIENT, {"a": 1}, 123, 456)
    assert [one.context for one in span.links] == [link.context]
    scope = span.instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url, dict(scope.attributes)) == ("t", "1.0", "https://schema", {"scope": "yes"})
    with pytest.raises(ValueError), tracer.start_span("quiet", record_exception=False, set_status_on_exception=False):
        raise ValueError
    quiet = exporter.get_finished_spans()[1]
    assert not quiet.events
    assert quiet.status.is_unset


def test_disabled_passes_the_parents_context_on(provider: SwitchTracerProvider, exporter: InMemorySpanExporter) -> None:
    """As without an SDK: the next service hangs below the real parent, with its flags and state, and not below a span never made."""
    tracer = provider.get_tracer("t")
    provider.enabled = False
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    span = tracer.start_span("s", parent)
    assert span.get_span_context() == REMOTE
    assert span.get_span_context().trace_state == REMOTE.trace_state
    assert not span.is_recording()
    assert not tracer.start_span("root").get_span_context().is_valid
    with tracer.start_as_current_span("s", parent):
        assert trace.get_current_span().get_span_context() == REMOTE
    assert not names(exporter)
    provider.enabled = True
    tracer.start_span("again").end()
    assert names(exporter) == ["again"]


def test_sdk_disabled_in_the_environment_does_not_freeze_the_provider(
    monkeypatch: pytest.MonkeyPatch, exporter: InMemorySpanExporter
) -> None:
    """OTEL_SDK_DISABLED is read by our configuration; a provider made under it must be able to wake, and the variable stays as it was."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    provider = SwitchTracerProvider(
        resource=Resource({}), sampler=SwitchSampler(), span_limits=SpanLimits(), processors=[SimpleSpanProcessor(exporter)], enabled=False
    )
    tracer = provider.get_tracer("t")
    tracer.start_span("asleep").end()
    provider.enabled = True
    tracer.start_span("awake").end()
    assert names(exporter) == ["awake"]


def test_current_span_as_context_manager_and_as_decorator_resolves_at_each_call(
    provider: SwitchTracerProvider, exporter: InMemorySpanExporter
) -> None:
    """A decorator applied at import follows captures and configuration; for functions and coroutines, whose whole run the span covers."""
    tracer = provider.get_tracer("t")

    @tracer.start_as_current_span("function")
    def function() -> bool:
        return trace.get_current_span().is_recording()

    @tracer.start_as_current_span("coroutine")
    async def coroutine() -> bool:
        await asyncio.sleep(0)
        return trace.get_current_span().is_recording()

    provider.enabled = False
    assert not function()
    provider.enabled = True
    assert function()
    assert asyncio.run(coroutine())
    with capture() as captured, tracer.start_as_current_span("block"):
        assert function()
        assert asyncio.run(coroutine())
    assert names(exporter) == ["function", "coroutine"]
    assert [span.name for span in captured.spans()] == ["function", "coroutine", "block"]
    assert {span.parent and span.parent.span_id for span in captured.spans()[:2]} == {1}


def test_exceptions_are_recorded_as_by_the_sdk(provider: SwitchTracerProvider, exporter: InMemorySpanExporter) -> None:
    """The inherited context manager records and re-raises the same exception."""
    error = ValueError("no")
    with pytest.raises(ValueError) as caught, provider.get_tracer("t").start_as_current_span("s"):
        raise error
    assert caught.value is error
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok
    assert [event.name for event in span.events] == ["exception"]


def test_a_span_ends_where_it_was_started(provider: SwitchTracerProvider, exporter: InMemorySpanExporter) -> None:
    """Started in a capture and ended outside it belongs to the capture, and the other way round."""
    tracer = provider.get_tracer("t")
    outside = tracer.start_span("outside")
    with capture() as captured:
        inside = tracer.start_span("inside")
        outside.end()
        inside.end()
        left_open = tracer.start_span("open")
    assert names(exporter) == ["outside"]
    assert [span.name for span in captured.spans()] == ["inside"]
    left_open.end()
    assert names(exporter) == ["outside"]


def test_scope_is_kept_in_a_capture(provider: SwitchTracerProvider) -> None:
    """A captured span still says which library made it."""
    tracer = provider.get_tracer("library", "2.1", "https://schema")
    with capture() as captured:
        tracer.start_span("s").end()
    scope = captured.spans()[0].instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url) == ("library", "2.1", "https://schema")


def test_processors_of_others_see_nothing_of_a_capture(provider: SwitchTracerProvider) -> None:
    """What somebody added to our global provider exports production and no test."""
    foreign = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(foreign))
    with capture():
        provider.get_tracer("t").start_span("captured").end()
    provider.get_tracer("t").start_span("real").end()
    assert names(foreign) == ["real"]


def test_limits_and_ids_are_those_given(exporter: InMemorySpanExporter) -> None:
    """The provider takes the limits object, which may be changed later, and the generator of ids."""

    class Ids(IdGenerator):
        def generate_span_id(self) -> int:
            return 7

        def generate_trace_id(self) -> int:
            return 9

    limits = SpanLimits()
    provider = SwitchTracerProvider(
        resource=Resource({}), sampler=SwitchSampler(), span_limits=limits, processors=[SimpleSpanProcessor(exporter)], id_generator=Ids()
    )
    tracer = provider.get_tracer("t")
    limits.max_span_attribute_length = 2
    tracer.start_span("s", attributes={"a": "abc"}).end()
    (span,) = exporter.get_finished_spans()
    assert dict(span.attributes) == {"a": "ab"}
    assert (span.context.trace_id, span.context.span_id) == (9, 7)


def test_nothing_is_registered_for_the_exit(provider: SwitchTracerProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own exit hooks would shut down one provider after the other, without a deadline."""
    registered: list[object] = []
    monkeypatch.setattr("atexit.register", registered.append)
    SwitchTracerProvider(resource=Resource({}), sampler=SwitchSampler(), span_limits=SpanLimits())
    assert not registered


def test_spans_go_on_after_a_shutdown_by_others(provider: SwitchTracerProvider) -> None:
    """Somebody who shuts the global provider down ends its processors and freezes nothing: what comes later is still offered."""
    offered = []

    class Late(SimpleSpanProcessor):
        def on_end(self, span) -> None:
            offered.append(span.name)

    provider.add_span_processor(Late(InMemorySpanExporter()))
    provider.shutdown()
    provider.get_tracer("t").start_span("late").end()
    assert offered == ["late"]


def test_another_resource_reaches_tracers_handed_out(provider: SwitchTracerProvider, exporter: InMemorySpanExporter) -> None:
    """A handle may be configured anew after its shut-down, as another service."""
    tracer = provider.get_tracer("t")
    provider.replace_resource(Resource({"service.name": "other"}))
    tracer.start_span("s").end()
    assert exporter.get_finished_spans()[0].resource.attributes["service.name"] == "other"


def test_a_handle_can_be_copied(provider: SwitchTracerProvider) -> None:
    """Frameworks deep-copy objects that hold a tracer; looking up what a half-made copy has not yet must end."""
    tracer = provider.get_tracer("t")
    assert copy.copy(tracer).resource is provider.resource


@pytest.fixture
def switching(provider: SwitchTracerProvider) -> Iterator[None]:
    stop = threading.Event()

    def toggle() -> None:
        while not stop.is_set():
            provider.enabled = not provider.enabled

    thread = threading.Thread(target=toggle)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_switching_under_traffic_makes_whole_spans(provider: SwitchTracerProvider, exporter: InMemorySpanExporter, switching: None) -> None:
    """Whether a span is made is decided once, at its start: no span is half there, and none is reported twice."""
    tracer = provider.get_tracer("t")
    made = []

    def work() -> None:
        for _ in range(300):
            with tracer.start_as_current_span("s") as span:
                if span.is_recording():
                    made.append(span.get_span_context().span_id)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(span.context.span_id for span in exporter.get_finished_spans()) == sorted(made)
