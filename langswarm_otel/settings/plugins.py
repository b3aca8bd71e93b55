"""Names that stand for something installable: samplers, exporters, propagators and the like.

OpenTelemetry finds these through entry points. A built-in name needs no look-up; any other is looked up, so that a misspelt one is an error
here and not a silent fall back to a default (the SDK logs an unknown sampler and samples everything).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.rules import near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langswarm_otel.endpoints import Protocol

RATIO_SAMPLERS: Final = ("traceidratio", "parentbased_traceidratio")
"""Samplers whose argument is the share of traces."""

SAMPLERS: Final = ("always_on", "always_off", "parentbased_always_on", "parentbased_always_off", *RATIO_SAMPLERS)
"""Samplers that the SDK knows by name (``OTEL_TRACES_SAMPLER``)."""

OTLP_BY_NAME: Final[dict[str, Protocol]] = {"otlp_proto_http": "http/protobuf", "otlp_proto_grpc": "grpc"}
"""OpenTelemetry's names for the OTLP exporter of one protocol."""

_EVERYWHERE: Final = ("otlp", "console", "memory", "none", *OTLP_BY_NAME)

EXPORTERS: Final = {"traces": _EVERYWHERE, "metrics": (*_EVERYWHERE, "prometheus"), "logs": _EVERYWHERE}
"""Exporters that this distribution builds itself, by signal."""

PROPAGATORS: Final = ("tracecontext", "baggage")
RESOURCE_DETECTORS: Final = ("otel", "service_instance", "process", "os", "host", "*")
ID_GENERATORS: Final = ("random",)


def check_plugin(field: str, name: str, group: str, built_in: Sequence[str] = ()) -> str:
    """Return the name if something is known or installed under it.

    Args:
        field: the setting, for the message.
        name: what the user wrote.
        group: the entry point group of OpenTelemetry that others register in.
        built_in: names that need no look-up.

    Raises:
        ConfigurationError: nothing is known or installed under this name.
    """
    if name in built_in:
        return name
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and most names are built in

    installed = {point.name for point in entry_points(group=group)}
    if name in installed:
        return name
    known = [*built_in, *sorted(installed - set(built_in))]
    choices = f"write one of {', '.join(map(repr, known))}{near(name, known)}, or " if known else ""
    raise ConfigurationError(
        field, name, f"nothing is installed under this name; {choices}install what provides it (entry point group {group})"
    )
