"""A real OpenTelemetry Collector, built from its Go modules, that forwards to an independent far side."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
from otlp_server import OtlpServer

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "collector-config" / "local.yaml"
# The very file that people run, with one change: log records go to the far side too, and the fixed port of self-metrics is left out.
OVERLAY = (
    "yaml:service::pipelines::logs::exporters: [otlp_http/jaeger]",
    "yaml:service::telemetry::metrics: {level: none, readers: []}",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def collector_binary():
    """Path of the Collector, or a skip that says how to get it."""
    found = subprocess.run([ROOT / "tools" / "build_collector.sh", "--path"], capture_output=True, text=True, timeout=60, check=False)
    if found.returncode != 0:
        pytest.skip("the OpenTelemetry Collector is not built (make collector; it needs Go)")
    return found.stdout.strip()


class Collector:
    """A running Collector process."""

    def __init__(self, binary, far_side):
        self.far_side = far_side
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        grpc, http, health = free_ports(3)
        self.endpoint, self.grpc_endpoint = f"http://127.0.0.1:{http}", f"http://127.0.0.1:{grpc}"
        self._health = f"http://127.0.0.1:{health}"
        variables = {
            "OTLP_GRPC_LISTEN": f"127.0.0.1:{grpc}",
            "OTLP_HTTP_LISTEN": f"127.0.0.1:{http}",
            "HEALTH_LISTEN": f"127.0.0.1:{health}",
            "TRACES_ENDPOINT": far_side.endpoint,
            "METRICS_ENDPOINT": far_side.endpoint,
        }
        command = [binary, f"--config=file:{CONFIG}", *(f"--config={part}" for part in OVERLAY)]
        self._process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=self._log, stderr=subprocess.STDOUT)

    def is_ready(self, timeout_s=30):
        """Wait until the Collector says that it is healthy; False when it has ended instead."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(self._health, timeout=1) as answer:
                    return answer.status == 200
            except OSError:
                time.sleep(0.05)
        return False

    def output(self):
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._log.close()


def free_ports(count):
    """Return ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture
def collector(collector_binary):
    """A Collector that runs ``collector-config/local.yaml``; its far side decodes with opentelemetry-proto."""
    with OtlpServer() as far_side:
        for attempt in range(3):  # a port can be taken between finding and using it
            running = Collector(collector_binary, far_side)
            try:
                if running.is_ready():
                    yield running
                    return
                output = running.output()
            finally:
                running.close()
            if "address already in use" not in output or attempt == 2:
                pytest.fail(f"the Collector did not start:\n{output}")
