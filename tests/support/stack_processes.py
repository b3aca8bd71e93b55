"""Real servers of the stack as processes of a test, and spans of a test's own making, sent as protobuf without our library."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "collector-config"

os.environ.setdefault("LANGSWARM_OTEL_STACK_CACHE", str(ROOT / ".cache" / "stack"))


def program(name: str, *, installed: str | None = None) -> str:
    """Return the path of a built program, or of what is installed under a name, or skip with a word on how to get it."""
    from langswarm_otel.stack import building

    found = building.find(name) or shutil.which(installed or "")
    if found is None:
        pytest.skip(f"{name} is not built (make stack-tools; it needs Go)")
    return str(found)


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def until(attempt: Callable[[], Any], timeout_s: float = 30.0, every_s: float = 0.1) -> Any:
    """Return the first true answer of an attempt; the last one when the time is over. What cannot connect yet is tried again."""
    deadline = time.monotonic() + timeout_s
    answer: Any = None
    while True:
        with contextlib.suppress(OSError, ValueError):
            answer = attempt()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(every_s)


def get_json(url: str, **query: Any) -> Any:
    """Return what a server answers to a GET, read as JSON."""
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(query, doseq=True)}", timeout=10) as answer:
        return json.load(answer)


class ServerProcess:
    """A process that is ready when a URL answers, or with ``tcp://`` when it listens; its output is in a file."""

    def __init__(self, command: list[str], *, ready: str, log: Path, environment: dict[str, str] | None = None) -> None:
        self.command, self.ready, self.log = command, ready, log
        self.environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, timeout_s: float = 30.0) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        if not until(self._is_ready, timeout_s, 0.05):
            self.kill()
            pytest.fail(f"{self.command[0]} did not become ready:\n{self.output()[-3000:]}")

    def _is_ready(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"{self.command[0]} ended:\n{self.output()[-3000:]}")
        if self.ready.startswith("tcp://"):
            host, _, port = self.ready[6:].rpartition(":")
            with socket.create_connection((host, int(port)), timeout=1):
                return True
        try:
            with urllib.request.urlopen(self.ready, timeout=1) as answer:
                return answer.status == 200
        except urllib.error.HTTPError:
            return False

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    def stop(self) -> None:
        """Ask it to end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


class RawServer:
    """Answers every GET on a port with the same bytes, whether that is HTTP or not."""

    def __init__(self, port: int, answer: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Collector(ServerProcess):
    """The built Collector on free ports, with one of the repository's configurations, as it is."""

    def __init__(
        self, folder: Path, *configs: str, otlp_host: str = "127.0.0.1", grpc_port: int = 0, prefix: tuple[str, ...] = (), **variables: str
    ):
        grpc, http, health, metrics = free_ports(4)
        self.grpc_port = grpc_port or grpc
        self.endpoint, self.grpc_endpoint = f"http://{otlp_host}:{http}", f"http://{otlp_host}:{self.grpc_port}"
        self.metrics_url = f"http://127.0.0.1:{metrics}/metrics"
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            "CONFIG_DIRECTORY": str(CONFIG),
            "QUEUE_DIRECTORY": str(folder / "queue"),
            "OTLP_GRPC_LISTEN": f"{otlp_host}:{self.grpc_port}",
            "OTLP_HTTP_LISTEN": f"{otlp_host}:{http}",
            "HEALTH_LISTEN": f"127.0.0.1:{health}",
            "SELF_METRICS_PORT": str(metrics),
            **variables,
        }
        given = [f"--config={config if config.startswith('yaml:') else CONFIG / config}" for config in configs]
        super().__init__(
            [*prefix, program("otelcol-langswarm"), *given],
            ready=f"http://127.0.0.1:{health}",
            log=folder / "collector.log",
            environment=environment,
        )

    def own_metrics(self) -> dict[str, float]:
        """Return the Collector's own metrics: the sum of each over its labels."""
        from prometheus_client.parser import text_string_to_metric_families

        with urllib.request.urlopen(self.metrics_url, timeout=5) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        sums: dict[str, float] = {}
        for family in families:
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums


def own_hosts(file: Path) -> tuple[str, ...]:
    """Return what to put before a command so that a file is its ``/etc/hosts``: a mount namespace. Skips where that is not allowed."""
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(file))
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a mount namespace needs root and unshare (util-linux)")
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    return prefix


def name_hosts(file: Path, name: str, hosts: Sequence[str]) -> None:
    """Let a name lead to addresses; written in place, because the file is mounted by its inode."""
    with file.open("w") as opened:
        opened.write("127.0.0.1 localhost\n" + "".join(f"{host} {name}\n" for host in hosts))


def value_of(value: Any) -> AnyValue:
    """Return a Python value as protobuf."""
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, (list, tuple)):
        return AnyValue(array_value=ArrayValue(values=[value_of(item) for item in value]))
    return AnyValue(string_value=value)


def pairs_of(attributes: dict[str, Any]) -> list[KeyValue]:
    """Return attributes as protobuf."""
    return [KeyValue(key=key, value=value_of(value)) for key, value in attributes.items()]


def make_trace(
    dice: random.Random,
    *,
    spans: int = 5,
    duration_s: float = 0.05,
    error: bool = False,
    attributes: dict[str, Any] | None = None,
    child_attributes: dict[str, Any] | None = None,
) -> list[Span]:
    """Return the spans of a run: a root, and below it the rest; an error is on the last one."""
    trace_id, root_id = dice.randbytes(16), dice.randbytes(8)
    begun = time.time_ns() - int(duration_s * 1e9)
    root = Span(trace_id=trace_id, span_id=root_id, name="invoke_agent tester", kind=Span.SPAN_KIND_INTERNAL)
    root.start_time_unix_nano, root.end_time_unix_nano = begun, begun + int(duration_s * 1e9)
    root.attributes.extend(pairs_of({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "tester", **(attributes or {})}))
    made = [root]
    for _ in range(spans - 1):
        child = Span(trace_id=trace_id, span_id=dice.randbytes(8), parent_span_id=root_id, name="chat gpt-4o", kind=Span.SPAN_KIND_CLIENT)
        child.start_time_unix_nano, child.end_time_unix_nano = begun, begun + int(duration_s * 5e8)
        child.attributes.extend(pairs_of({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", **(child_attributes or {})}))
        made.append(child)
    if error:
        made[-1].status.code = 2
    return made


def request_of(spans: list[Span], service: str = "tester") -> ExportTraceServiceRequest:
    """Return an OTLP request with these spans."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.extend(pairs_of({"service.name": service}))
    resource.scope_spans.add().spans.extend(spans)
    return request


def post_spans(endpoint: str, spans: list[Span], service: str = "tester", timeout_s: float = 10.0) -> int:
    """Send spans over OTLP/HTTP; return the status, 0 when no answer came."""
    return post_request(endpoint, request_of(spans, service), timeout_s)


def post_request(endpoint: str, given: ExportTraceServiceRequest, timeout_s: float = 10.0) -> int:
    """Send a request over OTLP/HTTP; return the status, 0 when no answer came."""
    body = given.SerializeToString()
    request = urllib.request.Request(f"{endpoint}/v1/traces", data=body, headers={"content-type": "application/x-protobuf"})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
