"""The private handle of a capture: operations and signals that go nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import override
from langswarm_otel.components.operations import Operations

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer

    from langswarm_otel.signals.telemetry import Telemetry


class CaptureHandle(Operations):
    """What tests use as they would use ``Observability``; an inner capture takes its emissions, as it takes every handle's."""

    def __init__(self, own: Telemetry) -> None:
        """Make a handle.

        Args:
            own: telemetry of the capture.
        """
        super().__init__(self._resolve)
        self._own = own

    def _resolve(self) -> Telemetry:
        over = override.active()
        return self._own if over is None else over.telemetry  # type: ignore[return-value]

    @property
    def telemetry(self) -> Telemetry:
        """What operations use in the present context."""
        return self._resolve()

    @property
    def tracer(self) -> Tracer:
        """A tracer whose spans are captured."""
        return self._resolve().tracer

    @property
    def meter(self) -> Meter:
        """A meter whose instruments are captured."""
        return self._resolve().meter

    @property
    def log(self) -> Any:
        """A structlog logger whose events are captured."""
        from langswarm_otel.signals.log_setup import get_logger  # noqa: PLC0415 - loads structlog

        return get_logger()

    def flush(self, timeout_s: float = 5.0) -> bool:  # noqa: ARG002 - the signature of `Observability`
        """Do nothing, successfully: what is emitted is captured at once."""
        return True

    def shutdown(self, timeout_s: float | None = None) -> bool:  # noqa: ARG002 - the signature of `Observability`
        """Do nothing, successfully: a capture ends with its block."""
        return True
