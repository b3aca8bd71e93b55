"""The handle of a capture, given to code that was written for a configured one."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry import trace

import langswarm_otel
from langswarm_otel import ConfigurationError, Observability
from langswarm_otel.testing import capture

PUBLIC = sorted(name for name in dir(Observability) if not name.startswith("_"))


@pytest.mark.parametrize("name", PUBLIC)
def test_it_has_what_a_configured_handle_has(name):
    """Every public attribute of ``Observability`` is there, and those without arguments answer."""
    with capture() as telemetry:
        handle = telemetry.observability
        assert isinstance(handle, Observability)
        found = getattr(handle, name)
        if name in ("flush", "shutdown"):
            assert found() is True
        elif name in ("aflush", "ashutdown"):
            assert asyncio.run(found()) is True
        elif name in ("health", "statistics", "explain"):
            assert str(found())
        elif name in ("make_provisional", "unit_of_work"):
            found()


def test_statistics_are_the_captures():
    """Count and sum of what was recorded inside, nothing of what was outside."""
    with langswarm_otel.tool("outside"):
        pass
    with capture(deterministic=True) as telemetry:
        obs = telemetry.observability
        assert len(obs.statistics()) == 0
        for _ in range(3):
            with obs.tool("t"):
                pass
        series = obs.statistics().get("gen_ai.execute_tool.duration")
        assert series is not None
        assert (series.count, series.attributes["gen_ai.tool.name"]) == (3, "t")
        assert telemetry.metric("gen_ai.execute_tool.duration").count == 3


def test_health_is_that_of_a_private_handle_without_exporters():
    """Private, ok and without a drop; shut down once the block has ended."""
    with capture() as telemetry:
        health = telemetry.observability.health()
        assert (health.mode, health.ok, health.exporters, health.notes) == ("private", True, (), ())
        assert telemetry.observability.running
        assert not telemetry.observability.superseded
    assert telemetry.observability.health().mode == "shut down"
    assert not telemetry.observability.running


def test_config_and_explain_tell_the_options(monkeypatch):
    """The testing preset with the capture's options; the environment of the test run has no part in it."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "of-the-environment")
    with capture(content=True, user_hash_salt="pepper", semconv="g2", price_table={"m": {"input": 1.0, "output": 2.0}}) as telemetry:
        config = telemetry.observability.config
        assert (config.preset, config.service_name, config.capture_content, config.semconv) == ("testing", "capture", True, "g2")
        assert (config.user_hash_salt, config.capture_user_id) == ("pepper", False)
        explained = telemetry.observability.explain()
        assert explained.get("capture_content").value is True
        assert "pepper" not in str(explained)


def test_in_memory_is_a_copy_of_what_was_captured():
    """As with the testing preset; forgetting the copy does not forget the capture."""
    with capture() as telemetry:
        obs = telemetry.observability
        with obs.tool("t"):
            obs.log.info("hello")
        store = obs.in_memory
        assert [span.name for span in store.spans.kept.items()] == ["execute_tool t"]
        assert [record.log_record.body for record in store.logs.kept.items()] == ["hello"]
        assert len(store.metrics.kept.items()) == 1
        store.clear()
        assert len(telemetry.spans) == len(obs.in_memory.spans.kept.items()) == 1


def test_the_blocks_of_a_handle():
    """``with obs`` and ``unit_of_work`` run their blocks; nothing that comes after is lost."""
    with capture() as telemetry:
        obs = telemetry.observability
        with obs, obs.unit_of_work() as work, obs.tool("inside"):
            pass
        assert work.flushed is True
        with obs.tool("after"):
            pass
    assert telemetry.tree() == "execute_tool inside\nexecute_tool after"


def test_a_sample_ratio_is_checked_and_everything_is_kept():
    """A wrong ratio is refused as by a configured handle; with a right one the capture still sees every span."""
    with capture() as telemetry:
        with pytest.raises(ConfigurationError, match="sample_ratio"):
            telemetry.observability.set_sample_ratio(7)
        telemetry.observability.set_sample_ratio(0.0)
        with telemetry.observability.tool("t"):
            pass
    assert telemetry.tree() == "execute_tool t"


@pytest.mark.parametrize("allowed", [False, True])
def test_the_raw_user_on_foreign_spans_follows_the_capture(allowed):
    """Foreign spans below a session carry the raw user id only where the capture was asked for it."""
    with capture(user_id=allowed) as telemetry:
        with telemetry.observability.session("s", user_id="u-17"), trace.get_tracer("foreign").start_as_current_span("foreign"):
            pass
    assert telemetry.span("foreign").attributes.get("user.id") == ("u-17" if allowed else None)
    assert "user.hash" in telemetry.span("foreign").attributes
