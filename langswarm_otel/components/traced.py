"""Spans and durations of any function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from langswarm_otel import semconv
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run
from langswarm_otel.content import gate
from langswarm_otel.content.safe import safe_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langswarm_otel.signals.telemetry import Telemetry

F = TypeVar("F", bound="Callable[..., Any]")


class TracedOperation(Operation["TracedRun"]):
    """Describes calls of a function, or runs of a block."""

    def __init__(self, resolve: Callable[[], Telemetry], name: str | None, attributes: Mapping[str, Any]) -> None:
        """Describe the calls.

        Args:
            resolve: returns the telemetry to use, at the beginning of each call.
            name: name of the span; None means the name of the function that is decorated.
            attributes: further attributes of the span, never of the metric.
        """
        super().__init__(resolve)
        self.name = named_or_none(name)
        self.function_name = self.name or "block"
        self.attributes = dict(safe_attributes(attributes))

    def make(self, telemetry: Telemetry) -> TracedRun:
        """Return a call that has not begun."""
        return TracedRun(telemetry, self)

    def __call__(self, function: F, /) -> F:
        """Return a function of the same kind whose every call is traced."""
        described = TracedOperation(self._resolve, self.name, self.attributes)
        target = getattr(function, "__func__", function)
        qualified = getattr(target, "__qualname__", type(target).__qualname__)
        described.name = self.name or named(qualified)
        described.function_name = named(f"{getattr(target, '__module__', '')}.{qualified}")
        return super(TracedOperation, described).__call__(function)


class TracedRun(Run):
    """One call of a function."""

    is_root = False
    operation_name = "function"
    duration = semconv.FUNCTION_DURATION

    _described: TracedOperation

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described = self._described
        given = gate.strip(described.attributes, is_open=self.telemetry.policy.capture_content)
        return described.name or described.function_name, {semconv.CODE_FUNCTION_NAME: described.function_name, **given}

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.CODE_FUNCTION_NAME, self._described.function_name

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the duration."""
        return {semconv.CODE_FUNCTION_NAME: self.telemetry.instruments.fold(semconv.CODE_FUNCTION_NAME, self._described.function_name)}
