"""The real servers of the stack, on loopback and free ports."""

from __future__ import annotations

from pathlib import Path

import pytest
from otlp_server import OtlpServer
from stack_commands import command
from stack_processes import Collector, program

# Log records go to the far side instead of the Collector's own output.
LOGS_TO_FAR_SIDE = "yaml:service::pipelines::logs::exporters: [otlp_http/traces]"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def collector_binary():
    """Path of the Collector, or a skip that says how to get it."""
    return program("otelcol-langswarm")


@pytest.fixture
def collector(collector_binary, tmp_path):
    """A Collector that runs ``collector-config/local.yaml``; its far side decodes with opentelemetry-proto."""
    with (
        OtlpServer() as far_side,
        Collector(
            tmp_path,
            "local.yaml",
            LOGS_TO_FAR_SIDE,
            TRACES_ENDPOINT=far_side.endpoint,
            METRICS_ENDPOINT=far_side.endpoint,
            SPAN_METRICS_INTERVAL="1h",
        ) as running,
    ):
        running.far_side = far_side
        yield running


@pytest.fixture
def directory(tmp_path):
    """A folder for a stack that is stopped in the end, whatever happened."""
    for name in ("otelcol-langswarm", "jaeger", "prometheus", "victoria-logs"):
        program(name)
    yield tmp_path / "stack"
    command("down", "--directory", tmp_path / "stack")
