"""What a cell may tell, which targets are met, and who is ahead."""

from __future__ import annotations

import pytest

from benchmarks import report, results
from benchmarks.journal import Journal, Sample
from benchmarks.measuring import lost_percent
from benchmarks.programme import CURVES, PROMISES, ROWS
from benchmarks.rows import Curve, Figure, Promise, Row
from benchmarks.runner import rotated, taking_part
from benchmarks.subjects import OURS, PEERS, PLAIN, RAW

LOST = Figure(key="lost", title="lost", unit="%", target=0.0, absolute=True)
ROW = Row(key="span", title="spans", work="spans", figures=(Figure(key="us", title="thread", unit="us", target=0.9, stretch=0.5), LOST))


def samples(subject, *values, row="span", key="us", **more):
    return [Sample(row=row, subject=subject, round=round_, figures={key: value, **more}) for round_, value in enumerate(values)]


def cell(found, subject, figure=0):
    return results.row_of(ROW, [RAW.name, OURS.name, "peer"], found)["figures"][figure]["cells"][subject]


def test_ratio_with_its_range():
    found = samples(RAW.name, 10.0, 20.0, 10.0, lost=36.0) + samples(OURS.name, 5.0, 10.0, 5.5, lost=0.0)
    told = cell(found, OURS.name)
    assert told["state"] == "told"
    assert (told["ratio"], told["low"], told["high"]) == (0.5, 0.5, 0.55)
    assert cell(found, RAW.name)["value"] == 10.0


def test_who_loses_something_gets_no_figure():
    """One round that lost something is enough."""
    found = samples(RAW.name, 10.0, 10.0) + samples(OURS.name, 5.0, lost=0.0) + [
        Sample(row="span", subject=OURS.name, round=1, figures={"us": 5.0, "lost": 0.02})
    ]  # fmt: skip
    assert cell(found, OURS.name) == {"state": "lost", "lost": 0.02, "rounds": 2}
    assert cell(found, OURS.name, 1)["value"] == 0.02


def test_rounds_that_disagree_give_no_figure_in_the_table():
    found = samples(RAW.name, 10.0, 10.0) + samples(OURS.name, 5.0, 9.0)
    figure = results.row_of(ROW, [RAW.name, OURS.name], found)["figures"][0]
    assert report.cell(figure, figure["cells"][OURS.name]) == "rounds disagree (0.50-0.90)"
    assert figure["verdict"] == "no figure"


@pytest.mark.parametrize(("figures", "state"), [({"not offered": "measure"}, "not offered"), ({"error": "boom"}, "crashed")])
def test_why_there_is_no_figure(figures, state):
    found = [*samples(RAW.name, 1.0), Sample(row="span", subject="peer", round=0, figures=figures)]
    assert cell(found, "peer") == {"state": state}
    assert cell(found, OURS.name) == {"state": "not measured"}


@pytest.mark.parametrize(("ratio", "verdict"), [(0.4, "stretch"), (0.7, "met"), (0.95, "missed")])
def test_verdict(ratio, verdict):
    found = samples(RAW.name, 10.0, lost=0.0) + samples(OURS.name, 10.0 * ratio, lost=0.0)
    assert [figure["verdict"] for figure in results.row_of(ROW, [RAW.name, OURS.name], found)["figures"]] == [verdict, "met"]


def test_points_count_above_the_plain_program_of_the_same_round():
    figure = Figure(key="points", title="CPU", unit="points", above_plain=True)
    row = Row(key="steady", title="steady", work="steady", figures=(figure,))
    found = [
        sample
        for name, values in ((PLAIN.name, (2.0, 4.0)), (RAW.name, (12.0, 14.0)), (OURS.name, (6.0, 8.0)))
        for sample in samples(name, *values, row="steady", key="points")
    ]
    assert results.row_of(row, [RAW.name, OURS.name], found)["figures"][0]["cells"][OURS.name]["ratio"] == pytest.approx(0.4)


def test_peer_that_is_ahead_is_named():
    found = samples(RAW.name, 10.0, lost=1.0) + samples(OURS.name, 5.0, lost=0.0) + samples("peer", 4.0, lost=0.0)
    built = results.build([ROW], [], [], found)
    assert results.behind(built, "peer") == ["spans: thread"]
    assert "ours is behind in spans: thread" in report.page(built)


def test_curve_has_the_power_that_its_cost_grows_with():
    curve = Curve(key="spans", title="spans", work="spans", varied="size", sizes=(10, 100))
    found = [
        Sample(row=f"curve-spans-{size}", subject=OURS.name, round=0, figures={"process_us": each, "lost": 0.0})
        for size, each in ((10, 5.0), (100, 50.0))
    ]
    line = results.curve_of(curve, found)["lines"][OURS.name]
    assert line["exponent"] == pytest.approx(2.0)
    assert not line["linear"]


@pytest.mark.parametrize(("change", "met"), [({}, True), ({"errors": 1}, False), ({"cpu_points": 5.1}, False), ({"rate": 400.0}, False)])
def test_promise_is_kept_only_as_a_whole(change, met):
    promise = Promise(key="logs", title="500 log lines/s", function="line", rate=500)
    figures = {"rate": 500.0, "errors": 0, "lost": 0.0, "cpu_points": 3.0, "rss_mb": 1.0} | change
    assert results.promise_of(promise, [Sample(row="promise-logs", subject=OURS.name, round=0, figures=figures)])["met"] is met


def test_page_of_everything_and_its_place_in_a_document():
    """Every row, curve and promise there is can be reported, and the report replaces an earlier one."""
    figures = {"lost": 0.0, "process_us": 2.0, "rate": 1e6, "errors": 0, "cpu_points": 1.0, "rss_mb": 1.0, "sink_cpu": 3.0}
    jobs = [*ROWS, *(promise.row() for promise in PROMISES), *(curve.row(size) for curve in CURVES for size in curve.sizes)]
    found = [
        Sample(row=row.key, subject=name, round=0, figures={**dict.fromkeys((f.key for f in row.figures), 2.0), **figures})
        for row in jobs
        for name in (RAW.name, OURS.name, PLAIN.name)
    ]
    built = results.build(ROWS, CURVES, PROMISES, found) | {
        "machine": {"cores": "2"},
        "versions": {"x": "1"},
        "missing": {"peer": "no\nway"},
    }
    page = report.page(built)
    assert all(row.title in page for row in ROWS)
    assert all(curve.title in page for curve in CURVES)
    assert "peer could not be installed: way" in page
    document = "a\n<!-- results -->\nold\n<!-- end of results -->\nb\n"
    once = report.embed(document, page, "results")
    assert "old" not in once
    assert report.embed(once, page, "results") == once
    with pytest.raises(ValueError, match="no place for results"):
        report.embed("nothing", page, "results")


def test_worst_kind_of_loss_counts():
    arrived = {"spans": {"a": 50}, "lines": 90, "count": 100.0}
    assert lost_percent({"spans": {"a": 100}, "lines": 100, "count": 100}, arrived) == 50.0
    assert lost_percent({"spans": {"b": 0}}, arrived) == 0.0


def test_order_rotates_and_peers_rest():
    row = Row(key="x", title="x", work="x", figures=ROW.figures, peer_rounds=1)
    everybody = [RAW, OURS, PLAIN, *PEERS]
    assert taking_part(row, everybody, 0) == [RAW, OURS, *PEERS]
    assert taking_part(row, everybody, 1) == [RAW, OURS]
    assert [order[0].name for order in (rotated([RAW, OURS], 0), rotated([RAW, OURS], 1))] == [RAW.name, RAW.name]
    assert sorted(s.name for s in rotated(PEERS, 3)) == sorted(s.name for s in PEERS)


def test_run_goes_on_where_it_was_interrupted(tmp_path):
    path = tmp_path / "run.jsonl"
    first = Journal(path, resume=False)
    for sample in (*samples("a", 1.0), Sample(row="span", subject="b", round=0, figures={"error": "boom"})):
        first.add(sample)
    assert first.failed("span", "b")
    again = Journal(path, resume=True)
    assert again.has("span", "a", 0)
    assert not again.has("span", "b", 0)
    assert Journal(path, resume=False).samples == ()
