"""`langswarm-otel stack up`, then the demo: every store holds what was emitted, and one leads to the other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

import pytest
from stack_processes import ROOT, get_json, program, until

from langswarm_otel import semconv

pytestmark = pytest.mark.timeout(240)


def command(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "langswarm_otel", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, **variables},
    )


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The stack on free ports, after a demo; what the demo emitted is read from its own output and memory."""
    for name in ("otelcol-langswarm", "jaeger", "prometheus", "victoria-logs"):
        program(name)
    directory = tmp_path_factory.mktemp("stack")
    up = command("stack", "up", "--free-ports", "--directory", directory, SPAN_METRICS_INTERVAL="2s")
    assert up.returncode == 0, up.stdout + up.stderr
    try:
        yield Stack(directory, up.stdout)
    finally:
        down = command("stack", "down", "--directory", directory)
        assert down.returncode == 0, down.stdout + down.stderr
        assert down.stdout.split("\n")[:4] == ["stopped Collector", "stopped Prometheus", "stopped Jaeger", "stopped VictoriaLogs"]


class Stack:
    """Its addresses, and what one run of our own emitted into it."""

    def __init__(self, directory, printed):
        ports = json.loads((directory / "stack.json").read_text())["ports"]
        self.directory, self.printed, self.ports = directory, printed, ports
        self.endpoint = f"http://127.0.0.1:{ports['otlp_http']}"
        self.jaeger, self.prometheus, self.logs = (f"http://127.0.0.1:{ports[name]}" for name in ("jaeger", "prometheus", "logs"))
        script = ROOT / "tests" / "stack" / "emit_story.py"
        done = subprocess.run([sys.executable, str(script), self.endpoint], capture_output=True, text=True, timeout=100, check=False)
        assert done.returncode == 0, done.stderr
        emitted = json.loads(done.stdout)
        self.spans, self.lines = emitted["spans"], emitted["lines"]
        self.begun = time.time() - 120

    @property
    def trace_id(self):
        """The trace of the workflow, which has the most spans."""
        ids = [span["trace_id"] for span in self.spans]
        return max(set(ids), key=ids.count)

    def trace(self):
        """The trace as Jaeger gives it back, once it is whole."""
        wanted = sum(span["trace_id"] == self.trace_id for span in self.spans)
        found = until(
            lambda: (
                (answer := get_json(f"{self.jaeger}/api/traces/{self.trace_id}")["data"]) and len(answer[0]["spans"]) == wanted and answer
            )
        )
        assert found, get_json(f"{self.jaeger}/api/services")
        return found[0]

    def query(self, expression):
        return get_json(f"{self.prometheus}/api/v1/query", query=expression)["data"]["result"]

    def exemplars(self, expression):
        answer = get_json(f"{self.prometheus}/api/v1/query_exemplars", query=expression, start=self.begun, end=time.time() + 60)
        return [one for series in answer["data"] for one in series["exemplars"]]

    def log_lines(self, query):
        import urllib.parse
        import urllib.request

        with urllib.request.urlopen(f"{self.logs}/select/logsql/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]


def shown(value):
    """A value as Jaeger has it, which knows no lists."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value


def plain(tags):
    """Tags of Jaeger as values."""
    return {tag["key"]: float(tag["value"]) if tag["type"] == "float64" else tag["value"] for tag in tags}


def test_up_says_what_runs_and_how_to_send(stack):
    """One line a server with its address, and the command to send something."""
    assert len(re.findall(r"^  ok  ", stack.printed, re.MULTILINE)) == 4
    assert f"--endpoint http://localhost:{stack.ports['otlp_http']}" in stack.printed


def test_the_trace_read_back_from_jaeger_equals_what_was_emitted(stack):
    """Names, parents, kinds, attributes, events and times of every span; no more and no less, but that content is masked."""
    emitted = {span["span_id"]: span for span in stack.spans if span["trace_id"] == stack.trace_id}
    assert len(emitted) > 10
    content = {key for span in emitted.values() for key in span["attributes"] if key in semconv.CONTENT_KEYS}
    assert {semconv.INPUT_MESSAGES, semconv.TOOL_CALL_ARGUMENTS} <= content
    trace = stack.trace()
    assert {span["spanID"] for span in trace["spans"]} == set(emitted)
    added = {
        "span.kind",
        "otel.scope.name",
        "otel.scope.version",
        "otel.status_code",
        "otel.status_description",
        "error",
        "internal.span.format",
    }
    for span in trace["spans"]:
        ours = emitted[span["spanID"]]
        assert span["operationName"] == ours["name"]
        assert [one["spanID"] for one in span["references"] if one["refType"] == "CHILD_OF"] == [ours["parent_id"]] * bool(
            ours["parent_id"]
        )
        tags = plain(span["tags"])
        assert tags.pop("span.kind", "internal") == ours["kind"]
        found = {key: value for key, value in tags.items() if key not in added}
        assert found == {key: "****" if key in content else shown(value) for key, value in ours["attributes"].items()}
        assert len(span["logs"]) == ours["events"]
        assert abs(span["startTime"] - ours["start_ns"] // 1000) <= 1
        assert abs(span["duration"] - (ours["end_ns"] - ours["start_ns"]) / 1000) <= 1
    processes = [plain(process["tags"]) for process in trace["processes"].values()]
    assert {process["telemetry.distro.name"] for process in processes} == {"langswarm_otel"}


def test_metrics_are_in_prometheus_with_an_exemplar_that_leads_to_the_trace(stack):
    """What the program measured itself, and what the Collector counted from spans."""
    ids = {span["trace_id"] for span in stack.spans}
    assert until(lambda: stack.query('gen_ai_client_token_usage_sum{job="story"}'))
    tokens = sum(float(one["value"][1]) for one in stack.query("gen_ai_client_token_usage_sum"))
    emitted = sum(
        span["attributes"][key]
        for span in stack.spans
        if span["attributes"].get("gen_ai.operation.name") == "chat"
        for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
    )
    assert tokens == emitted
    for metric in ("gen_ai_invoke_agent_duration_seconds_bucket", "traces_span_metrics_duration_seconds_bucket"):
        found = until(lambda metric=metric: stack.exemplars(metric))
        assert found, metric
        assert {one["labels"]["trace_id"] for one in found} <= ids
    one = found[0]["labels"]["trace_id"]
    assert get_json(f"{stack.jaeger}/api/traces/{one}")["data"][0]["traceID"] == one


def test_log_lines_are_in_the_store_with_the_trace_they_belong_to(stack):
    """As many as were emitted, each with its ids, found by the trace id."""
    emitted = [line for line in stack.lines if line["trace_id"] == stack.trace_id]
    assert emitted
    found = until(lambda: len(lines := stack.log_lines(f'trace_id:="{stack.trace_id}"')) >= len(emitted) and lines)
    assert sorted((line["_msg"], line["span_id"]) for line in found) == sorted((line["body"], line["span_id"]) for line in emitted)
    assert {line["service.name"] for line in found} == {"story"}


def test_span_metrics_count_every_span_under_the_genai_dimensions(stack):
    """Calls by operation, agent, model and tool equal the spans that were emitted."""
    wanted = {}
    for span in stack.spans:
        attributes = span["attributes"]
        keys = ("gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.request.model", "gen_ai.tool.name")
        key = (span["name"], *(attributes.get(name, "") for name in keys))
        wanted[key] = wanted.get(key, 0) + 1

    def counted():
        labels = ("span_name", "gen_ai_operation_name", "gen_ai_agent_name", "gen_ai_request_model", "gen_ai_tool_name")
        found = {}
        for one in stack.query('traces_span_metrics_calls_total{service_name="story"}'):
            key = tuple(one["metric"].get(label, "") for label in labels)
            found[key] = found.get(key, 0) + int(one["value"][1])
        return found

    assert until(lambda: counted() == wanted), (counted(), wanted)


def test_jaegers_performance_view_shows_calls_and_durations(stack):
    """Service performance monitoring reads the span metrics from Prometheus; the graph of services is made of the traces."""
    kinds = ["unspecified", "internal", "server", "client", "producer", "consumer"]
    asked = {"service": "story", "spanKind": kinds, "lookback": 3_600_000, "ratePer": 60_000, "step": 1_000, "groupByOperation": "true"}

    def points(view, **more):
        answer = get_json(f"{stack.jaeger}/api/metrics/{view}", endTs=int(time.time() * 1000), **asked, **more)
        return {
            next(label["value"] for label in metric["labels"] if label["name"] == "operation"): metric["metricPoints"]
            for metric in answer["metrics"]
        }

    operations = {span["name"] for span in stack.spans}
    assert until(lambda: set(points("calls")) == operations), (points("calls").keys(), operations)
    assert until(lambda: set(points("latencies", quantile=0.95)) == operations)
    assert points("errors") is not None
    now = int(time.time() * 1000)
    assert get_json(f"{stack.jaeger}/api/dependencies", endTs=now, lookback=3_600_000)["data"]


def test_every_query_of_the_dashboards_returns_something(stack):
    """Panels of docker-compose.yml's Grafana, asked of the real Prometheus."""
    dashboards = [json.loads(path.read_text()) for path in (ROOT / "deploy" / "compose" / "grafana" / "dashboards").glob("*.json")]
    asked = [(panel["title"], target["expr"]) for dashboard in dashboards for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(asked) >= 8
    for title, expression in asked:
        concrete = expression.replace("$__rate_interval", "10m").replace("$service", ".+")
        assert until(lambda concrete=concrete: stack.query(concrete), 40), f"{title}: {concrete}"


def test_what_was_said_is_in_none_of_the_stores(stack):
    """The program recorded content; customers' questions, models' answers and tools' results are nowhere behind the Collector."""
    said = ("shows the same charge twice", "I will look at the invoice", "was charged twice: ch_1", "We have refunded one charge", '"ch_2"')
    recorded = json.dumps([span["attributes"] for span in stack.spans], ensure_ascii=False)
    assert [words for words in said if words not in recorded.replace('\\"', '"').replace('\\\\"', '"')] == []
    begun, ended = int(stack.begun * 1e6), int((time.time() + 60) * 1e6)
    traces = until(lambda: get_json(f"{stack.jaeger}/api/traces", service="story", start=begun, end=ended, limit=1000)["data"])
    lines = until(lambda: len(found := stack.log_lines("*")) >= len(stack.lines) and found)
    series = get_json(f"{stack.prometheus}/api/v1/series", **{"match[]": '{__name__=~".+"}'})["data"]
    assert traces
    assert len(series) > 50
    for store in (traces, lines, series):
        held = json.dumps(store, ensure_ascii=False).replace('\\"', '"')
        assert [words for words in said if words in held] == []
