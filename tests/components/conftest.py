"""Operations on the plain SDK, in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from langswarm_otel.components.operations import Operations
from langswarm_otel.pricing import Price, PriceBook
from langswarm_otel.signals.telemetry import Policy, build_telemetry


class Clock:
    """Moves only when told."""

    def __init__(self) -> None:
        self.now_ns = 1_700_000_000_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


class Observed:
    """Operations whose providers are the SDK's, with what arrived there."""

    def __init__(self, *, sampler=None, clock: Callable[[], int] | None = None, **policy: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False, sampler=sampler)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)
        policy.setdefault("prices", PriceBook({"m": Price(input=1.0, output=2.0, cache_read=0.5)}, public=False))
        more = {} if clock is None else {"clock": clock}
        self.telemetry = build_telemetry(
            self.tracer_provider, self.meter_provider, LoggerProvider(shutdown_on_exit=False), Policy(**policy), **more
        )
        self.obs = Operations(lambda: self.telemetry)

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Return the ended spans, in the order of their ends."""
        return [span for span in self._exporter.get_finished_spans() if name is None or span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """Return the one span of a name."""
        (found,) = self.spans(name)
        return found

    def points(self, name: str) -> list[Any]:
        """Return the data points of a metric so far."""
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def point(self, name: str, **attributes: Any) -> Any:
        """Return the one point of a metric that has these attributes; dots are written as double underscores."""
        wanted = {key.replace("__", "."): value for key, value in attributes.items()}
        (found,) = [point for point in self.points(name) if wanted.items() <= point.attributes.items()]
        return found

    def metric_names(self) -> set[str]:
        """Return the names of all metrics that have points."""
        data = self._reader.get_metrics_data()
        return {
            metric.name
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.data.data_points
        }


@pytest.fixture
def observe():
    """Make ``Observed`` with another policy, clock or sampler."""
    return Observed


@pytest.fixture
def seen() -> Observed:
    """Operations with the default policy."""
    return Observed()


@pytest.fixture
def obs(seen: Observed) -> Operations:
    """The operations of ``seen``."""
    return seen.obs


@pytest.fixture
def clock() -> Clock:
    """A clock that moves only when told."""
    return Clock()
