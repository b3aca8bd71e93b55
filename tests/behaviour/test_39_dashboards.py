"""Behaviour 39: dashboards and alerts that show nothing, or lie.

Pain: queries spell names by hand, and the exporter spells them otherwise (``_total_total``, ``_USD_total``, a unit appended or not); the
first error of a kind is invisible to ``rate``; a ratio is NaN when nothing happens; latencies share one bucket; percentiles are averaged
(open-telemetry/opentelemetry-python#3924, metebalci/thur#93, prometheus/prometheus#5355, traceloop/openllmetry#3104,
open-telemetry/opentelemetry-python#4527, redpanda-data/redpanda-operator#1789, prometheus/prometheus#13020).

Right: names, units, buckets and labels come from the catalogue and are those of a real scrape; errors count from 0; every query that we
write down names what is there.
"""

from __future__ import annotations

import bisect
import json
import math
import random
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.exporter.prometheus")

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from stack_processes import Collector, ServerProcess, free_ports, program, until

from langswarm_otel import configure_observability, presets, semconv
from langswarm_otel.components.session_call import SessionCallOperation
from langswarm_otel.config import SignalConfig

NOT_HERE = "dashboards, alert rules and their promtool tests are a later issue; what they will be made of is held here"

ROOT = Path(__file__).parents[2]
PRICES = {"openai/gpt-4o": {"input": 1.0, "output": 2.0}}
ADDED = {"le", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url"}
"""Labels that the exporter adds to all that we put on a point."""


@pytest.fixture
def obs():
    config = presets.testing(service_name="b39", prometheus_port=0, semconv="both", price_table=PRICES, instrument=False)
    handle = configure_observability(config, install_global=False)
    yield handle
    handle.shutdown(1.0)


def page_of(obs):
    port = obs._installation.pipelines.pull._endpoint.port
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def samples_of(page):
    """Samples of our own metrics, by name and labels; a label without a value is no label, as in Prometheus."""
    return {
        (
            sample.name,
            tuple(sorted((key, value) for key, value in sample.labels.items() if value and not key.startswith("otel_"))),
        ): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name != "target_info"
    }


def work(obs, *, failing=False):
    """Everything that the catalogue knows, once."""

    @obs.traced
    def function():
        with obs.timer("cooking"):
            pass

    with obs.session("s-1") as session, obs.workflow("support"), obs.step("answer", index=0):
        session.message("user")
        with send(obs):
            function()
        with obs.memory("search_memory", store="notes") as memory:
            memory.hit(records=2)
        with obs.agent("writer", provider="openai", model="gpt-4o"):
            list(
                obs.inference().stream([1, 2, 3], usage=lambda chunk: {"prompt_tokens": 9, "completion_tokens": 3} if chunk == 3 else None)
            )
            with obs.inference(provider="openai", model="nope-9") as call:
                call.usage(input_tokens=5, output_tokens=4, cache_read_tokens=1, cache_write_tokens=1, reasoning_tokens=1)
            tool(obs, failing=failing)


def send(obs):
    return SessionCallOperation(lambda: obs.telemetry, "send_message")


def tool(obs, *, failing):
    try:
        with obs.tool("search", tool_type="function"):
            if failing:
                raise TimeoutError
    except TimeoutError:
        pass


def families_of(metrics):
    return {metric.prometheus_name: metric for metric in metrics}


PIPELINE = [metric for metrics in semconv.PIPELINE_METRICS.values() for metric in metrics]


def check_page(page, metrics=semconv.METRICS):
    """Compare a scrape with the catalogue: names, suffixes, labels, buckets. Return the names that are there."""
    known, seen = families_of(metrics), set()
    for name, labels in samples_of(page):
        family = name if name in known else re.sub(r"_(bucket|sum|count)$", "", name)
        metric = known[family]
        assert (name == family) is (metric.kind != "histogram")
        assert {key for key, _ in labels} - ADDED <= {key.replace(".", "_") for key in metric.attributes}
        seen.add(family)
    for family, metric in ((family, known[family]) for family in seen):
        bounds = {float(value) for name, labels in samples_of(page) if name == f"{family}_bucket" for key, value in labels if key == "le"}
        assert bounds == ({*metric.buckets, math.inf} if metric.kind == "histogram" else set())
    return seen


def test_the_names_of_the_catalogue_are_those_of_a_scrape(obs, verdict):
    """Every metric, under the name that the catalogue states, with its own labels and buckets and nothing else."""
    registry = CollectorRegistry()
    meter = MeterProvider([PrometheusMetricReader(registry=registry)], shutdown_on_exit=False).get_meter("plain")
    meter.create_counter("langswarm.gen_ai.cost", unit="USD").add(1)
    meter.create_counter("errors_total_total").add(1)
    plain = generate_latest(registry).decode()
    assert "langswarm_gen_ai_cost_USD_total" in plain
    assert "_total_total" in plain

    work(obs, failing=True)
    page = page_of(obs)
    assert check_page(page) == set(families_of(semconv.METRICS))
    assert "_total_total" not in page
    assert "USD" not in re.sub(r"# HELP.*", "", page)
    verdict.plain("a counter in USD becomes _USD_total, one of errors_total_total stays so")
    verdict.ours(f"{len(semconv.METRICS)} metrics scraped, each as the catalogue says")


def test_the_names_of_the_pipelines_own_metrics_are_those_of_a_scrape(otlp_server, tmp_path):
    """What is exported, waiting, lost and on disk, of each signal."""
    settings = {"spool_directory": str(tmp_path), "prometheus_port": 0, "instrument": False, "log_output": "none"}
    with configure_observability(presets.production(endpoint=otlp_server.endpoint, **settings), install_global=False) as obs:
        work(obs)
        assert obs.flush(5)
        page = page_of(obs)
    assert check_page(page, (*semconv.METRICS, *PIPELINE)) >= set(families_of(PIPELINE))


def test_the_first_error_is_an_increase(obs, verdict):
    """The counter of errors is there, at 0, since the first success; the series of a type of error begins at 1, which no rate sees."""
    registry = CollectorRegistry()
    meter = MeterProvider([PrometheusMetricReader(registry=registry)], shutdown_on_exit=False).get_meter("plain")
    errors = meter.create_counter("errors")
    before = samples_of(generate_latest(registry).decode())
    errors.add(1, {"tool": "search"})
    after = samples_of(generate_latest(registry).decode())
    assert (before, list(after.values())) == ({}, [1.0])

    tool(obs, failing=False)
    healthy = samples_of(page_of(obs))
    tool(obs, failing=True)
    failed = samples_of(page_of(obs))
    series = [key for key in healthy if key[0] == "langswarm_operation_errors_total"]
    assert [(healthy[key], failed[key]) for key in series] == [(0.0, 1.0)]
    assert dict(series[0][1]) == {"gen_ai_operation_name": "execute_tool", "gen_ai_tool_name": "search"}
    verdict.plain("no series, then 1: rate sees no change")
    verdict.ours("0, then 1")


@pytest.mark.parametrize("kind", ["agent", "inference", "workflow", "step", "memory", "function", "timer", "session", "send"])
def test_each_kind_of_operation_counts_its_errors_from_0(obs, kind):
    """By the names that its other metrics carry; cancelled and abandoned ones are no errors."""
    made = {
        "agent": lambda: obs.agent("a"),
        "inference": lambda: obs.inference(provider="openai", model="gpt-4o"),
        "workflow": lambda: obs.workflow("w"),
        "step": lambda: obs.step("s"),
        "memory": lambda: obs.memory("search_memory", store="n"),
        "function": lambda: obs.traced("f"),
        "timer": lambda: obs.timer("t"),
        "session": lambda: obs.session("s-1"),
        "send": lambda: send(obs),
    }[kind]
    with made():
        pass
    for error in (ValueError, GeneratorExit):
        with pytest.raises(error), made():
            raise error
    series = [one for one in obs.statistics() if one.metric == "langswarm.operation.errors"]
    assert [one.sum for one in series] == [1]
    assert series[0].attributes["gen_ai.operation.name"] != "_OTHER"
    assert set(series[0].attributes) <= set(semconv.OPERATION_ERRORS.attributes)


def bucket_of(value, bounds):
    return bisect.bisect_left(bounds, value)


def quantile(share, buckets):
    """As ``histogram_quantile`` of Prometheus does it, from cumulative counts by upper bound."""
    bounds = sorted(buckets)
    rank, below, lower = share * buckets[math.inf], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            return lower if bound == math.inf else lower + (bound - lower) * (rank - below) / (buckets[bound] - below)
        below, lower = buckets[bound], bound
    return lower


def buckets_on(page, name):
    found = {}
    for (sample, labels), value in samples_of(page).items():
        if sample == name:
            bound = float(dict(labels)["le"])
            found[bound] = found.get(bound, 0.0) + value
    return found


def test_p95_from_the_buckets_is_within_one_bucket_of_the_exact_one(obs, verdict):
    """Latencies of a log-normal kind, in milliseconds to minutes, of two tools: their buckets add up to the p95 of both."""
    chance = random.Random(39)
    durations = [chance.lognormvariate(-0.5, 0.7) for _ in range(2000)]
    exact = sorted(durations)[int(0.95 * len(durations))]
    registry = CollectorRegistry()
    meter = MeterProvider([PrometheusMetricReader(registry=registry)], shutdown_on_exit=False).get_meter("plain")
    histogram = meter.create_histogram("duration", unit="s")
    for number, duration in enumerate(durations):
        histogram.record(duration)
        obs.tools.record_execution(f"tool {number % 2}", duration_s=duration)
    plain = quantile(0.95, buckets_on(generate_latest(registry).decode(), "duration_seconds_bucket"))
    assert plain > 2 * exact

    ours = quantile(0.95, buckets_on(page_of(obs), "gen_ai_execute_tool_duration_seconds_bucket"))
    bounds = semconv.TOOL_DURATION.buckets
    assert bucket_of(ours, bounds) == bucket_of(exact, bounds)
    with pytest.raises(LookupError):  # two series: no average of their percentiles is made up
        obs.statistics().get("gen_ai.execute_tool.duration")
    verdict.plain(f"p95 {plain:.1f} s, exact {exact:.1f} s")
    verdict.ours(f"p95 {ours:.1f} s, exact {exact:.1f} s")


def test_percentiles_come_from_buckets_that_were_added_up(otlp_server):
    """Also over exports with delta temporality, after each of which the counting begins anew: fast ones first, slow ones later."""
    config = presets.production(endpoint=otlp_server.endpoint, metrics_temporality="delta", instrument=False, log_output="none")
    with configure_observability(config, install_global=False) as obs:
        for duration, number in ((0.015, 99), (50.0, 1), (50.0, 9)):
            for _ in range(number):
                obs.tools.record_execution("t", duration_s=duration)
            assert obs.flush(5)
        found = obs.statistics().get("gen_ai.execute_tool.duration")
    assert found.count == 109
    assert found.p95.value > 40  # an average of the three would be below 34


def queries():
    pages = [(page.name, page.read_text()) for page in (*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md")]
    return [(page, query) for page, text in pages for query in re.findall(r"^```promql\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)]


def test_every_query_names_what_a_scrape_shows(obs):
    """In the docs: metrics and labels; in the configurations of the Collector, Prometheus, Grafana and compose: metrics."""
    work(obs, failing=True)
    shown = samples_of(page_of(obs))
    metrics, labels = {name for name, _ in shown}, {key for _, pairs in shown for key, _ in pairs}
    assert len(queries()) > 5
    for page, query in queries():
        words = set(re.findall(r"[a-z_][a-z0-9_]*_[a-z0-9_]*", re.sub(r'"[^"]*"', "", query))) - {"histogram_quantile"}
        assert words <= metrics | labels, page
        assert words & metrics, page
    for file in (*(ROOT / "collector-config").rglob("*.y*ml"), *(ROOT / "deploy").rglob("*.*"), ROOT / "docker-compose.yml"):
        words = set(re.findall(r"\b(?:gen_ai|langswarm)_[a-z0-9_]+", file.read_text())) - {"langswarm_otel"}
        assert words <= metrics | labels, file.name


def test_the_queries_hold_in_prometheus(obs, tmp_path):
    """Evaluated by promtool on two real scrapes, of a success and of the first error, with nothing more for an hour."""
    promtool = shutil.which("promtool") or program("promtool")
    pages = []
    for failing in (False, True):
        work(obs, failing=failing)
        pages.append(samples_of(page_of(obs)))
    series = [
        {"series": f"{name}{{{','.join(f'{key}={json.dumps(value)}' for key, value in labels)}}}", "values": _values(pages, (name, labels))}
        for name, labels in pages[1]
    ]
    first_error = queries()[1][1]
    assert "increase(langswarm_operation_errors_total" in first_error
    nan = [
        {"expr": f"count(({query}) != ({query}))", "eval_time": when, "exp_samples": []} for _, query in queries() for when in ("3m", "59m")
    ]
    nothing = [{"expr": f"count(({query}) >= 0)", "eval_time": "3m", "exp_samples": []} for _, query in queries()]
    found = {"labels": '{gen_ai_operation_name="execute_tool", gen_ai_tool_name="search"}', "value": 1}
    fires = {"expr": first_error, "eval_time": "3m", "exp_samples": [found]}
    assert _promtool(promtool, tmp_path, series, [*nan, fires]) == ""
    assert _promtool(promtool, tmp_path, series, nothing).count("got:") == len(nothing)  # each yields something while there is traffic


def _values(pages, key):
    """A scrape a minute: both pages in the first two minutes, the second for the rest of the hour."""
    first = pages[0].get(key)
    return f"{'_' if first is None else first} {pages[1][key]}x60"


def _promtool(promtool, tmp_path, series, expressions):
    file = tmp_path / "test.yml"
    file.write_text(
        json.dumps({"evaluation_interval": "1m", "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": expressions}]})
    )
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, timeout=50, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_in_prometheus_behind_a_collector_the_names_are_the_same(tmp_path):
    """Pushed over OTLP through the Collector, Prometheus 3 holds what a scrape of our own page shows."""
    port = free_ports(1)[0]
    prometheus = [
        program("prometheus"),
        f"--config.file={ROOT / 'deploy' / 'compose' / 'prometheus.yml'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        "--web.enable-otlp-receiver",
    ]
    with (
        ServerProcess(prometheus, ready=f"http://127.0.0.1:{port}/-/ready", log=tmp_path / "prometheus.log"),
        Collector(tmp_path, "local.yaml", METRICS_ENDPOINT=f"http://127.0.0.1:{port}/api/v1/otlp") as collector,
    ):
        nothing = SignalConfig(exporters=())
        given = {"endpoint": collector.endpoint, "traces": nothing, "logs": nothing}
        settings = presets.production(
            **given, semconv="both", price_table=PRICES, instrument=False, log_output="none", pipeline_metrics=False
        )
        with configure_observability(settings, install_global=False) as obs:
            work(obs, failing=True)
            assert until(lambda: obs.flush(5))
        query = urllib.parse.urlencode({"match[]": '{__name__=~"(gen_ai|langswarm)_.+"}'})
        wanted = set(families_of(semconv.METRICS))
        page = until(lambda: _whole(_get(f"http://127.0.0.1:{port}/federate?{query}"), wanted))
    ours = re.sub(r'(exported_)?(job|instance|service_[a-z_]+|deployment_environment_name)="[^"]*",?', "", page)
    assert check_page(ours) == wanted


def _whole(page, wanted):
    """Return a page once it has every family."""
    return page if all(re.search(rf"^{name}(_count)?{{", page, re.MULTILINE) for name in wanted) else ""


def _get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()
