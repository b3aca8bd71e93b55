"""The catalogue's metrics as instruments: made once, recorded with nothing but the attributes that each metric allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter

MAX_NAMES: Final = 500
"""Distinct values of one label that names something; further ones become ``_OTHER``, since names may come from a model or a client."""


class Instruments:
    """One instrument for each metric of the catalogue that a profile emits."""

    def __init__(self, meter: Meter, profile: semconv.Profile) -> None:
        """Make the instruments.

        Args:
            meter: any implementation of the API; a fault in it costs that metric.
            profile: generation of the GenAI client metrics.
        """
        self.profile = profile
        self._recorders: dict[str, tuple[Callable[..., None], frozenset[str]]] = {}
        self._names: dict[str, set[str]] = {}
        self.folded: dict[str, int] = {}
        """How often a name has become ``_OTHER``, by key."""
        for metric in semconv.METRICS:
            if not metric.emitted_in(profile):
                continue
            try:
                self._recorders[metric.name] = _recorder(meter, metric), frozenset(metric.attributes)
            except Exception as error:  # noqa: BLE001 - telemetry must not keep the application from starting
                record_fault("create instrument", error)

    def record(self, metric: semconv.Metric, value: float, attributes: Mapping[str, Any], context: Context | None = None) -> None:
        """Record one measurement; nothing happens for a metric of another profile, and nothing is ever raised.

        Args:
            metric: metric of the catalogue.
            value: measurement in its unit; what is added, for counters.
            attributes: labels; those that the metric does not allow, and those without a value, are left out.
            context: whose span the exemplar names; None means the current context.
        """
        found = self._recorders.get(metric.name)
        if found is None:
            return
        recorder, allowed = found
        try:
            if not allowed.issuperset(attributes):
                attributes = {key: label for key, label in attributes.items() if key in allowed}
            recorder(value, attributes, context)
        except Exception as error:  # noqa: BLE001 - a meter that fails must not fail the application
            record_fault("record metric", error)

    def recorder(self, metric: semconv.Metric) -> Callable[..., None] | None:
        """Return what records a metric, given value, labels that the metric allows, and context; None in a profile without it.

        It may raise.
        """
        found = self._recorders.get(metric.name)
        return None if found is None else found[0]

    def fold(self, key: str, name: str) -> str:
        """Return a name as a label value or as a part of a span's name: itself, or ``_OTHER`` once ``MAX_NAMES`` others have been seen.

        Args:
            key: attribute that the name is the value of; each has names of its own.
            name: may come from a model or a client.
        """
        seen = self._names.get(key)
        if seen is None:
            seen = self._names.setdefault(key, set())
        if name in seen:
            return name
        if len(seen) >= MAX_NAMES:
            self.folded[key] = self.folded.get(key, 0) + 1
            return semconv.OTHER
        seen.add(name)
        return name


def _recorder(meter: Meter, metric: semconv.Metric) -> Callable[..., None]:
    if metric.kind == "counter":
        return meter.create_counter(metric.name, unit=metric.unit, description=metric.description).add
    if metric.kind == "updowncounter":
        return meter.create_up_down_counter(metric.name, unit=metric.unit, description=metric.description).add
    histogram = meter.create_histogram(
        metric.name, unit=metric.unit, description=metric.description, explicit_bucket_boundaries_advisory=metric.buckets
    )
    return histogram.record
