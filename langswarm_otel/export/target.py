"""A destination."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from langswarm_otel.export.accounting import Signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """One distinct destination, with an exporter for each signal that goes there; compared by identity.

    A hub owns the exporters of its targets: it alone calls them, each from one thread, and shuts each down once.
    """

    name: str
    """What people know it by: the base endpoint, ``console``, ``memory``."""

    spans: SpanExporter | None = None
    """Exporter of spans, or None if they do not go there."""

    logs: LogRecordExporter | None = None
    """Exporter of log records, or None."""

    metrics: MetricExporter | None = None
    """Exporter of metrics, or None."""

    timeout_s: float = 10.0
    """How long one request may take, in seconds; keep it well below the deadline of a flush."""

    renew: Callable[[], Target] | None = None
    """Builds the same target anew, for a child after fork, where sockets and channels of the parent must not be used; None keeps the
    exporters as they are, which is right for those without any."""

    def exporter(self, signal: Signal) -> Any:
        """Return the exporter of a signal, or None."""
        return {"traces": self.spans, "metrics": self.metrics, "logs": self.logs}[signal]
