"""The demo in a process of its own: what it shows has travelled over OTLP, and it says so when nothing could."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from langswarm_otel import public_prices

needs_prices = pytest.mark.skipif(not public_prices.available(), reason="genai-prices, which needs Python 3.11, is not installed")

WITHOUT = (
    "import sys; sys.modules.update(dict.fromkeys({names!r})); from langswarm_otel.cli import main; sys.exit(main(['demo', *sys.argv[1:]]))"
)
COUNTS = re.compile(r"(\w+) +(\d+) spans, (\d+) metric points, (\d+) log records")


def demo(*arguments, without=(), **environment):
    """Run the demo, with modules hidden from it."""
    command = [sys.executable, "-c", WITHOUT.format(names=list(without)), *arguments]
    variables = {**os.environ, "PYTHONWARNINGS": "default", **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=55, check=False, env=variables, encoding="utf-8")


def counts(output):
    """Return what each summary line counts."""
    return {line: tuple(map(int, numbers)) for line, *numbers in COUNTS.findall(output)}


def below(lines, parent, child):
    """Whether a span stands below another in a tree drawn with guides."""
    names = [line.split("█")[0] for line in lines]
    start = next(i for i, name in enumerate(names) if parent in name)
    depth = names[start].index(parent)
    for name in names[start + 1 :]:
        stripped = name.lstrip(" │├└─")
        if not stripped or len(name) - len(stripped) <= depth:
            return False
        if stripped.startswith(child):
            return True
    return False


def check_story(done):
    """What every form of the story has to show."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert below(lines, "invoke_workflow", "workflow_step")
    assert below(lines, "workflow_step", "invoke_agent")
    assert below(lines, "invoke_agent", "chat")
    assert below(lines, "invoke_agent", "execute_tool")
    (root,) = [line for line in lines if line.lstrip().startswith("invoke_workflow") and "→" in line][:1]
    tokens_in, tokens_out = re.search(r"([\d,]+)→([\d,]+)", root).groups()
    assert int(tokens_in.replace(",", "")) > 0
    assert int(tokens_out.replace(",", "")) > 0
    assert float(re.search(r"\$([\d.]+)", root).group(1)) > 0
    assert "p95" in done.stdout
    assert "gen_ai.client.token.usage" in done.stdout
    said = counts(done.stdout)
    assert said["emitted"] == said["arrived"]
    assert min(said["emitted"]) > 0


@needs_prices
@pytest.mark.timeout(120)
def test_a_langswarm_program_is_shown_as_it_arrived():
    """Workflow, step, agent, chat and tool nest as they ran, with tokens and cost; everything emitted arrived; colours stay away."""
    pytest.importorskip("langswarm")
    done = demo()
    check_story(done)
    assert "A LangSwarm 0.1" in done.stdout
    assert "\x1b" not in done.stdout
    assert [line for line in done.stdout.splitlines() if line != line.rstrip()] == []


@needs_prices
def test_without_langswarm_the_same_story_runs_on_our_operations():
    """It says what to install for the real one."""
    done = demo(without=["langswarm"])
    check_story(done)
    assert "pip install 'langswarm-otel[langswarm]'" in done.stdout


@needs_prices
def test_the_environment_does_not_get_in_the_way():
    """Whatever a shell says about OpenTelemetry, the demo shows itself."""
    variables = {"OTEL_TRACES_SAMPLER": "always_off", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:1"}
    check_story(demo(without=["langswarm"], OTEL_METRICS_EXPORTER="none", OTEL_EXPORTER_OTLP_COMPRESSION="gzip", **variables))


def test_switched_off_telemetry_is_one_line():
    """The one variable that no argument overrides is named."""
    done = demo(without=["langswarm"], OTEL_SDK_DISABLED="true")
    assert done.returncode == 1
    assert "Trace" not in done.stdout
    assert "OTEL_SDK_DISABLED" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", [{"without": ["langswarm", "rich"]}, {"without": ["langswarm"], "PYTHONIOENCODING": "ascii"}])
def test_without_rich_or_its_characters_the_report_is_plain_text(how):
    """Nothing is missing but the drawing."""
    done = demo(**how)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert re.search(r"^  +workflow_step \S+ +[\d.]+ [mu]?s", done.stdout, re.MULTILINE)
    assert re.search(r"gen_ai.client.token.usage .* count \d+ +p50 ", done.stdout)
    said = counts(done.stdout)
    assert said["emitted"] == said["arrived"]


@pytest.mark.parametrize("width", [60, 100, 160])
def test_the_report_fits_the_terminal(width):
    """No line of the report is wider than the terminal, and the tree keeps its names."""
    done = demo(without=["langswarm"], COLUMNS=str(width))
    assert done.returncode == 0, done.stderr
    report = done.stdout[done.stdout.index("Trace ") : done.stdout.index("\nemitted")]
    assert max(map(len, report.splitlines())) <= width
    assert "invoke_agent" in report
    assert ("█" in report) == (width >= 100)


def test_with_an_endpoint_it_says_what_was_delivered_and_where_to_look(otlp_server):
    """The counts are those of the far side; the report is shown too."""
    done = demo("--endpoint", otlp_server.endpoint, without=["langswarm"])
    assert done.returncode == 0, done.stderr
    assert (len(otlp_server.spans), len(otlp_server.metric_points), len(otlp_server.log_records)) == counts(done.stdout)["delivered"]
    assert counts(done.stdout)["emitted"] == counts(done.stdout)["delivered"]
    trace_id = otlp_server.spans[0].trace_id.hex()
    assert f"in the back ends of that Collector, for service langswarm-demo and trace {trace_id}" in done.stdout
    assert "invoke_workflow" in done.stdout


def test_nothing_delivered_is_one_line_with_cause_and_mend(closed_port):
    """No report that would look like success."""
    done = demo("--endpoint", f"http://127.0.0.1:{closed_port}", without=["langswarm"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"nothing listens on 127.0.0.1:{closed_port}; start a Collector" in done.stderr


def test_a_collector_that_refuses_every_signal_is_one_line(http_server):
    """The cause is the answer that the doctor would explain."""
    done = demo("--endpoint", f"http://127.0.0.1:{http_server('404 Not Found')}", without=["langswarm"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "HTTP 404" in done.stderr


def test_wrong_endpoints_are_one_line():
    """The message of the configuration."""
    done = demo("--endpoint", "http://localhost:4317", without=["langswarm"])
    assert (done.returncode, done.stdout) == (1, "")
    assert "4318" in done.stderr
