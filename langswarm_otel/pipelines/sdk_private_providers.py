"""The private names of the SDK that our providers need, and nowhere else; a contract test guards each of them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import _Gauge as ApiGauge
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import _Gauge as SdkGauge
from opentelemetry.sdk.resources import Resource

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics.export import MetricReader
    from opentelemetry.sdk.trace import TracerProvider

__all__ = [
    "ApiGauge",
    "SdkGauge",
    "merge_resource_in_child",
    "never_disable",
    "renew_metric_storage",
    "replace_resource",
    "set_configurator",
]


def never_disable(provider: TracerProvider | MeterProvider | LoggerProvider) -> None:
    """Undo what ``OTEL_SDK_DISABLED`` did in the constructor of a provider.

    The SDK reads the variable once, when a provider is made, and such a provider hands out no-ops for ever. We read the variable
    ourselves, and whether a provider passes through is its ``enabled``, which may change while the process runs.
    """
    provider._disabled = False  # noqa: SLF001 - the reason for this file


def replace_resource(provider: TracerProvider | MeterProvider | LoggerProvider, resource: Resource) -> None:
    """Let a provider and all that it has handed out speak of another resource from now on.

    The SDK binds the resource when a provider is made, and OpenTelemetry takes a global provider once, so a process that shuts telemetry
    down and configures it anew under another service name would have to restart.
    """
    target: Any = provider
    if isinstance(provider, MeterProvider):
        target._sdk_config.resource = resource  # noqa: SLF001 - the reason for this file
    else:
        target._resource = resource  # noqa: SLF001 - the reason for this file
        # Merges nothing, and hands the result to every tracer or logger.
        target._update_resource(Resource.get_empty())  # noqa: SLF001 - the reason for this file


def set_configurator(provider: TracerProvider | MeterProvider | LoggerProvider, configurator: Any) -> None:
    """Let a function decide, scope by scope, which tracers, meters or loggers of a provider are on (experimental in OpenTelemetry)."""
    target: Any = provider
    if isinstance(provider, MeterProvider):
        target._set_meter_configurator(meter_configurator=configurator)  # noqa: SLF001 - the reason for this file
    elif hasattr(provider, "add_span_processor"):
        target._set_tracer_configurator(tracer_configurator=configurator)  # noqa: SLF001 - the reason for this file
    else:
        target._set_logger_configurator(logger_configurator=configurator)  # noqa: SLF001 - the reason for this file


def renew_metric_storage(provider: MeterProvider, only: MetricReader | None = None) -> None:
    """Give the readers of a provider empty storage with fresh locks: for a child after fork.

    The SDK renews none of the locks that a measurement takes. A thread of the parent that was adding to a counter during the fork holds
    one for ever in the child, and the child's next measurement, in the application's own thread, hangs on it (60 of 60 forks under three
    recording threads). What the parent had recorded and not yet exported would also be exported by both of them.

    Args:
        provider: whose readers.
        only: the one reader to renew, for a provider of others, whose own readers stay as they are.
    """
    consumer: Any = getattr(provider, "_measurement_consumer", None)
    if consumer is None:  # a provider of others that is no SDK's
        return
    consumer._lock = threading.Lock()  # noqa: SLF001 - the reason for this file
    for reader in list(consumer._reader_storages):  # noqa: SLF001 - the reason for this file
        if only is None or reader is only:
            consumer.remove_metric_reader(reader)
            consumer.add_metric_reader(reader)


def merge_resource_in_child(provider: TracerProvider | MeterProvider | LoggerProvider, resource: Resource) -> None:
    """Let a provider speak of what is different in a child after fork, whether or not the SDK's own hook has run by then."""
    target: Any = provider
    target._handle_fork()  # noqa: SLF001 - new locks; a second time changes nothing
    target._update_resource(resource)  # noqa: SLF001 - the reason for this file
