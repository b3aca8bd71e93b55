"""Samplers by name, and one that may change under traffic."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Decision, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.pipelines.installed import build_id_generator
from langswarm_otel.pipelines.sampling import SwitchSampler, build_sampler, parent_based_ratio
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

SPEC_NAMES = {
    "always_on": "AlwaysOnSampler",
    "always_off": "AlwaysOffSampler",
    "traceidratio": "TraceIdRatioBased{0.25}",
    "parentbased_always_on": "ParentBased{root:AlwaysOnSampler",
    "parentbased_always_off": "ParentBased{root:AlwaysOffSampler",
    "parentbased_traceidratio": "ParentBased{root:TraceIdRatioBased{0.25}",
}


def decide(sampler: Sampler, trace_id: int = 1, *, parent_sampled: bool | None = None) -> Decision:
    context = None
    if parent_sampled is not None:
        parent = SpanContext(trace_id, 2, is_remote=True, trace_flags=TraceFlags(int(parent_sampled)))
        context = trace.set_span_in_context(NonRecordingSpan(parent))
    return sampler.should_sample(context, trace_id, "name").decision


@pytest.mark.parametrize("name", SPEC_NAMES)
def test_the_six_names_of_the_specification(name: str) -> None:
    """Whatever the case and the blanks, as environment variables have them."""
    assert build_sampler(f" {name.upper()} ", 0.25).get_description().startswith(SPEC_NAMES[name])


def test_no_name_is_the_parent_based_ratio() -> None:
    """The default follows the parent and otherwise the ratio."""
    nothing = build_sampler(None, 0.0)
    assert decide(nothing) is Decision.DROP
    assert decide(nothing, parent_sampled=True) is Decision.RECORD_AND_SAMPLE
    everything = build_sampler(None, 1)
    assert decide(everything) is Decision.RECORD_AND_SAMPLE
    assert decide(everything, parent_sampled=False) is Decision.DROP


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan"), float("inf"), "half", None, True])
@pytest.mark.parametrize(
    "make", [parent_based_ratio, lambda ratio: build_sampler("traceidratio", ratio), SwitchSampler(ALWAYS_ON).set_ratio]
)
def test_wrong_ratios_are_refused(make: Callable[[Any], Any], ratio: Any) -> None:
    """With the name of the setting; the SDK logs them and samples everything."""
    with pytest.raises(ConfigurationError, match=r"sample_ratio=.*give a number from 0 to 1"):
        make(ratio)


def test_a_wrong_name_is_refused_with_what_was_meant() -> None:
    """The SDK logs it and samples everything."""
    with pytest.raises(
        ConfigurationError, match=r"sampler='parentbased_traceidratoi': did you mean 'parentbased_traceidratio'\? known are always_off"
    ):
        build_sampler("parentbased_traceidratoi")


PACKAGE = """
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

class Given(Sampler):
    def __init__(self, argument):
        if argument == "broken":
            raise KeyError("broken")
        self.argument = argument

    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None):
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self):
        return f"Given{{{self.argument}}}"
"""
ENTRY_POINTS = """
[opentelemetry_traces_sampler]
given = offered_sampler:Given
none = builtins:str
gone = no_such_module:Sampler
"""


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more distribution is installed, which offers samplers."""
    (tmp_path / "offered_sampler.py").write_text(PACKAGE)
    metadata = tmp_path / "offered_sampler-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: offered-sampler\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_sampler_of_an_installed_package_gets_its_argument(offered: None) -> None:
    """As the SDK calls it: with the text of OTEL_TRACES_SAMPLER_ARG."""
    assert build_sampler("given", argument="x=1").get_description() == "Given{x=1}"
    assert build_sampler("given").get_description() == "Given{None}"


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("given", "broken", "fails with KeyError"),
        ("none", "x", "makes a str, which is no Sampler"),
        ("gone", None, "fails with ModuleNotFoundError"),
        ("absent", None, "known are always_off, always_on, g"),
    ],
)
def test_a_sampler_that_cannot_be_made_is_refused(offered: None, name: str, argument: str | None, message: str) -> None:
    """Each way in which it can fail says which."""
    with pytest.raises(ConfigurationError, match=message):
        build_sampler(name, argument=argument)


def test_id_generators_by_name() -> None:
    """``random`` is built in; anything else must be installed."""
    assert type(build_id_generator("random")).__name__ == "RandomIdGenerator"
    with pytest.raises(ConfigurationError, match=r"id_generator='xray': known are random; others come with a package"):
        build_id_generator("xray")


def provider_with(sampler: SwitchSampler) -> tuple[SwitchTracerProvider, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    return SwitchTracerProvider(
        resource=Resource({}), sampler=sampler, span_limits=SpanLimits(), processors=[SimpleSpanProcessor(exporter)]
    ), exporter


def test_the_ratio_changes_for_tracers_handed_out_and_under_traffic() -> None:
    """All traces are sampled at 1, none at 0, while four threads make them; every change is seen at once."""
    sampler = SwitchSampler()
    provider, exporter = provider_with(sampler)
    tracer = provider.get_tracer("t")
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            with tracer.start_as_current_span("noise"), tracer.start_as_current_span("noise.child"):
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for turn in range(30):
            sampler.set_ratio(turn % 2)
            tracer.start_span(f"probe {turn}").end()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans if span.name.startswith("probe")] == [f"probe {turn}" for turn in range(1, 30, 2)]
    parents = {span.context.span_id for span in spans if span.name == "noise"}
    children = [span.parent.span_id for span in spans if span.name == "noise.child"]
    assert len(children) == len(parents)
    assert set(children) == parents


def test_the_ratio_is_a_share_of_traces() -> None:
    """About a quarter of 2 000 random traces at 0.25."""
    sampler = SwitchSampler(build_sampler(None, 0.25))
    provider, exporter = provider_with(sampler)
    for _ in range(2_000):
        provider.get_tracer("t").start_span("s").end()
    assert 350 < len(exporter.get_finished_spans()) < 650


def test_a_sampler_without_parent_stays_one() -> None:
    """Who configured ``traceidratio`` keeps it when the ratio changes."""
    sampler = SwitchSampler(build_sampler("traceidratio", 1.0))
    sampler.set_ratio(0.0)
    assert isinstance(sampler.target, TraceIdRatioBased)
    assert decide(sampler, parent_sampled=True) is Decision.DROP


def test_a_target_may_be_any_sampler_also_one_that_knows_no_trace_state() -> None:
    """Samplers written before ``trace_state`` came take six arguments; attributes and links arrive."""
    sampler = SwitchSampler()
    seen = []

    class Old(Sampler):
        def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None):
            seen.append((name, dict(attributes), list(links)))
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"added": True})

        def get_description(self) -> str:
            return "Old"

    sampler.target = Old()
    provider, exporter = provider_with(sampler)
    provider.get_tracer("t").start_span("s", attributes={"a": 1}).end()
    assert seen == [("s", {"a": 1}, [])]
    assert dict(exporter.get_finished_spans()[0].attributes) == {"added": True}
    assert sampler.get_description() == "SwitchSampler{Old}"


class Raising(Sampler):
    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None):
        raise ZeroDivisionError

    def get_description(self) -> str:
        return "Raising"


class Forgetful(Raising):
    def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None, links=None):
        return None


@pytest.mark.parametrize("broken", [Raising(), Forgetful()])
def test_a_broken_sampler_never_reaches_the_application(broken: Sampler, caplog: pytest.LogCaptureFixture) -> None:
    """New traces are dropped, started ones stay whole, the fault is counted, and one line says so."""
    sampler = SwitchSampler(broken)
    provider, exporter = provider_with(sampler)
    tracer = provider.get_tracer("t")
    with caplog.at_level(logging.WARNING, logger="langswarm_otel"), tracer.start_as_current_span("root"):
        tracer.start_span("child").end()
    assert not exporter.get_finished_spans()
    assert decide(sampler, parent_sampled=True) is Decision.RECORD_AND_SAMPLE
    assert guard.faults() == {"sampler": 3}
    assert len(caplog.records) == 1


def test_always_off_as_a_target_still_makes_ids() -> None:
    """Sampling away is not disabling: the trace goes on, unsampled."""
    provider, exporter = provider_with(SwitchSampler(ALWAYS_OFF))
    span = provider.get_tracer("t").start_span("s")
    assert span.get_span_context().is_valid
    assert not span.get_span_context().trace_flags.sampled
    assert not exporter.get_finished_spans()
