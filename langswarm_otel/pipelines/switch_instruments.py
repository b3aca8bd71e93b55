"""Thin instruments: at each measurement they ask whether it belongs to a capture, to nobody, to our tally or to the SDK's instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from opentelemetry.metrics import Counter, Histogram, UpDownCounter

from langswarm_otel.export.sdk_private import ApiGauge
from langswarm_otel.override import active

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

    from langswarm_otel.override import Override
    from langswarm_otel.pipelines.tally import Tally

InstrumentT = TypeVar("InstrumentT", Counter, UpDownCounter, Histogram, ApiGauge)
CounterT = TypeVar("CounterT", Counter, UpDownCounter)


class Switch(Protocol):
    """What says where measurements outside a capture go; the provider."""

    enabled: bool
    """Whether they are kept."""
    by_tally: bool
    """Whether our own tallies take them, where an instrument has one; otherwise the SDK does."""


class _Switched(Generic[InstrumentT]):
    """What the four kinds have in common."""

    def __init__(
        self, switch: Switch, real: InstrumentT, make_twin: Callable[[Override], InstrumentT], tally: Tally[Any] | None = None
    ) -> None:
        """Wrap an instrument.

        Args:
            switch: asked at each measurement.
            real: the instrument of the SDK.
            make_twin: makes what stands in for it in a capture.
            tally: what aggregates in its place; None leaves that to the SDK.
        """
        # Not the API's constructor: it is abstract, and name, unit and description are looked up on the real instrument.
        self._switch = switch
        self._real: InstrumentT = real
        self._make_twin: Callable[[Override], InstrumentT] = make_twin
        self._tally = tally
        self._twins: WeakKeyDictionary[Override, InstrumentT] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        if name == "_real":  # a copy in the making
            raise AttributeError(name)
        return getattr(self._real, name)

    def _twin(self, override: Override) -> InstrumentT:
        twin = self._twins.get(override)
        if twin is None:
            twin = self._twins[override] = self._make_twin(override)
        return twin


class _Adding(_Switched[CounterT]):
    """What both kinds of counters have in common."""

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add where measurements go at this moment."""
        override = active()
        if override is not None:
            self._twin(override).add(amount, attributes, context)
            return
        switch = self._switch
        if switch.enabled:
            tally = self._tally
            if tally is not None and switch.by_tally:
                tally.measure(amount, attributes, context)
            else:
                self._real.add(amount, attributes, context)


class SwitchCounter(_Adding[Counter], Counter):
    """A counter that follows captures and configuration."""


class SwitchUpDownCounter(_Adding[UpDownCounter], UpDownCounter):
    """An up-down counter that follows captures and configuration."""


class SwitchHistogram(_Switched[Histogram], Histogram):
    """A histogram that follows captures and configuration."""

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Record where measurements go at this moment."""
        override = active()
        if override is not None:
            self._twin(override).record(amount, attributes, context)
            return
        switch = self._switch
        if switch.enabled:
            tally = self._tally
            if tally is not None and switch.by_tally:
                tally.measure(amount, attributes, context)
            else:
                self._real.record(amount, attributes, context)


class SwitchGauge(_Switched[ApiGauge], ApiGauge):
    """A gauge that follows captures and configuration."""

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Set where measurements go at this moment."""
        override = active()
        if override is not None:
            self._twin(override).set(amount, attributes, context)
        elif self._switch.enabled:
            self._real.set(amount, attributes, context)
