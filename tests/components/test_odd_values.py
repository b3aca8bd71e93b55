"""Odd values in reports cost that value and one counted fault: never an exception, never a sum that is spoilt."""

from __future__ import annotations

import math

import pytest

from langswarm_otel import guard


class EvilInt(int):
    """Raises when it is looked at."""

    def _raise(self, *_):
        raise RuntimeError

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __hash__ = __add__ = __radd__ = __int__ = __index__ = __float__ = _raise


NO_COUNTS = {
    "huge": 10**400,
    "beyond": 2**53 + 1,
    "negative": -1,
    "nan": math.nan,
    "infinite": math.inf,
    "list": [3],
    "true": True,
    "evil": EvilInt(3),
}


@pytest.mark.parametrize("odd", [["search"], {}, set(), {"a": 1}], ids=str)
def test_names_that_cannot_be_hashed(seen, odd):
    """The operation of a memory, and the role of a message."""
    with seen.obs.memory(odd, store="s"), seen.obs.session("s") as session:
        session.message(odd)
    (point,) = seen.points("langswarm.session.messages")
    assert (point.attributes["langswarm.message.role"], point.value) == ("_OTHER", 1)
    assert len(seen.spans()) == 1
    assert guard.faults() == {}


@pytest.mark.parametrize("odd", NO_COUNTS.values(), ids=NO_COUNTS)
def test_counts(seen, odd):
    """Tokens, records and messages: what is no count is left out, and the right ones beside it arrive."""
    with seen.obs.inference(provider="openai", model="m") as call:
        call.usage(input_tokens=odd, output_tokens=2)
        call.usage({"prompt_tokens": odd})
        with call.attempt() as attempt:
            attempt.usage(reasoning_tokens=odd)
    with seen.obs.memory("search", store="s") as memory:
        memory.hit(odd)
        memory.records(odd)
    seen.obs.sessions.record_message("s", number=odd)
    (tokens,) = seen.points("gen_ai.client.token.usage")
    assert (tokens.attributes["gen_ai.token.type"], tokens.sum) == ("output", 2)
    assert seen.points("langswarm.memory.records") == []
    assert seen.points("langswarm.session.messages") == []
    assert {"usage", "records", "messages"} <= set(guard.faults())


@pytest.mark.parametrize("odd", [10**400, -1, math.nan, math.inf, True, "1", [1], None, EvilInt(3)], ids=lambda odd: type(odd).__name__)
def test_a_cost(seen, odd):
    """An amount that is none is not the cost; the price table is asked as if nothing had been said."""
    with seen.obs.inference(provider="openai", model="m") as call:
        call.usage(input_tokens=1_000_000)
        call.cost(odd)
    assert seen.span("chat m").attributes["langswarm.cost.basis"] != "actual"
    assert guard.faults() == {"cost": 1}


@pytest.mark.parametrize("odd", [10**400, -1, math.nan, "1", [1], True, EvilInt(3)], ids=lambda odd: type(odd).__name__)
def test_times(seen, odd):
    """A beginning or an end that is no time is now; the span has times that can be sent."""
    seen.obs.tool("t").begin(start_ns=odd).finish(end_ns=odd)
    span = seen.span("execute_tool t")
    assert 1_600_000_000_000_000_000 < span.start_time <= span.end_time < 2**63
    assert guard.faults() == {"time": 2}
