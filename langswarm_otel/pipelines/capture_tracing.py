"""Tracing of a capture: ids that count up and, on request, the time of a test's clock."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind

from langswarm_otel.export.sdk_private import never_disable
from langswarm_otel.pipelines.switch_trace import ThinTracer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import Link, Span, Tracer
    from opentelemetry.util.types import Attributes

    from langswarm_otel.pipelines.capture_clock import Timeline


class SequentialIds(IdGenerator):
    """Trace ids 1, 2, 3 and span ids 1, 2, 3, in the order in which spans are started."""

    def __init__(self) -> None:
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def generate_trace_id(self) -> int:
        """Return the next trace id."""
        return next(self._traces)

    def generate_span_id(self) -> int:
        """Return the next span id."""
        return next(self._spans)


class CaptureTracerProvider(TracerProvider):
    """Samples everything and knows nothing of the environment."""

    def __init__(self, *, resource: Resource, timeline: Timeline | None, meter_provider: MeterProvider) -> None:
        super().__init__(
            sampler=ALWAYS_ON,
            resource=resource,
            shutdown_on_exit=False,
            id_generator=SequentialIds(),
            meter_provider=meter_provider,
        )
        never_disable(self)
        self._timeline = timeline

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """Return the tracer of a scope."""
        real = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        return real if self._timeline is None else _ClockTracer(real, self._timeline)


class _ClockTracer(ThinTracer):
    """Starts spans at the time of the capture's clock, unless it is told another."""

    def __init__(self, real: Tracer, timeline: Timeline) -> None:
        super().__init__(real)
        self._timeline = timeline

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        start = self._timeline.now() if start_time is None else start_time
        return self._real.start_span(name, context, kind, attributes, links, start, record_exception, set_status_on_exception)
