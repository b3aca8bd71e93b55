"""Who the telemetry is from: the OpenTelemetry resource of a configuration."""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.resources import (
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
    Resource,
    ResourceDetector,
    ServiceInstanceIdResourceDetector,
)
from opentelemetry.sdk.version import __version__ as sdk_version

from langswarm_otel import semconv
from langswarm_otel.content.safe import safe_attributes
from langswarm_otel.content.scrubbing import USUAL
from langswarm_otel.guard import logger, record_fault
from langswarm_otel.pipelines.installed import build_installed
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langswarm_otel.config import ObservabilityConfig

GROUP: Final = "opentelemetry_resource_detector"
"""Entry points under which packages offer detectors."""

DETECTION_S: Final = 5.0
"""How long all detectors together may take, in seconds: as long as the SDK gives to each of them."""


def build_resource(config: ObservabilityConfig) -> Resource:
    """Build the resource: what detectors find, then ``resource_attributes``, then the settings that have a name of their own.

    Not by ``Resource.create``: it reads the environment anew, beside the arguments that win over it, and waits for ever for a detector
    that blocks. What is configured by name wins over what is detected. ``telemetry.distro.*`` names this distribution, as the resource
    conventions ask of one.
    """
    attributes: dict[str, Any] = dict(config.resource_attributes)
    named = {
        semconv.SERVICE_NAME: config.service_name,
        semconv.SERVICE_VERSION: config.service_version,
        semconv.SERVICE_NAMESPACE: config.service_namespace,
        semconv.DEPLOYMENT_ENVIRONMENT_NAME: config.environment,
        semconv.TELEMETRY_DISTRO_NAME: semconv.DISTRO_NAME,
        semconv.TELEMETRY_DISTRO_VERSION: __version__,
    }
    attributes.update({key: value for key, value in named.items() if value is not None})
    sdk = Resource({TELEMETRY_SDK_LANGUAGE: "python", TELEMETRY_SDK_NAME: "opentelemetry", TELEMETRY_SDK_VERSION: sdk_version})
    detected = _detect(_detectors(config.resource_detectors), sdk.merge(ServiceInstanceIdResourceDetector().detect()))
    # One attribute that cannot be encoded would be missing in every request.
    resource = detected.merge(Resource(dict(safe_attributes(attributes))))
    scrubbed = USUAL.attributes(resource.attributes)  # a command line, for one, may hold a key
    if scrubbed is not resource.attributes:
        resource = Resource(dict(scrubbed), resource.schema_url)
    if resource.attributes.get(semconv.SERVICE_NAME):
        return resource
    program = f":{os.path.basename(sys.executable)}" if sys.executable else ""  # noqa: PTH119 - may be no path of this system
    return resource.merge(Resource({semconv.SERVICE_NAME: f"unknown_service{program}"}))


def build_child_resource(config: ObservabilityConfig) -> Resource | None:
    """Detect again what is different in a child after fork; None if nothing is.

    The SDK renews ``service.instance.id`` and what the environment's detectors find, and knows nothing of those given as arguments.
    """
    detectors = [detector for detector in _detectors(config.resource_detectors) if detector.is_process_dependent()]
    return _detect(detectors, Resource.get_empty()) if detectors else None


def _detectors(names: tuple[str, ...]) -> list[ResourceDetector]:
    if "*" in names:
        names = tuple(sorted({offered.name for offered in entry_points(group=GROUP)}))
    kind: type[ResourceDetector] = ResourceDetector  # type: ignore[type-abstract]
    return [build_installed(kind, "resource_detectors", name, group=GROUP) for name in names]


def _detect(detectors: Sequence[ResourceDetector], resource: Resource) -> Resource:
    """Merge into a resource what each detector finds in time, the later ones over the earlier.

    In daemon threads of our own: the SDK's are joined, by it and again by the interpreter at its end, so that a detector that blocks, on
    a metadata service that nobody answers at, would hold up both.
    """
    found: dict[int, Resource] = {}

    def run(position: int, detector: ResourceDetector) -> None:
        try:
            found[position] = detector.detect()
        except Exception as error:  # noqa: BLE001 - what it would have found is missing, nothing else
            record_fault(f"resource detector {type(detector).__name__}", error)
            found[position] = Resource.get_empty()

    deadline = time.monotonic() + DETECTION_S
    threads = [threading.Thread(target=run, args=each, name="langswarm-otel detector", daemon=True) for each in enumerate(detectors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    for position, detector in enumerate(detectors):
        if position not in found:
            kind = type(detector).__name__
            logger.warning("telemetry: resource detector %s does not answer within %.0f s, so it is left out", kind, DETECTION_S)
        resource = resource.merge(found.get(position, Resource.get_empty()))
    return resource
