"""Cardinality explosions: a label that a client controls makes a series for each value.

Hallucinated tool names, user ids and URLs become labels and parts of span names; the backend fills up, and what is real drowns in an
overflow (vectorize-io/hindsight#850: 3 GB in 15 days, stacklok/toolhive#6169, getsentry/sentry-javascript#23524).
"""

from __future__ import annotations

from plain_sdk import PlainSdk

from langswarm_otel import semconv
from langswarm_otel.signals.instruments import MAX_NAMES
from langswarm_otel.testing import capture

MANY = 3 * MAX_NAMES


def test_the_plain_sdk_takes_every_value(verdict):
    """Every value is a series of its own; since 1.45.2 until 2 000, and then all further ones, real ones too, are the overflow."""
    sdk = PlainSdk()
    counter = sdk.meter.create_counter("tool.calls")
    for number in range(5000):
        counter.add(1, {"tool": f"made up {number}"})
    counter.add(1, {"tool": "search"})
    points = sdk.points("tool.calls")
    assert len(points) > 1900
    is_there = any(point.attributes.get("tool") == "search" for point in points)
    assert is_there is (len(points) > 5000)
    verdict.plain(f"{len(points)} series{'' if is_there else ', and the real tool is lost among the overflow'}")


def test_names_are_folded_beyond_a_bound(verdict):
    """The first names keep their series and span names, what a model makes up later is ``_OTHER``; each span still has its true name."""
    with capture() as telemetry:
        obs = telemetry.observability
        for number in range(MANY):
            with obs.agent("desk"), obs.tool("search" if number % 2 else f"made up {number}", call_id=f"c-{number}"):
                pass
        points = [point for point in telemetry.metrics if point.name == "gen_ai.execute_tool.duration"]
        assert len(points) == MAX_NAMES + 1
        by_tool = {point.attributes["gen_ai.tool.name"]: point.count for point in points}
        assert by_tool["search"] == MANY // 2
        assert by_tool[semconv.OTHER] == MANY // 2 - MAX_NAMES + 1
        spans = [span for span in telemetry.spans if span.name.startswith("execute_tool")]
        assert len({span.name for span in spans}) == MAX_NAMES + 1
        assert len({span.attributes["gen_ai.tool.name"] for span in spans}) == MANY // 2 + 1
        folded = obs.health().folded
        assert folded["gen_ai.tool.name"] >= MANY // 2 - MAX_NAMES
    verdict.ours(f"{MAX_NAMES} names keep their series, the rest is _OTHER, counted in health(); spans keep the true name")


def test_labels_are_an_allow_list(verdict):
    """Ids of calls, sessions and users, and whatever a user sets, go to spans and never to a metric."""
    with capture(user_id=True) as telemetry:
        obs = telemetry.observability
        with obs.session("s-1", user_id="u-1"), obs.workflow("w"), obs.agent("a") as agent:
            agent.set_attribute("customer.id", "c-1")
            with obs.tool("t", call_id="call-1") as tool:
                tool.set_attribute("query", "why")
            with obs.inference(provider="openai", model="m") as call:
                call.usage(input_tokens=1, output_tokens=1)
                call.response(id="r-1")
        allowed = {metric.name: set(metric.attributes) for metric in semconv.METRICS}
        assert telemetry.metrics
        for point in telemetry.metrics:
            assert set(point.attributes) <= allowed[point.name], point
        assert telemetry.span("execute_tool t").attributes["query"] == "why"
    verdict.ours("labels come from the catalogue only")
