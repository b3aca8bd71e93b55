"""The gateway keeps whole what is worth keeping, and of the rest the share that it states."""

from __future__ import annotations

import math
import random
import time

import pytest
from otlp_server import OtlpServer, attributes
from stack_processes import Collector, make_trace, post_spans, until

pytestmark = pytest.mark.timeout(180)
TRACES, SPANS, SHARE = 2_000, 4, 0.10
SPECIAL = {
    "error": {"error": True},
    "slow": {"duration_s": 31.0},
    "expensive": {"attributes": {"langswarm.run.cost": 0.75}},
    "kept by the program": {"attributes": {"langswarm.sampling.kept": "slow", "langswarm.sampling.ratio": 0.1}},
    "asked for": {"child_attributes": {"sampling.priority": 1}},
}
ORDINARY = {"attributes": {"langswarm.run.cost": 0.49}, "duration_s": 29.0}


def gateway_of(folder, far_side, **variables):
    return Collector(folder, "gateway.yaml", TRACES_ENDPOINT=far_side.endpoint, METRICS_ENDPOINT=far_side.endpoint, **variables)


def test_of_2000_traces_the_special_are_kept_whole_and_of_the_rest_the_stated_share(tmp_path):
    """Errors, slow, expensive and forced ones, each on the thresholds that stand in the file; the rest within three standard deviations.

    The spans of a trace come in two requests, those of many traces mixed. What the sampler drops is counted by span metrics all the same.
    """
    dice = random.Random(20261125)
    kinds = {}
    spans = []
    for number in range(TRACES):
        kind = [*SPECIAL, *["ordinary"] * 15][number % 20]
        trace = make_trace(dice, spans=SPANS, **SPECIAL.get(kind, ORDINARY))
        kinds[trace[0].trace_id] = kind
        spans += trace
    dice.shuffle(spans)
    with (
        OtlpServer() as far_side,
        gateway_of(tmp_path, far_side, ROOT_WAIT="4s", SPAN_METRICS_INTERVAL="1s") as gateway,
    ):
        for begin in range(0, len(spans), 200):
            assert post_spans(gateway.endpoint, spans[begin : begin + 200]) == 200
        special = sum(kind != "ordinary" for kind in kinds.values())
        assert far_side.wait_for(spans=special * SPANS, timeout_s=40)
        settled = until(lambda: settled_number(gateway) == TRACES, 40)
        assert settled, settled_number(gateway)
        gateway.stop()  # delivers what it holds
        assert far_side.wait_until(lambda server: calls(server) == TRACES * SPANS, 10)
    arrived = {}
    for span in far_side.spans:
        arrived.setdefault(span.trace_id, set()).add(span.span_id)
    assert {len(ids) for ids in arrived.values()} == {SPANS}, "a kept trace is whole"
    for kind in SPECIAL:
        wanted = {trace_id for trace_id, its in kinds.items() if its == kind}
        assert len(wanted) == TRACES / 20
        assert wanted <= arrived.keys(), kind
    rest = sum(kind == "ordinary" for kind in kinds.values())
    kept = sum(kinds[trace_id] == "ordinary" for trace_id in arrived)
    deviation = math.sqrt(rest * SHARE * (1 - SHARE))
    assert abs(kept - rest * SHARE) <= 3 * deviation, f"{kept} of {rest}"


def test_a_run_that_lasts_longer_than_the_wait_is_judged_by_its_root(tmp_path):
    """Children are sent as they end, the root much later: it has cost, duration and error, and the trace is kept whole for them."""
    dice = random.Random(7)
    runs = {kind: make_trace(dice, spans=SPANS, **SPECIAL[kind]) for kind in ("expensive", "slow")}
    runs["error"] = make_trace(dice, spans=SPANS)
    runs["error"][0].status.code = 2
    runs["ordinary"] = make_trace(dice, spans=SPANS)
    with (
        OtlpServer() as far_side,
        gateway_of(tmp_path, far_side, ROOT_WAIT="1s", SAMPLE_PERCENT="0") as gateway,
    ):
        for _, *children in runs.values():
            assert post_spans(gateway.endpoint, children) == 200
        time.sleep(4)  # several times ROOT_WAIT
        assert not settled_number(gateway)
        for root, *_ in runs.values():
            assert post_spans(gateway.endpoint, [root]) == 200
        assert until(lambda: settled_number(gateway) == len(runs), 20)
        assert far_side.wait_for(spans=3 * SPANS, timeout_s=20)
    wanted = {span.span_id for kind, trace in runs.items() if kind != "ordinary" for span in trace}
    assert {span.span_id for span in far_side.spans} == wanted


def settled_number(gateway):
    """For how many traces a decision was made."""
    return gateway.own_metrics().get("otelcol_processor_tail_sampling_global_count_traces_sampled_total")


def calls(server):
    """The newest count of calls, over all series."""
    newest = {}
    for name, point in server.metric_points:
        if name == "traces.span.metrics.calls":
            newest[tuple(sorted((key, str(value)) for key, value in attributes(point.attributes).items()))] = point.as_int
    return sum(newest.values())
