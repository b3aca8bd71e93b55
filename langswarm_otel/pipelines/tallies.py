"""Which instruments of a provider we aggregate ourselves, and what they have had since they were last asked.

Counters, up-down counters and histograms with explicit buckets; all else stays with the SDK. Reporting the sums through observable
instruments would do the same on the public interface alone, but it has no exemplars, no histograms, and totals instead of deltas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.metrics import Counter, UpDownCounter
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics.export import Histogram, Sum

from langswarm_otel.pipelines.streams import Stream
from langswarm_otel.pipelines.tally import LARGEST, Tally, always, under_sampled_span
from langswarm_otel.pipelines.tally_series import HistogramSeries, SumSeries

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.sdk.resources import Resource

    from langswarm_otel.pipelines.metric_ledger import Delta
    from langswarm_otel.pipelines.tally_series import Sample

DEFAULT_BOUNDS: Final = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
"""Bucket boundaries of a histogram that was given none, as in the specification."""

_SAMPLED: Final[dict[str, Callable[[float, Context | None], Sample | None] | None]] = {
    "trace_based": under_sampled_span,
    "always_on": always,
    "always_off": None,
}


class Tallies:
    """The tallies of one provider, one for each instrument of the SDK: instruments that are the same to the SDK share it."""

    def __init__(self, *, resource: Callable[[], Resource], limit: int, exemplar_filter: str, explicit_histograms: bool) -> None:
        """Start with none.

        Args:
            resource: says what the measurements are about.
            limit: how many series of an instrument an export may have.
            exemplar_filter: ``trace_based``, ``always_on`` or ``always_off``.
            explicit_histograms: whether histograms have explicit buckets, unless a view says otherwise.
        """
        self.resource = resource
        """Says what the measurements are about."""
        self._limit = limit
        self._sampled = _SAMPLED[exemplar_filter]
        self._explicit_histograms = explicit_histograms
        self._tallies: dict[Any, Tally[Any] | None] = {}

    def of_sum(self, real: Any) -> Tally[SumSeries] | None:
        """Return the tally of a counter or an up-down counter of the SDK; None if it is none of its own."""
        if not isinstance(real, (Counter, UpDownCounter)):
            return None
        monotonic = isinstance(real, Counter)
        return self._tally(real, _stream(real, Sum, monotonic=monotonic), SumSeries, 0 if monotonic else -LARGEST, real.add)

    def of_histogram(self, real: Any, advised: Sequence[float] | None) -> Tally[HistogramSeries] | None:
        """Return the tally of a histogram of the SDK; None if it is none of its own, or not ours to aggregate.

        Args:
            real: the histogram.
            advised: bucket boundaries that its maker asks for. What the SDK refuses, it refuses at each measurement; that is left to it.
        """
        if not self._explicit_histograms or not isinstance(real, SdkHistogram):
            return None
        bounds = DEFAULT_BOUNDS if advised is None else _bounds(advised)
        if bounds is None:
            return self._tallies.setdefault(real, None)
        make = partial(HistogramSeries, bounds=bounds)
        return self._tally(real, _stream(real, Histogram, bounds=bounds), make, 0, real.record)

    def _tally(self, real: Any, stream: Stream, make: Callable[..., Any], least: float, by_sdk: Callable[..., None]) -> Tally[Any] | None:
        if real in self._tallies:  # the advice on buckets that came first is what the SDK takes
            return self._tallies[real]
        made = Tally(stream, make, limit=self._limit, least=least, sampled=self._sampled, by_sdk=by_sdk)
        return self._tallies.setdefault(real, made)

    def _present(self) -> list[Tally[Any]]:
        return [tally for tally in list(self._tallies.values()) if tally is not None]

    def take(self, now: int) -> list[Delta]:
        """Return what each had since it was last asked.

        Args:
            now: the time of this collection, in nanoseconds since 1970.
        """
        taken = [(tally.stream, tally.take(now)) for tally in self._present()]
        return [(stream, points) for stream, points in taken if points]

    def renew(self) -> None:
        """Let all start from nothing, with locks that nobody holds."""
        for tally in self._present():
            tally.renew()


def _stream(real: Any, kind: type, *, monotonic: bool = False, bounds: tuple[float, ...] = ()) -> Stream:
    return Stream(
        scope=real.instrumentation_scope,
        name=real.name,
        unit=real.unit or "",
        description=real.description or "",
        kind=kind,
        monotonic=monotonic,
        is_delta=True,
        bounds=bounds,
    )


def _bounds(advised: Sequence[float]) -> tuple[float, ...] | None:
    """Return the boundaries that the SDK would use; None where it would refuse."""
    if not isinstance(advised, Sequence) or not all(isinstance(bound, (int, float)) for bound in advised):
        return DEFAULT_BOUNDS  # of which the SDK has warned
    bounds = tuple(advised)
    is_rising = all(lower < higher for lower, higher in pairwise(bounds))
    return bounds if is_rising and all(math.isfinite(bound) for bound in bounds) else None
