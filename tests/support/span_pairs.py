"""A tracer of the SDK and one of ours, set up alike, and what is seen of each."""

from __future__ import annotations

import itertools
import logging
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, Tracer, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from langswarm_otel.pipelines.sampling import SwitchSampler
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

RESOURCE = Resource({"service.name": "pairs"})


class CountingIds(IdGenerator):
    """Ids that count up, so that both sides make the same."""

    def __init__(self, *, is_random: bool = True) -> None:
        self._numbers = itertools.count(1)
        self._is_random = is_random

    def generate_span_id(self) -> int:
        return next(self._numbers)

    def generate_trace_id(self) -> int:
        return next(self._numbers) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % (1 << 128)

    def is_trace_id_random(self) -> bool:
        return self._is_random


class Watching(SpanProcessor):
    """Keeps what processors are told, in order."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span, parent_context=None) -> None:
        self.told.append(("start", shown(span), parent_context))

    def _on_ending(self, span) -> None:
        self.told.append(("ending", shown(span), span.is_recording()))

    def on_end(self, span) -> None:
        self.told.append(("end", shown(span), type(span).__mro__[-2:]))
        self.ended.append(span)


class Side:
    """One of the two: its tracer, its processor and what was logged meanwhile."""

    def __init__(self, provider: TracerProvider, watching: Watching, version: str | None = "1.0") -> None:
        self.provider = provider
        self.watching = watching
        self.tracer = provider.get_tracer("pairs", version, "https://schema", {"scope": 1})


def sides(limits: dict[str, int | None] | None = None, sampler: Sampler = ALWAYS_ON, *, is_random: bool = True) -> tuple[Side, Side]:
    """Return the SDK's side and ours."""
    watching = Watching(), Watching()
    ids = CountingIds(is_random=is_random), CountingIds(is_random=is_random)
    theirs = TracerProvider(resource=RESOURCE, sampler=sampler, span_limits=_limits(limits), id_generator=ids[0], shutdown_on_exit=False)
    theirs.add_span_processor(watching[0])
    ours = SwitchTracerProvider(
        resource=RESOURCE, sampler=SwitchSampler(sampler), span_limits=_limits(limits), id_generator=ids[1], processors=[watching[1]]
    )
    assert type(Side(theirs, watching[0]).tracer) is Tracer
    return Side(theirs, watching[0]), Side(ours, watching[1])


def _limits(changed: dict[str, int | None] | None) -> SpanLimits:
    limits = SpanLimits()
    for name, value in (changed or {}).items():
        setattr(limits, name, value)
    return limits


def shown(span: Any) -> tuple[Any, ...]:
    """Return everything that the public face of a recording or ended span shows."""
    return (
        span.name,
        span.context,
        span.get_span_context(),
        span.parent,
        span.kind,
        span.start_time,
        span.end_time,
        (span.status.status_code, span.status.description),
        list(map(repr, span.attributes.items())),
        len(span.attributes),
        [(event.name, event.timestamp, list(map(repr, event.attributes.items())), event.dropped_attributes) for event in span.events],
        [(link.context, list(map(repr, (link.attributes or {}).items())), link.dropped_attributes) for link in span.links],
        (span.dropped_attributes, span.dropped_events, span.dropped_links),
        span.resource,
        span.instrumentation_scope,
    )


def encoded(span: ReadableSpan) -> Any:
    """Return what the official encoder makes of a span, or how it fails."""
    return outcome(lambda: encode_spans([span]).SerializeToString(deterministic=True))


def outcome(call: Any) -> Any:
    """Return what a call gives or raises, comparable."""
    try:
        return ("gives", call())
    except Exception as error:
        return ("raises", type(error), str(error))


class Lines(logging.Handler):
    """What OpenTelemetry logs inside the block."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, int, str]] = []
        self._logger = logging.getLogger("opentelemetry")

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.name, record.levelno, record.getMessage()))

    def __enter__(self) -> list[tuple[str, int, str]]:
        self._logger.addHandler(self)
        return self.lines

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
