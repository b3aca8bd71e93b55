"""What stands under the handle of a capture where a configured handle has pipelines: the capture itself, and nothing that sends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

from langswarm_otel.export.memory import MemoryStore
from langswarm_otel.pipelines.capture_reading import captured_statistics, captured_text
from langswarm_otel.pipelines.sampling import parent_based_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langswarm_otel.export.exporter_health import ExporterHealth
    from langswarm_otel.pipelines.capture import Capture
    from langswarm_otel.pipelines.preparation import Preparation
    from langswarm_otel.pipelines.statistics import Statistics
    from langswarm_otel.signals.telemetry import Telemetry


class CapturePipelines:
    """The part of ``Pipelines`` that a handle asks, answered from a capture."""

    def __init__(self, inner: Capture[Telemetry], preparing: Preparation) -> None:
        """Stand in for pipelines.

        Args:
            inner: keeps what is emitted.
            preparing: makes of a record what would be sent.
        """
        self._inner = inner
        self._preparing = preparing
        self._memory = MemoryStore()
        self.alive = True
        """Whether the block of the capture goes on."""

    @property
    def memory(self) -> MemoryStore:
        """What has been captured so far, as the ``memory`` exporters of the testing preset would hold it; a copy, made anew each time."""
        store, inner, preparing = self._memory, self._inner, self._preparing
        store.clear()
        store.spans.export([span for span in map(preparing.span, inner.spans()) if span is not None])
        store.logs.export([record for record in map(preparing.log_record, inner.log_records()) if record is not None])
        data = inner.metrics()
        if data is not None:
            store.metrics.export(preparing.metrics(data))
        return store

    def statistics(self) -> Statistics:
        """Return the statistics of everything recorded so far."""
        return captured_statistics(self._inner)

    def prometheus_text(self) -> str:
        """Return everything recorded so far as Prometheus text."""
        return captured_text(self._inner)

    def counts(self) -> tuple[ExporterHealth, ...]:
        """Return no row: there is no exporter, and so no queue and no drop."""
        return ()

    def keep_counts(self) -> None:
        """Return nothing: a capture samples and keeps everything."""

    def set_sample_ratio(self, ratio: float) -> None:
        """Refuse what a configured handle refuses; a capture goes on to keep everything.

        Raises:
            ConfigurationError: the ratio is no number from 0 to 1.
        """
        parent_based_ratio(ratio)

    def let_change(self) -> None:
        """Do nothing: no configuration comes after."""


class CaptureInstallation:
    """The part of ``Installation`` that a handle asks."""

    mode: Literal["private"] = "private"
    """A capture is apart from the process's providers."""

    def __init__(self, inner: Capture[Telemetry], preparing: Preparation) -> None:
        """Stand in for an installation.

        Args:
            inner: keeps what is emitted.
            preparing: makes of a record what would be sent.
        """
        self._inner = inner
        self.telemetry = inner.telemetry
        """What the operations use."""
        self.pipelines = CapturePipelines(inner, preparing)
        """Where what is emitted stays."""
        self.handle: object | None = None
        """The handle of this installation."""

    def missing_logging(self) -> list[str]:
        """Return nothing: a capture routes log records and leaves the set-up of logging alone."""
        return []

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know: that the capture was full, or went on to be used after its end."""
        dropped = self._inner.dropped
        return (f"{dropped} spans and log records were not captured: no room, or after the end",) if dropped else ()

    def logger(self) -> Any:
        """Return a structlog logger."""
        from langswarm_otel.signals.log_setup import get_logger  # noqa: PLC0415 - loads structlog

        return get_logger()

    def hooks(self) -> Iterable[Any]:
        """Return the state of every hook, if the instrumentation has been loaded."""
        module = sys.modules.get("langswarm_otel.instrumentation.hooks")
        return module.hook_states() if module is not None else ()

    def flush(self, timeout_s: float) -> bool:  # noqa: ARG002 - as `Installation` has it
        """Do nothing, successfully: what is emitted is captured at once."""
        return True

    def shutdown(self, timeout_s: float) -> bool:  # noqa: ARG002 - as `Installation` has it
        """Do nothing, successfully: a capture ends with its block."""
        return True
