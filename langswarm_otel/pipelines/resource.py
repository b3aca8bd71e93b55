"""Who the telemetry is from: the OpenTelemetry resource of a configuration."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.resources import Resource, ResourceDetector, get_aggregated_resources

from langswarm_otel import semconv
from langswarm_otel.pipelines.installed import build_installed
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from langswarm_otel.config import ObservabilityConfig

GROUP: Final = "opentelemetry_resource_detector"
"""Entry points under which packages offer detectors."""


def build_resource(config: ObservabilityConfig) -> Resource:
    """Build the resource: what the SDK's detectors find, then ``resource_attributes``, then the settings that have a name of their own.

    ``telemetry.distro.*`` names this distribution, as the resource conventions ask of one.
    """
    attributes: dict[str, str | bool | int | float] = dict(config.resource_attributes)
    named = {
        semconv.SERVICE_NAME: config.service_name,
        semconv.SERVICE_VERSION: config.service_version,
        semconv.SERVICE_NAMESPACE: config.service_namespace,
        semconv.DEPLOYMENT_ENVIRONMENT_NAME: config.environment,
        semconv.TELEMETRY_DISTRO_NAME: semconv.DISTRO_NAME,
        semconv.TELEMETRY_DISTRO_VERSION: __version__,
    }
    attributes.update({key: value for key, value in named.items() if value is not None})
    resource = Resource.create(attributes)
    if not config.resource_detectors:
        return resource
    # What is configured by name wins over what is detected, as in ``Resource.create``.
    return get_aggregated_resources(_detectors(config.resource_detectors), resource)


def _detectors(names: tuple[str, ...]) -> list[ResourceDetector]:
    if "*" in names:
        names = tuple(sorted({offered.name for offered in entry_points(group=GROUP)}))
    kind: type[ResourceDetector] = ResourceDetector  # type: ignore[type-abstract]
    return [build_installed(kind, "resource_detectors", name, group=GROUP) for name in names]
