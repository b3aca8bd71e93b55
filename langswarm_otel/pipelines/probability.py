"""The share of traces that is sampled, so that whoever reads the spans can tell how many each stands for.

OpenTelemetry's consistent probability sampling: the last 56 bits of a trace id are random, and a trace is sampled when they are not below
a threshold, which its spans carry as ``ot=th:...`` in their trace state and hand on to other services. A Collector, or a person, counts
each such span as ``1 / (1 - threshold / 2**56)``. The samplers by ratio that the SDK ships decide by the id too, but tell nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import TraceState, get_current_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.util.types import Attributes

RANDOM_BITS: Final = (1 << 56) - 1
"""The part of a trace id that decides."""

_KEY: Final = "ot"


class ParentBasedProbability(Sampler):
    """Samples a share of new traces and says which; a span under a parent is sampled as that is."""

    def __init__(self, ratio: float) -> None:
        """Make a sampler.

        Args:
            ratio: the share, from 0 to 1.
        """
        self.ratio: Final = ratio
        self.threshold: Final = RANDOM_BITS + 1 - round(ratio * (RANDOM_BITS + 1))
        """A new trace is sampled when the last 56 bits of its id are not below this."""
        self.state: Final = TraceState([(_KEY, f"th:{_hex(self.threshold)}")]) if 0 < self.threshold <= RANDOM_BITS else None
        """What the spans of a new trace carry; None where all are sampled, and each stands for itself, or none is."""

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,  # noqa: ARG002 - the SDK's signature
        kind: SpanKind | None = None,  # noqa: ARG002
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002
        trace_state: TraceState | None = None,  # noqa: ARG002
    ) -> SamplingResult:
        """Follow the parent, or decide by the trace id."""
        parent = get_current_span(parent_context).get_span_context()
        if parent is not None and parent.is_valid:
            sampled, known = bool(parent.trace_flags.sampled), parent.trace_state
            return SamplingResult(Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP, attributes if sampled else None, known)
        if trace_id & RANDOM_BITS >= self.threshold:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, self.state)
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        """Describe the share and the threshold."""
        return f"ParentBasedProbability{{{self.ratio}, th:{_hex(self.threshold)}}}"


def _hex(threshold: int) -> str:
    """Write a threshold as trace state has it: hexadecimal digits of a fraction, without the zeros at its end."""
    return f"{threshold:014x}".rstrip("0") or "0" if threshold <= RANDOM_BITS else "none"
