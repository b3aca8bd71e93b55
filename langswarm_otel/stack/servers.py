"""The servers of the stack: what each is started with, for given ports and a folder of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import building, places, settings
from langswarm_otel.stack.addresses import HOST

if TYPE_CHECKING:
    from pathlib import Path

    from langswarm_otel.stack.addresses import Ports

__all__ = ["PROGRAMS", "Server", "all_servers"]

PROGRAMS: Final = ("victoria-logs", "jaeger", "prometheus", "otelcol-langswarm")
_OF_CONTAINERS: Final = re.compile(r"^  - job_name: collector-tiers\n(    .*\n)+|^alerting:\n(  .*\n)+", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server to run.

    Attributes:
        name: what people call it.
        program: the program of :mod:`langswarm_otel.stack.programs`.
        arguments: its command line.
        environment: variables that its configuration reads.
        health: URL that answers with 200 when it is ready.
        page: URL for people.
        about: what it is for, in a few words.
        ports: which of the ports it listens on, by their names in :class:`Ports`.
    """

    name: str
    program: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    health: str
    page: str
    about: str
    ports: tuple[str, ...]

    @property
    def settings(self) -> str:
        """Return a digest of what it is started with: another version, another file or another setting is another one."""
        given = json.dumps([str(building.find(self.program)), self.arguments, sorted(self.environment.items())])
        return hashlib.sha256(given.encode()).hexdigest()[:16]


def all_servers(ports: Ports, directory: Path) -> tuple[Server, ...]:
    """Return the servers in the order in which they start, each before those that send to it."""
    return (_logs(ports, directory), _jaeger(ports), _prometheus(ports, directory), _collector(ports, directory))


def _logs(ports: Ports, directory: Path) -> Server:
    url = f"http://{HOST}:{ports.logs}"
    arguments = (
        f"-httpListenAddr={HOST}:{ports.logs}",
        f"-storageDataPath={directory / 'logs'}",
        "-retentionPeriod=7d",
        "-loggerLevel=WARN",
    )
    about = "log lines, found by trace_id"
    return Server(
        name="VictoriaLogs",
        program="victoria-logs",
        arguments=arguments,
        health=f"{url}/health",
        page=f"{url}/select/vmui",
        about=about,
        ports=("logs",),
    )


def _jaeger(ports: Ports) -> Server:
    return Server(
        name="Jaeger",
        program="jaeger",
        arguments=(f"--config={places.compose_files() / 'jaeger.yaml'}",),
        environment={
            "JAEGER_LISTEN_HOST": HOST,
            "JAEGER_QUERY_PORT": str(ports.jaeger),
            "JAEGER_QUERY_GRPC_PORT": str(ports.jaeger_grpc),
            "JAEGER_OTLP_PORT": str(ports.jaeger_otlp),
            "JAEGER_HEALTH_PORT": str(ports.jaeger_health),
            "JAEGER_UI_CONFIG": str(places.compose_files() / "jaeger-ui.json"),
            "PROMETHEUS_URL": f"http://{HOST}:{ports.prometheus}",
        },
        health=f"http://{HOST}:{ports.jaeger_health}/status",
        page=f"http://{HOST}:{ports.jaeger}",
        about="traces, calls and durations by operation (its API: the Go module has no page)",
        ports=("jaeger", "jaeger_grpc", "jaeger_otlp", "jaeger_health"),
    )


def _prometheus(ports: Ports, directory: Path) -> Server:
    url = f"http://{HOST}:{ports.prometheus}"
    return Server(
        name="Prometheus",
        program="prometheus",
        arguments=(
            f"--config.file={_prometheus_file(ports, directory)}",
            f"--web.listen-address={HOST}:{ports.prometheus}",
            f"--storage.tsdb.path={directory / 'metrics'}",
            "--storage.tsdb.retention.time=7d",
            "--web.enable-otlp-receiver",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ),
        health=f"{url}/-/ready",
        page=url,
        about="metrics, with exemplars that lead to traces (its API: the Go module has no page)",
        ports=("prometheus",),
    )


def _prometheus_file(ports: Ports, directory: Path) -> Path:
    """Write the configuration of docker-compose.yml with this machine's addresses: Prometheus reads none from its environment.

    Without what only containers have: a host of that name in somebody's network would get our alerts.
    """
    source = places.compose_files()
    text = (source / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("collector:8888", f"{HOST}:{ports.collector_metrics}").replace("/etc/prometheus/rules", str(source / "rules"))
    text = _OF_CONTAINERS.sub("", text)
    written = directory / "prometheus.yml"
    written.write_text(text, encoding="utf-8")
    return written


def _collector(ports: Ports, directory: Path) -> Server:
    config = places.collector_config()
    return Server(
        name="Collector",
        program="otelcol-langswarm",
        arguments=(f"--config={config / 'local.yaml'}", f"--config={config / 'logs.yaml'}"),
        environment={
            **settings.read(os.environ),
            "CONFIG_DIRECTORY": str(config),
            "QUEUE_DIRECTORY": str(directory / "queue"),
            "OTLP_GRPC_LISTEN": f"{HOST}:{ports.otlp_grpc}",
            "OTLP_HTTP_LISTEN": f"{HOST}:{ports.otlp_http}",
            "HEALTH_LISTEN": f"{HOST}:{ports.health}",
            "SELF_METRICS_PORT": str(ports.collector_metrics),
            "TRACES_ENDPOINT": f"http://{HOST}:{ports.jaeger_otlp}",
            "METRICS_ENDPOINT": f"http://{HOST}:{ports.prometheus}/api/v1/otlp",
            "LOGS_ENDPOINT": f"http://{HOST}:{ports.logs}/insert/opentelemetry",
        },
        health=f"http://{HOST}:{ports.health}",
        page=f"http://{HOST}:{ports.otlp_http}",
        about="takes OTLP (gRPC on " + str(ports.otlp_grpc) + "), passes it on",
        ports=("otlp_grpc", "otlp_http", "health", "collector_metrics"),
    )
