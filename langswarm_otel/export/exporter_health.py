"""What ``health()`` shows of one target and signal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.accounting import DropReason, Signal, State
    from langswarm_otel.export.breaker import CircuitState


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterHealth:
    """The account of one target and signal.

    In every snapshot ``made`` and ``recovered`` together are exported, dropped, queued, in flight and spooled together.
    """

    target: str
    """Name of the target; empty for what was made while there was none."""

    signal: Signal
    """Which signal the row is about."""

    state: State
    """What became of the last try."""

    queued: int
    """Records (data points of metrics) that wait."""

    in_flight: int
    """Records in the worker's hands."""

    queued_bytes: int
    """Estimated bytes of memory held by what waits or is in flight."""

    capacity_bytes: int
    """The bound that all targets and signals share."""

    exported: int
    """Records that the target took."""

    dropped: Mapping[DropReason, int]
    """Records given up, by reason; reasons that did not occur are absent."""

    last_error: str | None = None
    """Cause of the last failure."""

    last_error_at: float | None = None
    """When that was, in seconds since the epoch."""

    last_success_at: float | None = None
    """When the target last took something, in seconds since the epoch."""

    circuit: CircuitState | None = None
    """Whether the endpoint is left alone for a while, since it could not be reached; ``closed`` is the good state, None one that is always
    tried. The signals that go to one endpoint share its circuit."""

    next_try_in_s: float = 0.0
    """For how long it will be left alone, in seconds."""

    spooled: int = 0
    """Records that are kept on disk until the target takes them."""

    spooled_bytes: int = 0
    """What these take there, in bytes."""

    recovered: int = 0
    """Records that an earlier process had left on disk and that this one has taken over."""

    @property
    def dropped_total(self) -> int:
        """Records given up for whatever reason."""
        return sum(self.dropped.values())

    @property
    def made(self) -> int:
        """Records that this process offered for this target."""
        return self.exported + self.dropped_total + self.queued + self.in_flight + self.spooled - self.recovered
