"""Thin instruments: at each measurement they ask whether it belongs to a capture, to nobody, or to the SDK's instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter

from langswarm_otel.override import Override, active
from langswarm_otel.pipelines.sdk_private_providers import ApiGauge

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

InstrumentT = TypeVar("InstrumentT", Counter, UpDownCounter, Histogram, ApiGauge)


class Origin(Protocol):
    """What an instrument must know of the meter that made it."""

    @property
    def enabled(self) -> bool:
        """Whether measurements outside a capture are kept."""
        ...

    def meter_of(self, override: Override) -> Meter:
        """Return the meter that stands in for the instrument's own in a capture."""
        ...


class _Switched(Generic[InstrumentT]):
    """What the four kinds have in common."""

    def __init__(self, origin: Origin, real: InstrumentT, make: Callable[[Meter], InstrumentT]) -> None:
        """Wrap an instrument.

        Args:
            origin: the meter that this instrument came from.
            real: the instrument of the SDK.
            make: makes its twin on the meter of a capture.
        """
        # Not the API's constructor: it is abstract, and name, unit and description are looked up on the real instrument.
        self._origin = origin
        self._real: InstrumentT = real
        self._make: Callable[[Meter], InstrumentT] = make
        self._twins: WeakKeyDictionary[Override, InstrumentT] = WeakKeyDictionary()

    def __getattr__(self, name: str) -> Any:
        if name == "_real":  # a copy in the making
            raise AttributeError(name)
        return getattr(self._real, name)

    def _target(self) -> InstrumentT | None:
        override = active()
        if override is None:
            return self._real if self._origin.enabled else None
        twin = self._twins.get(override)
        if twin is None:
            twin = self._twins[override] = self._make(self._origin.meter_of(override))
        return twin


class SwitchCounter(_Switched[Counter], Counter):
    """A counter that follows captures and configuration."""

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add where measurements go at this moment."""
        target = self._target()
        if target is not None:
            target.add(amount, attributes, context)


class SwitchUpDownCounter(_Switched[UpDownCounter], UpDownCounter):
    """An up-down counter that follows captures and configuration."""

    def add(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Add where measurements go at this moment."""
        target = self._target()
        if target is not None:
            target.add(amount, attributes, context)


class SwitchHistogram(_Switched[Histogram], Histogram):
    """A histogram that follows captures and configuration."""

    def record(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Record where measurements go at this moment."""
        target = self._target()
        if target is not None:
            target.record(amount, attributes, context)


class SwitchGauge(_Switched[ApiGauge], ApiGauge):
    """A gauge that follows captures and configuration."""

    def set(self, amount: float, attributes: Attributes = None, context: Context | None = None) -> None:
        """Set where measurements go at this moment."""
        target = self._target()
        if target is not None:
            target.set(amount, attributes, context)
