"""The programs of the stack, and how each is built from its published Go module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import StackError, places

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BUILDS", "GoBuild", "build_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoBuild:
    """One Go module and the programs that come out of it.

    Attributes:
        name: the folder of its ``go.mod`` below ``modules``; ``collector`` is built by the OpenTelemetry Collector Builder instead.
        packages: the package of each program, by the program's name.
        tags: build tags, separated by commas.
    """

    name: str
    packages: dict[str, str]
    tags: str = ""

    @property
    def sources(self) -> tuple[Path, ...]:
        """Return the files that say what is built; another content is another build."""
        if self.name == "collector":
            return (places.collector_config() / "builder.yaml",)
        folder = places.modules() / self.name
        return (folder / "go.mod", folder / "go.sum")


BUILDS: Final = (
    GoBuild(name="victorialogs", packages={"victoria-logs": "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"}),
    # Without service discovery in any cloud; the configurations here name their targets.
    GoBuild(
        name="prometheus",
        packages={name: f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")},
        tags="remove_all_sd",
    ),
    GoBuild(name="alertmanager", packages={name: f"github.com/prometheus/alertmanager/cmd/{name}" for name in ("alertmanager", "amtool")}),
    GoBuild(name="compose", packages={"docker-compose": "github.com/docker/compose/v5/cmd"}),
    GoBuild(name="jaeger", packages={"jaeger": "github.com/jaegertracing/jaeger/cmd/jaeger"}),
    GoBuild(name="collector", packages={"otelcol-langswarm": ""}),
)


def build_of(program: str) -> GoBuild:
    """Return the build that a program comes from.

    Raises:
        StackError: there is no program of that name.
    """
    for build in BUILDS:
        if program in build.packages:
            return build
    known = ", ".join(sorted(name for build in BUILDS for name in build.packages))
    raise StackError(f"{program!r} is no program of the stack; there are {known}")
