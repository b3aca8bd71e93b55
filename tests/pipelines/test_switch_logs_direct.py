"""Records that our loggers make themselves: the same as the SDK's, and only where nobody else looks on."""

from __future__ import annotations

import time
import warnings
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from offered_logs import Offered, Onlooker, encoded
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry._logs import NoOpLogger, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context, set_value
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel.export.processors import QueueLogRecordProcessor
from langswarm_otel.export.sdk_private import SUPPRESS_INSTRUMENTATION_KEY, is_switched_on, set_configurator
from langswarm_otel.pipelines.processors import FilteringLogProcessor
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
from langswarm_otel.whereabouts import whereabouts

RESOURCE = Resource({"service.name": "s"})


def make(*others: Any, limits: LogRecordLimits | None = None, **options: Any) -> tuple[SwitchLoggerProvider, Offered]:
    """Return a provider that offers its records, with other processors beside ours."""
    offered = Offered()
    ours = FilteringLogProcessor(offered)  # type: ignore[arg-type]
    return SwitchLoggerProvider(resource=RESOURCE, limits=limits or LogRecordLimits(), processors=[ours, *others], **options), offered


def in_span(trace_id: int, span_id: int, flags: int) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(flags))))


PRIMITIVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(max_size=12), st.binary(max_size=4)
)
VALUES = st.recursive(
    PRIMITIVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)), max_leaves=4
)
ATTRIBUTES = st.one_of(st.none(), st.dictionaries(st.text(max_size=4), PRIMITIVES), st.dictionaries(st.text(max_size=4), VALUES))
KINDS = st.sampled_from([lambda a: a, lambda a: a and MappingProxyType(a), lambda a: a and BoundedAttributes(None, a)])
CONTEXTS = st.one_of(
    st.none(),
    st.just(Context()),
    st.builds(in_span, st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1), st.sampled_from([0, 1])),
)
TIMES = st.one_of(st.none(), st.integers(0, 2**62))


@given(
    attributes=ATTRIBUTES,
    kind=KINDS,
    given_context=CONTEXTS,
    current=CONTEXTS,
    timestamp=TIMES,
    observed=st.integers(0, 2**62),
    severity=st.one_of(st.none(), st.sampled_from(SeverityNumber)),
    severity_text=st.one_of(st.none(), st.text(max_size=5)),
    body=VALUES,
    event_name=st.one_of(st.none(), st.text(max_size=5)),
    exception=st.one_of(st.none(), st.just(ValueError("boom"))),
    most=st.one_of(st.none(), st.integers(0, 4)),
    longest=st.one_of(st.none(), st.integers(0, 8)),
)
def test_records_are_the_sdks(
    *, attributes, kind, given_context, current, timestamp, observed, severity, severity_text, body, event_name, exception, most, longest
) -> None:
    """Whatever is emitted, the record that we make encodes to the very message of the one that the SDK makes and we copy."""
    limits = LogRecordLimits()
    limits.max_log_record_attributes, limits.max_log_record_attribute_length = most, longest
    direct, ours = make(limits=limits)
    onlooker = Onlooker()
    through_sdk, theirs = make(onlooker, limits=limits)
    assert direct.queue is not None
    assert through_sdk.queue is None
    otel_context.attach(Context() if current is None else current)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for provider in (direct, through_sdk):
            provider.get_logger("l", "1", "https://schema", {"scope": 1}).emit(
                timestamp=timestamp,
                observed_timestamp=observed,
                context=given_context,
                severity_number=severity,
                severity_text=severity_text,
                body=body,
                attributes=kind(attributes),
                event_name=event_name,
                exception=exception,
            )
    (record,), (expected,) = ours.records, theirs.records
    assert encoded([record]) == encoded([expected])
    assert record.dropped_attributes == expected.dropped_attributes
    assert record.log_record.attributes == expected.log_record.attributes
    mine, others = vars(record.log_record).copy(), vars(expected.log_record).copy()
    assert mine.pop("exception") is others.pop("exception")
    assert (mine.pop("attributes"), mine) == (others.pop("attributes"), others)
    assert len(onlooker.seen) == 1


def test_the_time_of_observation_is_now() -> None:
    """Where nobody gives one."""
    provider, offered = make()
    before = time.time_ns()
    provider.get_logger("l").emit(body="x")
    assert before <= offered.records[0].log_record.observed_timestamp <= time.time_ns()


def test_attributes_are_the_callers_no_more() -> None:
    """What the caller does to its dict afterwards does not change the record."""
    provider, offered = make()
    attributes: dict[str, Any] = {"a": 1}
    provider.get_logger("l").emit(body="x", attributes=attributes)
    attributes["a"] = 2
    assert offered.records[0].log_record.attributes == {"a": 1}


def test_a_processor_added_later_sees_every_record() -> None:
    """From then on the records go the SDK's way, also through loggers handed out before."""
    provider, offered = make()
    logger = provider.get_logger("l")
    logger.emit(body="alone")
    onlooker = Onlooker()
    provider.add_log_record_processor(onlooker)
    logger.emit(body="watched")
    assert not logger.emit_plain(1, SeverityNumber.INFO, "INFO", "x", {}, None, Context())
    assert onlooker.seen == ["watched"]
    assert [each.log_record.body for each in offered.records] == ["alone", "watched"]


def test_a_queue_with_another_way_of_its_own_is_asked() -> None:
    """A subclass that looks at each record itself is not passed over."""
    seen = []

    class Mine(QueueLogRecordProcessor):
        def on_emit(self, log_record: Any) -> None:
            seen.append(log_record.log_record.body)

    provider = SwitchLoggerProvider(resource=RESOURCE, limits=LogRecordLimits(), processors=[Mine(Offered())])  # type: ignore[arg-type]
    assert provider.queue is None
    provider.get_logger("l").emit(body="x")
    assert seen == ["x"]


def test_a_configurator_is_obeyed_alive() -> None:
    """Which scopes are on may change at any time; both ways of emitting follow."""
    provider, offered = make()
    logger = provider.get_logger("off")
    config = type(logger._logger_config)
    set_configurator(provider, lambda scope: config(is_enabled=scope.name != "off"))
    assert not logger.enabled()
    logger.emit(body="x")
    assert not logger.emit_plain(1, SeverityNumber.INFO, "INFO", "x", {}, None, Context())
    provider.get_logger("on").emit(body="y")
    set_configurator(provider, lambda scope: config())
    assert logger.enabled()
    logger.emit(body="z")
    assert [each.log_record.body for each in offered.records] == ["y", "z"]


def test_the_sdks_own_metrics_count_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the SDK is told to count its records, every record goes its way."""
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    provider, offered = make(meter_provider=MeterProvider([reader], shutdown_on_exit=False))
    assert provider.queue is None
    provider.get_logger("l").emit(body="x")
    assert len(offered.records) == 1
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.data.data_points[0].value) == ("otel.sdk.log.created", 1)


@pytest.mark.parametrize("others", [(), (Onlooker(),)])
def test_telemetry_about_itself_stays_out(others: Any) -> None:
    """By either way: excluded loggers without a version, and whatever is made while telemetry is being sent."""
    provider, offered = make(*others)
    provider.get_logger("urllib3.connectionpool").emit(body="a")
    provider.get_logger("opentelemetry.instrumentation.genai", "1.0").emit(body="b")
    assert SUPPRESS_INSTRUMENTATION_KEY is not None
    token = otel_context.attach(set_value(SUPPRESS_INSTRUMENTATION_KEY, True))
    # A context that is handed in says nothing about where the record is made.
    provider.get_logger("app").emit(body="c", context=Context())
    otel_context.detach(token)
    provider.get_logger("app").emit(body="d")
    assert [each.log_record.body for each in offered.records] == ["b", "d"]


def test_after_shutdown_nothing_is_offered() -> None:
    """As by the SDK's way."""
    provider, offered = make()
    logger = provider.get_logger("l")
    provider.shutdown()
    logger.emit(body="x")
    logger.emit_plain(1, SeverityNumber.INFO, "INFO", "x", {}, None, Context())
    assert offered.records == []


def test_disabled_or_not_plain_is_left_to_emit() -> None:
    """The short way does nothing then."""
    provider, offered = make()
    logger = provider.get_logger("l")
    provider.enabled = False
    assert not logger.emit_plain(1, SeverityNumber.INFO, "INFO", "x", {}, None, Context())
    provider.enabled = True
    for body, attributes in (({"a": 1}, {}), ("\ud800", {}), ("x", {"a": [1]})):
        assert not logger.emit_plain(1, SeverityNumber.INFO, "INFO", body, attributes, None, Context())
    assert offered.records == []


def test_the_context_of_the_last_line_is_not_held() -> None:
    """It may hold large things alive."""
    import gc
    import weakref

    class Large:
        pass

    large = Large()
    held = weakref.ref(large)
    provider, offered = make()
    provider.get_logger("l").emit(body="x", context=set_value("large", large))
    del large
    gc.collect()
    assert held() is None
    assert len(offered.records) == 1


def test_what_a_context_tells_is_told_anew_for_another() -> None:
    """The memory of one never answers for another context, nor after the first is gone."""
    for number in range(1, 50):
        context = in_span(number, number, 1)
        assert whereabouts(context).span.trace_id == number
        assert whereabouts(context) is whereabouts(context)
        assert whereabouts(context).trace_keys["trace_id"] == f"{number:032x}"
    assert whereabouts(Context()).trace_keys == {}


def test_a_logger_without_a_configuration_is_asked_in_public() -> None:
    """As every logger would be, should a new SDK keep its switch elsewhere."""
    assert not is_switched_on(NoOpLogger("l"))
