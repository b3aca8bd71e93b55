"""What a run does not do: read clocks and the environment again and again, make labels anew, touch prices that it does not need."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

from langswarm_otel.components import run as module
from langswarm_otel.components import settling
from langswarm_otel.pricing import Price, PriceBook


def execute(obs):
    with obs.session("s-1", user_id="u"), obs.agent("a", provider="p", model="m"):
        with obs.inference(provider="p", model="m") as call:
            call.usage(input_tokens=10, output_tokens=5)
        with obs.tool("t"):
            pass
    return 4


def test_clocks(observe, monkeypatch):
    """One look at the time of day and one at the stop-watch when a run begins, and one at the stop-watch when it ends."""
    reads = {"time of day": 0, "stop-watch": 0}

    def time_of_day():
        reads["time of day"] += 1
        return time.time_ns()

    def stop_watch():
        reads["stop-watch"] += 1
        return time.perf_counter_ns()

    monkeypatch.setattr(module, "time", SimpleNamespace(time_ns=time_of_day, perf_counter_ns=stop_watch))
    runs = execute(observe(clock=time_of_day).obs)
    assert reads == {"time of day": runs, "stop-watch": 2 * runs}


def test_no_environment(observe, monkeypatch):
    """Everything that the environment says was read when the telemetry was configured."""

    class Forbidden:
        def __getattribute__(self, name):
            raise AssertionError(name)

        def __getitem__(self, name):
            raise AssertionError(name)

    seen = observe()
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", Forbidden())
        execute(seen.obs)
    assert len(seen.spans()) == 3


def test_labels_are_made_once(observe):
    """Whatever number of runs there is, the telemetry knows as many subjects as there are different ones."""
    seen = observe()
    for _ in range(5):
        execute(seen.obs)
    assert len(seen.telemetry.subjects) == 4
    assert seen.point("gen_ai.client.operation.duration").count == 5


def test_a_model_that_answers_under_another_name_is_another_subject(seen):
    """The labels follow what the provider says, until the end."""
    for answered in ("m-1", "m-2", None):
        with seen.obs.inference(provider="p", model="m") as call:
            call.response(model=answered)
    found = [point.attributes.get("gen_ai.response.model") for point in seen.points("gen_ai.client.operation.duration")]
    assert sorted(found, key=str) == [None, "m-1", "m-2"]


def test_tokens_of_an_agent_itself(seen):
    """Reported on the agent, they carry the labels of clients, apart from those of the agent."""
    with seen.obs.agent("a", provider="p", model="m") as agent:
        agent.usage(input_tokens=3)
    attributes = dict(seen.point("gen_ai.client.token.usage").attributes)
    assert attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "p",
        "gen_ai.request.model": "m",
        "gen_ai.agent.name": "a",
        "gen_ai.token.type": "input",
    }


def test_prices_are_asked_for_with_the_model_that_will_be_priced(observe):
    """``expect`` comes before the call, ``cost`` after it; a second description of the same call asks for nothing."""

    class Asked(PriceBook):
        def __init__(self):
            super().__init__({"m": Price(input=1.0, output=1.0)}, public=False)
            self.asked = []

        def expect(self, provider, model):
            self.asked.append(("expect", provider, model))

        def cost(self, provider, model, usage, *, at_s=None):
            self.asked.append(("cost", provider, model))
            return super().cost(provider, model, usage, at_s=at_s)

    prices = Asked()
    obs = observe(prices=prices).obs
    with obs.inference(provider="p", model="m"), obs.inference(provider="p", model="m") as same:
        same.usage(input_tokens=1)
    assert prices.asked == [("expect", "p", "m"), ("cost", "p", "m")]


def test_nothing_is_left_waiting(seen):
    """An ordinary run puts nothing aside."""
    execute(seen.obs)
    assert len(settling._waiting) == 0
