"""What a program writes on the OpenTelemetry API: the same for the raw SDK and for every peer that leaves the API's globals to it."""

from __future__ import annotations

from typing import Any

from benchmarks import inputs

SPAN = "bench.work"

_tracer: Any = None
_instruments: dict[str, Any] = {}


def prepare(*, metrics_too: bool = True) -> None:
    """Get the global tracer, and make the program's instruments on the global meter."""
    from opentelemetry import metrics, trace

    global _tracer
    _tracer = trace.get_tracer("bench")
    if metrics_too:
        meter = metrics.get_meter("bench")
        _instruments["count"] = meter.create_counter("bench.count")
        _instruments["time"] = meter.create_histogram("bench.time", "s")
        _instruments["duration"] = meter.create_histogram("gen_ai.client.operation.duration", "s")
        _instruments["tokens"] = meter.create_histogram("gen_ai.client.token.usage", "{token}")
        _instruments["cost"] = meter.create_counter("bench.cost", "{USD}")


def tracer() -> Any:
    """Return the global tracer."""
    return _tracer


def span(number: int) -> None:
    """Make a span with eight attributes."""
    with _tracer.start_as_current_span(SPAN, attributes=inputs.attributes_of(number)):
        pass


def span_with(attributes: dict[str, Any]) -> None:
    """Make a span with these attributes."""
    with _tracer.start_as_current_span(SPAN, attributes=attributes):
        pass


def measure(attributes: dict[str, Any]) -> None:
    """Add to a counter and record into a histogram."""
    _instruments["count"].add(1, attributes)
    _instruments["time"].record(0.125, attributes)


def measure_call(labels: dict[str, Any], duration_s: float, cost: float) -> None:
    """Record the four metric points of a model call."""
    tokens = _instruments["tokens"]
    tokens.record(inputs.INPUT_TOKENS, {**labels, "gen_ai.token.type": "input"})
    tokens.record(inputs.OUTPUT_TOKENS, {**labels, "gen_ai.token.type": "output"})
    _instruments["cost"].add(cost, labels)
    _instruments["duration"].record(duration_s, labels)


def flush() -> None:
    """Flush the global providers of traces and metrics."""
    from opentelemetry import metrics, trace

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if hasattr(provider, "force_flush"):
            provider.force_flush()
