"""Who the telemetry is from: the OpenTelemetry resource of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource

from langswarm_otel import semconv
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from langswarm_otel.config import ObservabilityConfig


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
    return Resource.create(attributes)
