"""LangSwarm's metrics, as instruments of the current handle's meter."""

from __future__ import annotations

import re
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.compat import vocabulary
from langswarm_otel.compat.readings import Readings
from langswarm_otel.compat.settings import FollowsSettings
from langswarm_otel.components.naming import named
from langswarm_otel.content import gate
from langswarm_otel.content.safe import safe_value
from langswarm_otel.guard import guarded, record_fault
from langswarm_otel.instrumentation.naming import provider_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from langswarm_otel.signals.instruments import Instruments
    from langswarm_otel.signals.telemetry import Telemetry

_NAME_KEY: Final = "langswarm.metric.name"
"""Under which ``health().folded`` counts metrics beyond the first ``MAX_NAMES``, which are left out."""

_KINDS: Final = frozenset({"counter", "gauge", "histogram", "timer"})

_Made = tuple[str, "Callable[..., None]"]
"""Kind of an instrument, and what records with it."""

_made: Final[weakref.WeakKeyDictionary[Instruments, dict[str, _Made]]] = weakref.WeakKeyDictionary()
"""Instruments by name, for each telemetry: making one each time would be dear."""


class Metrics(FollowsSettings, Readings):
    """What ``provider.metrics`` is.

    Metrics of LangSwarm's own code whose facts our operations measure are left out (``vocabulary.COVERED_METRICS``); every other name is
    an instrument of its own. Tags that are different in each request are on none.
    """

    def increment_counter(self, name: str, value: float = 1.0, **tags: Any) -> None:
        """Add to a counter."""
        self.record("counter", name, value, tags)

    def set_gauge(self, name: str, value: float, **tags: Any) -> None:
        """Set a gauge."""
        self.record("gauge", name, value, tags)

    def record_histogram(self, name: str, value: float, **tags: Any) -> None:
        """Record into a histogram."""
        self.record("histogram", name, value, tags)

    def record_timer(self, name: str, duration_ms: float, **tags: Any) -> None:
        """Record a duration, given in milliseconds, into a histogram of seconds."""
        self.record("timer", name, duration_ms, tags)

    @contextmanager
    def start_timer(self, name: str, **tags: Any) -> Iterator[None]:
        """Time a block."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.record_timer(name, (time.perf_counter() - began) * 1000, **tags)

    def reset_metrics(self) -> None:
        """Do nothing: totals go on until the process ends, as whoever reads them expects."""

    @guarded("compat.metric", None)
    def record(self, kind: str, name: str, value: Any, tags: Mapping[str, Any]) -> None:
        """Record a measurement; nothing raises, and a kind that there is not is left out.

        Args:
            kind: ``counter``, ``gauge``, ``histogram`` or ``timer`` (in milliseconds).
            name: name of the metric.
            value: what is recorded.
            tags: what tells the series from the others.
        """
        config = self._settings()
        if not (config.enabled and config.metrics_enabled) or name in vocabulary.COVERED_METRICS or kind not in _KINDS:
            return
        number = float(value)
        if number - number != 0 or (kind == "counter" and number < 0):  # not finite
            raise ValueError("not a number that can be summed up")
        telemetry = current.telemetry()
        recorder = _recorder(telemetry, kind, str(name))
        if recorder is not None:
            recorder(number / 1000 if kind == "timer" else number, labels_of(tags, telemetry))


def labels_of(tags: Mapping[str, Any], telemetry: Telemetry) -> dict[str, Any]:
    """Return the attributes that the tags of a metric become."""
    labels: dict[str, Any] = {}
    for tag, value in tags.items():
        if value is None or tag in vocabulary.PER_REQUEST or tag in vocabulary.CONTENT or gate.is_content_key(tag):
            continue
        key = vocabulary.STANDARD.get(tag, tag)
        if key in semconv.CONTENT_KEYS:
            continue
        safe = provider_name(value) if tag == "provider" else safe_value(value)
        labels[key] = safe if isinstance(safe, (bool, int, float)) else telemetry.instruments.fold(key, named(safe))
    return labels


def _recorder(telemetry: Telemetry, kind: str, name: str) -> Callable[..., None] | None:
    """Return what records a metric; None if there are too many already."""
    try:
        made = _made.setdefault(telemetry.instruments, {})
    except TypeError as error:  # never with our own
        record_fault("compat.instruments", error)
        return None
    found = made.get(name) or made.get(f"{name}.{kind}")
    if found is not None and found[0] == kind:
        return found[1]
    if telemetry.instruments.fold(_NAME_KEY, name) == semconv.OTHER:
        return None
    key = name if found is None else f"{name}.{kind}"  # LangSwarm lets a counter and a gauge have one name
    made[key] = kind, _make(telemetry, kind, fitted_name(key))
    return made[key][1]


def _make(telemetry: Telemetry, kind: str, name: str) -> Callable[..., None]:
    if kind == "counter":
        return telemetry.meter.create_counter(name).add
    if kind == "gauge":
        return telemetry.meter.create_gauge(name).set
    if kind == "timer":
        return telemetry.meter.create_histogram(name, unit="s", explicit_bucket_boundaries_advisory=semconv.SECONDS_OF_CALLS).record
    return telemetry.meter.create_histogram(name).record


def fitted_name(name: str) -> str:
    """Return a name that OpenTelemetry takes for an instrument."""
    fitted = re.sub(r"[^A-Za-z0-9_./-]", "_", name)[:255]
    return fitted if fitted[:1].isalpha() else f"m_{fitted}"[:255]
