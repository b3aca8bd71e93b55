"""Timers: a duration in the metrics, without a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import semconv
from langswarm_otel.components.naming import named
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run
from langswarm_otel.content.safe import safe_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langswarm_otel.signals.telemetry import Telemetry


class TimerOperation(Operation["TimerRun"]):
    """Describes timings of one name."""

    def __init__(self, resolve: Callable[[], Telemetry], name: str, attributes: Mapping[str, Any]) -> None:
        """Describe the timings.

        Args:
            resolve: returns the telemetry to use, at the beginning of each timing.
            name: what is timed, of which there are few things.
            attributes: labels; those that the catalogue does not allow on the metric are left out, since a timer has no span to carry them.
        """
        super().__init__(resolve)
        self.name = named(name)
        self.attributes = {key: value for key, value in safe_attributes(attributes).items() if key in semconv.TIMER_DURATION.attributes}
        self.attributes_text = repr(self.attributes)

    def make(self, telemetry: Telemetry) -> TimerRun:
        """Return a timing that has not begun."""
        return TimerRun(telemetry, self)


class TimerRun(Run):
    """One timing."""

    has_span = False
    is_root = False
    operation_name = "timer"
    duration = semconv.TIMER_DURATION

    _described: TimerOperation

    @property
    def elapsed_s(self) -> float:
        """Seconds since it began."""
        return max(self.now_ns() - self.start_ns, 0) / 1e9

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.TIMER_NAME, self._described.name, self._described.attributes_text

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the duration."""
        name = self.telemetry.instruments.fold(semconv.TIMER_NAME, self._described.name)
        return {**self._described.attributes, semconv.TIMER_NAME: name}
