"""Faults of ours inside of operations: counted, and nobody else's business. The whole matrix is behaviour 32."""

from __future__ import annotations

import pytest
from opentelemetry.trace import NonRecordingSpan, NoOpTracerProvider, SpanContext, TraceFlags

from langswarm_otel import guard
from langswarm_otel.components import genai_interop
from langswarm_otel.components.accounting import Totals
from langswarm_otel.components.operations import Operations
from langswarm_otel.content import gate
from langswarm_otel.pricing import Cost, PriceBook
from langswarm_otel.usage import Usage


def fail(*args, **kwargs):
    raise RuntimeError("telemetry")


class FailingSpan(NonRecordingSpan):
    """Recording, and broken."""

    def __init__(self):
        super().__init__(SpanContext(1, 1, is_remote=False, trace_flags=TraceFlags(1)))

    def is_recording(self):
        return True

    set_attribute = set_attributes = add_event = set_status = end = fail


class FailingPrices(PriceBook):
    """A price table that raises."""

    cost = fail


@pytest.fixture
def broken(observe, monkeypatch):
    """Operations whose spans do nothing right; the content gate is open."""
    seen = observe(capture_content=True)
    tracer = NoOpTracerProvider().get_tracer("broken")
    monkeypatch.setattr(tracer, "start_span", lambda *args, **kwargs: FailingSpan(), raising=False)
    object.__setattr__(seen.telemetry, "tracer", tracer)
    return seen


def test_a_broken_span_costs_the_span_only(broken):
    """Every report is taken, the caller's exception is the caller's, and the metrics are whole."""
    error = ValueError()
    with pytest.raises(ValueError) as caught, broken.obs.inference(provider="p", model="m") as call:
        call.set_attribute("key", "value")
        call.input("question")
        call.usage(input_tokens=10)
        call.record_error(error)
        with call.attempt():
            pass
        raise error
    assert caught.value is error
    assert broken.point("gen_ai.client.token.usage").sum == 10
    assert broken.point("gen_ai.client.operation.duration").attributes["langswarm.outcome"] == "error"
    assert {"set_attribute", "content", "attempt", "exception event", "attributes of span", "end of span"} <= guard.faults().keys()


def test_a_broken_price_table_costs_the_price(observe):
    """The call counts as unpriced, and everything else is there."""
    seen = observe(prices=FailingPrices())
    with seen.obs.inference(provider="p", model="m-of-broken-prices") as call:
        call.usage(input_tokens=10)
    assert seen.span("chat m-of-broken-prices").attributes["gen_ai.usage.input_tokens"] == 10
    assert seen.point("langswarm.cost.unpriced").value == 1
    assert guard.faults() == {"cost": 1}


def test_a_broken_gate_lets_nothing_out(observe, monkeypatch):
    """If the gate itself fails, content stays inside."""
    seen = observe(capture_content=True)
    monkeypatch.setattr(gate, "jsonable", fail)
    with seen.obs.tool("t") as tool:
        tool.input("secret")
    assert "secret" not in seen.span("execute_tool t").to_json()
    assert guard.faults() == {"content": 1}


def test_telemetry_that_cannot_be_resolved():
    """Operations work without any."""
    obs = Operations(fail)
    with obs.session("s"), obs.agent("a") as agent:
        agent.usage(input_tokens=1)
    assert obs.tool("t")(lambda: 7)() == 7
    assert guard.faults() == {"resolve telemetry": 3}


def test_measuring_that_fails_leaves_tokens_and_span(seen, monkeypatch):
    """A fault in one part of the end does not take the other parts with it."""
    with seen.obs.inference(provider="p", model="m") as call:
        call.usage(input_tokens=10)
        monkeypatch.setattr(call, "measure", fail)
    assert seen.span("chat m").attributes["langswarm.run.input_tokens"] == 10
    assert guard.faults() == {"metrics of operation": 1}


def test_a_lock_that_was_taken_at_a_fork():
    """A child whose parent held the lock loses one addition and does not hang."""
    totals = Totals()
    totals._lock.acquire()
    totals.add(Usage(input_tokens=1), Cost(amount=1.0, basis="actual", table_version=None))
    written: dict[str, object] = {}
    totals.write(written)
    assert written == {}
    assert guard.faults() == {"run totals": 1}


def test_an_owner_that_takes_nothing():
    """An instrumentor whose data cannot be merged keeps what it has."""

    class Data:
        usage_input_tokens = None
        merge = fail

    genai_interop.publish(Data(), usage=Usage(input_tokens=1))
    assert guard.faults() == {"genai_interop.publish": 1}
