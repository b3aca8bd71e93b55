"""The programs of the stack, and what each is built from: a published Go module, or for Kafka a Maven artifact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from langswarm_otel.stack import StackError, places

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUILDS", "Build", "build_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What is built in one go, and the programs that come out of it.

    Attributes:
        name: its folder below ``modules``; ``collector`` has its manifest beside the Collector's configurations instead.
        tool: what builds it: ``go``, ``ocb`` (the OpenTelemetry Collector Builder, with Go), or ``mvn`` (Maven, with Java).
        packages: what each program is made of, by the program's name.
        tags: build tags of Go, separated by commas.
    """

    name: str
    tool: Literal["go", "ocb", "mvn"]
    packages: dict[str, str]
    tags: str = ""

    @property
    def sources(self) -> tuple[Path, ...]:
        """Return the files that say what is built; another content is another build."""
        if self.tool == "ocb":
            return (places.collector_config() / "builder.yaml",)
        folder = places.modules() / self.name
        return (folder / "pom.xml",) if self.tool == "mvn" else (folder / "go.mod", folder / "go.sum")


def _go(name: str, module: str, packages: dict[str, str], tags: str = "") -> Build:
    return Build(name=name, tool="go", packages={program: f"{module}/{package}" for program, package in packages.items()}, tags=tags)


_ONLY_DNS: Final = "remove_all_sd,enable_dns_sd"

BUILDS: Final = (
    _go("victorialogs", "github.com/VictoriaMetrics/VictoriaLogs", {"victoria-logs": "app/victoria-logs"}),
    # Without service discovery in any cloud; the configurations here name their targets, or ask a name server.
    _go("prometheus", "github.com/prometheus/prometheus", {"prometheus": "cmd/prometheus", "promtool": "cmd/promtool"}, _ONLY_DNS),
    _go("alertmanager", "github.com/prometheus/alertmanager", {"alertmanager": "cmd/alertmanager", "amtool": "cmd/amtool"}),
    _go("compose", "github.com/docker/compose/v5", {"docker-compose": "cmd"}),
    _go("jaeger", "github.com/jaegertracing/jaeger", {"jaeger": "cmd/jaeger"}),
    Build(name="collector", tool="ocb", packages={"otelcol-langswarm": ""}),
    Build(name="kafka", tool="mvn", packages={"kafka": "kafka_2.13"}),
)


def build_of(program: str) -> Build:
    """Return the build that a program comes from.

    Raises:
        StackError: there is no program of that name.
    """
    for build in BUILDS:
        if program in build.packages:
            return build
    known = ", ".join(sorted(name for build in BUILDS for name in build.packages))
    raise StackError(f"{program!r} is no program of the stack; there are {known}")
