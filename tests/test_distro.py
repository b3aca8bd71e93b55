"""A program under ``opentelemetry-instrument``: not a line of it changed, not one of it ours."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from langswarm_otel.distro import LangSwarmConfigurator, LangSwarmDistro

COMMAND = Path(sys.executable).parent / "opentelemetry-instrument"
PROGRAM = """
import asyncio, warnings
warnings.simplefilter("ignore", DeprecationWarning)
import swarm
asyncio.run(swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi"))
"""
SUPPORT = Path(__file__).parent / "support"

installed = pytest.mark.skipif(
    not COMMAND.exists() or not any(point.value.startswith("langswarm_otel") for point in entry_points(group="opentelemetry_distro")),
    reason="langswarm-otel is not installed here, so its entry points are not there",
)


def instrument(tmp_path, program, **environment):
    """Run a program under ``opentelemetry-instrument`` with nothing but environment variables."""
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LANGSWARM_"))}
    return subprocess.run(
        [str(COMMAND), sys.executable, str(script)],
        env={**kept, "PYTHONPATH": str(SUPPORT), **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        cwd=tmp_path,
    )


@installed
def test_a_program_is_observed_by_environment_variables_alone(tmp_path, otlp_server):
    """Distribution, configurator and instrumentor are found by their entry points; agent and model call arrive over OTLP, once each."""
    pytest.importorskip("swarm")
    done = instrument(
        tmp_path, PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_server.endpoint, OTEL_SERVICE_NAME="desk", LANGSWARM_OTEL_LOG_OUTPUT="none"
    )
    assert done.returncode == 0, done.stderr
    assert sorted(otlp_server.span_names()) == ["chat gpt-4o", "invoke_agent helper"]
    assert {resource["service.name"] for resource in otlp_server.resources} == {"desk"}


@installed
def test_instrumenting_is_the_loaders_decision(tmp_path, otlp_server):
    """``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=langswarm`` keeps the hooks out, as the configurator leaves them to the loader."""
    pytest.importorskip("swarm")
    done = instrument(
        tmp_path, PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_server.endpoint, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="langswarm"
    )
    assert done.returncode == 0, done.stderr
    assert otlp_server.span_names() == []


@installed
def test_a_wrong_setting_is_said_and_the_program_runs(tmp_path):
    """The loader logs our error with the field and the mend, and the program goes on without telemetry."""
    done = instrument(tmp_path, "print('ran')", OTEL_TRACES_SAMPLER="sometimes")
    assert (done.returncode, done.stdout) == (0, "ran\n")
    assert "OTEL_TRACES_SAMPLER" in done.stderr
    assert "sometimes" in done.stderr


@installed
def test_the_entry_points_name_what_exists():
    """Each of ours loads, and is what the loader expects."""
    ours = {
        group: [point.load() for point in entry_points(group=group) if point.value.startswith("langswarm_otel")]
        for group in ("opentelemetry_distro", "opentelemetry_configurator", "opentelemetry_instrumentor")
    }
    assert ours["opentelemetry_distro"] == [LangSwarmDistro]
    assert ours["opentelemetry_configurator"] == [LangSwarmConfigurator]
    assert [point.__name__ for point in ours["opentelemetry_instrumentor"]] == ["LangSwarmInstrumentor"]


def test_the_distribution_chooses_our_configurator(monkeypatch):
    """It does so where the environment names none, and respects one that is named."""
    monkeypatch.setenv("OTEL_PYTHON_CONFIGURATOR", "")  # so that the absence is put back afterwards
    monkeypatch.delenv("OTEL_PYTHON_CONFIGURATOR")
    LangSwarmDistro().configure()
    assert os.environ["OTEL_PYTHON_CONFIGURATOR"] == "langswarm"
    monkeypatch.setenv("OTEL_PYTHON_CONFIGURATOR", "theirs")
    LangSwarmDistro().configure()
    assert os.environ["OTEL_PYTHON_CONFIGURATOR"] == "theirs"


@installed
def test_the_program_may_configure_itself_under_another_name(tmp_path, otlp_server):
    """What the distro configured gives way to the program's own ``configure_observability``, its service name too."""
    program = f"""
from langswarm_otel import configure_observability
obs = configure_observability("production", service_name="mine", endpoint="{otlp_server.endpoint}", log_output="none")
with obs.tool("t"):
    pass
"""
    done = instrument(tmp_path, program, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_server.endpoint, OTEL_SERVICE_NAME="theirs")
    assert done.returncode == 0, done.stderr
    assert otlp_server.span_names() == ["execute_tool t"]
    assert {resource["service.name"] for resource in otlp_server.resources} == {"mine"}
