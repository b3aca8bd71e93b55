"""``provider.logger`` and ``log_with_trace_context``: structlog lines that carry their trace."""

import pytest

from langswarm_otel.compat import LogLevel, ObservabilityConfig, ObservabilityProvider, log_debug, log_error, log_info
from langswarm_otel.guard import faults


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
@pytest.mark.telemetry(log_level="DEBUG")
def test_each_level(provider, telemetry, level):
    """By its method, and by ``log`` with the member or the name."""
    getattr(provider.logger, level)("said", "shop", till=3)
    provider.logger.log(LogLevel(level), "told")
    provider.logger.log(level.upper(), "shown", component="shop")
    said = telemetry.log("said")
    assert said.attributes["component"] == "shop"
    assert said.attributes["till"] == 3
    assert {log.severity_text for log in telemetry.logs} == {{"warning": "WARN", "critical": "FATAL"}.get(level, level.upper())}


def test_a_line_belongs_to_the_span_that_is_current(provider, telemetry):
    """LangSwarm's goes on naming a span that has ended."""
    with provider.tracer.start_span("work") as span:
        provider.logger.info("inside", span_id=span.span_id)
    provider.logger.info("outside")
    assert telemetry.log("inside").span_id == span.span_id
    assert telemetry.log("outside").span_id is None


def test_a_line_with_context_names_the_operation_and_its_time(provider, telemetry):
    """The component may come by position, by keyword, or both."""
    provider.log_with_trace_context("info", "outside", "shop")
    with provider.tracer.start_span("work"):
        provider.log_with_trace_context("info", "one", "shop", a=1)
        provider.log_with_trace_context("info", "two", component="shop", operation="mine")
        provider.log_with_trace_context("info", "three", "shop", component="shop")
        provider.log_with_trace_context("unheard-of", "four")
    one = telemetry.log("one").attributes
    assert (one["component"], one["operation"], one["a"]) == ("shop", "work", 1)
    assert one["span_duration_ms"] >= 0
    assert telemetry.log("two").attributes["operation"] == "mine"
    assert telemetry.log("three").attributes["component"] == "shop"
    assert telemetry.log("four").severity_text == "INFO"
    assert "operation" not in telemetry.log("outside").attributes


def test_keys_that_mean_something_to_structlog_do_no_harm(provider, telemetry):
    """They would overwrite the message, the level or the trace."""
    fields = dict.fromkeys(
        ("event", "level", "logger", "timestamp", "positional_args", "exception", "trace_id", "span_id", "trace_flags"), "x"
    )
    with provider.tracer.start_span("work") as span:
        provider.logger.info("said", **fields)
    said = telemetry.log("said")
    assert (said.severity_text, said.span_id) == ("INFO", span.span_id)
    assert said.attributes["langswarm.trace_id"] == "x"
    assert said.attributes["langswarm.tag.event"] == "x"
    assert faults() == {}


def test_users_and_content_stay_in(provider, telemetry):
    """The user is a hash, the session a conversation; what people said is left out."""
    provider.logger.info("said", user_id="jane", session_id="s-1", query="who is jane", error_message="no jane")
    said = telemetry.log("said")
    assert "jane" not in str(said)
    assert said.attributes["user.hash"]
    assert said.attributes["gen_ai.conversation.id"] == "s-1"


def test_components_can_be_left_out(telemetry):
    """As LangSwarm's settings have it; lines of no component are always written."""
    only = ObservabilityProvider(ObservabilityConfig(enabled_components=["shop"])).logger
    but = ObservabilityProvider(ObservabilityConfig(disabled_components=["shop"])).logger
    for logger in (only, but, ObservabilityProvider(ObservabilityConfig(enabled=False)).logger):
        for component in ("shop", "till", None):
            logger.info(f"{component}", component)
    assert [log.body for log in telemetry.logs] == ["shop", "None", "till", "None"]


@pytest.mark.telemetry(log_level="DEBUG")
def test_shortcuts(telemetry):
    """LangSwarm's functions, with no provider set."""
    log_debug("one")
    log_info("two", component="shop")
    log_error("three")
    assert [log.severity_text for log in telemetry.logs] == ["DEBUG", "INFO", "ERROR"]


def test_an_operation_with_lines_at_both_ends(provider, telemetry):
    """Both belong to its span; a failure says its type and not its text."""
    with provider.trace_and_log_operation("work", "shop") as span:
        assert span.operation_name == "work"
    with pytest.raises(KeyError), provider.trace_and_log_operation("other"):
        raise KeyError("jane")
    assert telemetry.log("Started operation: work").span_id == telemetry.log("Completed operation: work").span_id == span.span_id
    assert telemetry.log("Failed operation: other").attributes["error.type"] == "KeyError"
    assert telemetry.span("other").status == "ERROR"
    assert "jane" not in str(telemetry.logs)
