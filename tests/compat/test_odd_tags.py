"""Whatever LangSwarm or its user hands over, nothing of ours raises into the program."""

import enum
import inspect
import re

import hypothesis
import pytest
from hypothesis import strategies
from opentelemetry.trace import INVALID_SPAN, get_current_span

from langswarm_otel.compat import ObservabilityProvider, create_all_observability_integrations
from langswarm_otel.testing import capture


class Hostile:
    """Whose every method fails."""

    def __str__(self, *arguments):
        raise RuntimeError("str")

    __format__ = __bool__ = __eq__ = __hash__ = __iter__ = __len__ = __float__ = __str__


class Colour(enum.Enum):
    RED = "red"


ODD = strategies.one_of(
    strategies.none(),
    strategies.booleans(),
    strategies.integers(),
    strategies.floats(),
    strategies.text(),
    strategies.binary(),
    strategies.builds(Hostile),
    strategies.sampled_from([Colour.RED, object(), {"a": {"b": [1, None]}}, [1, "two", None], lambda: None, 10**400, "\ud800"]),
    strategies.lists(strategies.integers()),
)
KNOWN = strategies.sampled_from(
    [
        *("agent_id", "agent_name", "provider", "model", "session_id", "user_id", "trace_id", "input_tokens", "output_tokens", "tool_name"),
        *("method", "parameters", "result", "workflow_id", "execution_mode", "step_name", "step_type", "backend", "error", "error_type"),
        *("success", "chat_success", "component", "has_tools", "duration_ms", "event", "exc_info", "stack_info", "level", "gen_ai.prompt"),
    ]
)
NAMES = strategies.one_of(KNOWN, strategies.text()).filter(
    lambda name: name not in ("self", "operation_name", "parent_span_id", "name", "value")
)
TAGS = strategies.dictionaries(NAMES, ODD, max_size=8)
OPERATIONS = strategies.one_of(
    strategies.sampled_from(
        [
            *("agent.chat", "agent.provider_call", "agent.initialize", "tool.execute", "tool.method_call", "workflow.execute"),
            *("workflow.execute_sync", "workflow.execute_async", "workflow.execute_step", "memory.search", "", "\ud800"),
        ]
    ),
    strategies.text(),
)


@hypothesis.given(outer=OPERATIONS, inner=OPERATIONS, first=TAGS, second=TAGS, parent=ODD)
@hypothesis.settings(max_examples=150)
def test_spans_never_raise(outer, inner, first, second, parent):
    """Any name, tag and status, on any operation inside of any other; and every block that begins ends."""
    with capture() as telemetry:
        tracer = ObservabilityProvider().tracer
        with tracer.start_span(outer, **first) as span, tracer.start_span(inner, parent, **second) as nested:
            for key, value in second.items():
                span.add_tag(key, value)
                nested.tags[key] = value
                nested.set_status(value)
            tracer.add_span_log("log", **{key: value for key, value in first.items() if key != "message"})
            assert nested.trace_id
            assert isinstance(nested.logs, list)
        assert tracer.get_current_span() is None
        assert all(span.end_ns for span in telemetry.spans)


@hypothesis.given(name=strategies.text(), value=ODD, tags=TAGS)
@hypothesis.settings(max_examples=100)
def test_metrics_never_raise(name, value, tags):
    """Any name, value and tag; reading them neither; and what is recorded next is there, by a name that OpenTelemetry takes."""
    tags = {key: tag for key, tag in tags.items() if key != "duration_ms"}
    with capture() as telemetry:
        metrics = ObservabilityProvider().metrics
        metrics.increment_counter(name, value, **tags)
        metrics.set_gauge(name, value, **tags)
        metrics.record_histogram(name, value, **tags)
        metrics.record_timer(name, value, **tags)
        metrics.get_histogram_stats(name, **tags)
        metrics.get_all_metrics()
        metrics.export_metrics()
        metrics.increment_counter("sane", 2)
        assert metrics.get_counter_value("sane") == 2
        assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", point.name) for point in telemetry.metrics)


@hypothesis.given(level=ODD, message=ODD, tags=TAGS)
@hypothesis.settings(max_examples=100)
def test_lines_never_raise(level, message, tags):
    """Any level, message and field; and the next line arrives."""
    with capture() as telemetry:
        provider = ObservabilityProvider()
        told = {key: value for key, value in tags.items() if key not in ("level", "message")}
        provider.log_with_trace_context(level, message, **told)
        provider.logger.info(message, **told)
        provider.logger.info("sane")
        assert telemetry.logs[-1].body == "sane"


@pytest.mark.parametrize(
    "odd",
    [None, "", -1, float("nan"), 10**400, "\ud800", {}, Hostile()],
    ids=["none", "empty", "negative", "nan", "huge", "surrogate", "dict", "hostile"],
)
def test_the_five_never_raise(telemetry, odd):
    """Every method of every class, with the same odd value for every argument; every block ends, and the next one is there."""
    for component in create_all_observability_integrations().values():
        for name, method in inspect.getmembers(component, inspect.ismethod):
            if name.startswith(("trace_", "record_")):
                wanted = [one for one in inspect.signature(method).parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
                block = method(*(odd for _ in wanted))
                if block is not None:
                    with block:
                        pass
    assert get_current_span() is INVALID_SPAN
    assert all(span.end_ns >= span.start_ns for span in telemetry.spans)
    with create_all_observability_integrations()["tool"].trace_tool_execution("sane", "add", {}):
        pass
    assert telemetry.spans[-1].name == "execute_tool sane"
