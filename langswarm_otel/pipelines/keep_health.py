"""What ``health()`` shows of the traces that are kept though they were not sampled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.pipelines.keep_rules import KeepReason

GivenUpReason = Literal["keep_buffer_full", "keep_too_old"]
"""Why a trace was given up before it was known whether to keep it: ``keep_max_bytes`` or ``keep_for_s`` was reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepHealth:
    """The account of the keep; a span enters that of an exporter only when it is kept.

    ``spans`` equals kept, let go, given up and held together, always.
    """

    held_traces: int
    """Traces that are undecided, since a local root of theirs is open."""

    held_spans: int
    """Ended spans of theirs."""

    held_bytes: int
    """Estimated bytes that these take."""

    capacity_bytes: int
    """The bound on those, ``keep_max_bytes``."""

    kept: Mapping[KeepReason, int] = field(default_factory=dict)
    """Traces that were kept, by rule."""

    given_up: Mapping[GivenUpReason, int] = field(default_factory=dict)
    """Traces that were given up undecided, by reason."""

    spans_kept: int = 0
    """Spans handed to the exporters."""

    spans_let_go: int = 0
    """Spans of traces that no rule asked for, or that came when their trace had been decided."""

    spans_given_up: int = 0
    """Spans of traces that were given up."""

    @property
    def spans(self) -> int:
        """Ended spans that were not sampled."""
        return self.spans_kept + self.spans_let_go + self.spans_given_up + self.held_spans

    def __str__(self) -> str:
        kept = ", ".join(f"{reason} {count}" for reason, count in self.kept.items()) or "none"
        given_up = ", ".join(f"{reason} {count}" for reason, count in self.given_up.items()) or "none"
        undecided = f"undecided {self.held_traces} ({self.held_bytes} of {self.capacity_bytes} bytes)"
        return f"unsampled traces kept: {kept}; {undecided}; given up: {given_up}"
