"""Which traces that are not sampled are kept all the same, and what waits until that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from opentelemetry.trace import StatusCode

from langswarm_otel import semconv
from langswarm_otel.export.sdk_private import attributes_and_events

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from langswarm_otel.config import ObservabilityConfig

KeepReason = Literal["error", "slow", "expensive"]
"""Why a trace is kept; the value of ``langswarm.sampling.kept``."""

HELD_BYTES: Final = 800
"""What an open trace takes in memory, without its spans."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRules:
    """The settings of the keep."""

    errors: bool = False
    """Whether a trace with a span whose status is an error is kept."""

    slower_than_s: float | None = None
    """A trace that lasts longer is kept, in seconds."""

    costlier_than: float | None = None
    """A trace whose runs cost more is kept, in US dollars."""

    max_bytes: int
    """Most estimated bytes of what is undecided."""

    for_s: float
    """How long a trace may stay undecided, in seconds."""


def rules_of(config: ObservabilityConfig) -> KeepRules | None:
    """Return what a configuration says; None where nothing is kept."""
    if not config.keeps_unsampled:
        return None
    return KeepRules(
        errors=config.keep_errors,
        slower_than_s=config.keep_slower_than_s,
        costlier_than=config.keep_costlier_than,
        max_bytes=config.keep_max_bytes,
        for_s=config.keep_for_s,
    )


class HeldTrace:
    """This process's part of a trace, from the start of its first local root to the end of its last one."""

    __slots__ = ("bytes", "cost", "ratio", "reason", "roots", "since_s", "spans", "start_ns")

    def __init__(self, since_s: float, start_ns: int, ratio: float | None) -> None:
        """Begin with no span.

        Args:
            since_s: when, on the clock that never goes back.
            start_ns: start of the root, in nanoseconds since 1970.
            ratio: share of new traces that was sampled when this one was not; None where somebody else decided.
        """
        self.since_s: Final = since_s
        self.start_ns = start_ns
        self.ratio: Final = ratio
        self.roots: Final[set[int]] = set()
        """Span ids of the local roots that are open."""
        self.spans: list[ReadableSpan] = []
        """What has ended and waits."""
        self.bytes = HELD_BYTES
        self.cost = 0.0
        self.reason: KeepReason | None = None
        """Why it is kept, once that is known."""

    def judge(self, span: ReadableSpan, rules: KeepRules) -> KeepReason | None:
        """Return why the trace is to be kept, now that this span of it has ended; None if that is still open."""
        if rules.errors and span.status.status_code is StatusCode.ERROR:
            return "error"
        if rules.slower_than_s is not None and ((span.end_time or 0) - self.start_ns) / 1e9 > rules.slower_than_s:
            return "slow"
        if rules.costlier_than is not None:
            cost: Any = attributes_and_events(span)[0].get(semconv.RUN_COST)
            if isinstance(cost, (int, float)):
                self.cost += cost
                if self.cost > rules.costlier_than:
                    return "expensive"
        return None

    def stamps(self) -> dict[str, Any]:
        """Return what a span of a kept trace carries."""
        assert self.reason is not None  # noqa: S101 - for the type checker
        stamps: dict[str, Any] = {semconv.SAMPLING_KEPT: self.reason}
        if self.ratio is not None:
            stamps[semconv.SAMPLING_RATIO] = self.ratio
        return stamps
