"""langswarm_otel as its README says, with the preset ``production``."""

from __future__ import annotations

from typing import Any

from benchmarks import inputs

SPAN = "bench.work"
EXECUTION_SPANS = ("invoke_agent bench", "chat gpt-4o")

_obs: Any = None
_tracer: Any = None
_log: Any = None
_counter: Any = None
_histogram: Any = None


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Configure everything by the one call."""
    from langswarm_otel import configure_observability

    global _obs, _tracer, _log, _counter, _histogram
    _obs = configure_observability(
        "production",
        service_name="bench",
        endpoint=endpoint,
        sample_ratio=1.0 if sampled else 0.0,
        log_output="file",
        log_file=log_file,
        price_table={f"{inputs.PROVIDER}/{model}": {"input": price[0], "output": price[1]} for model, price in inputs.PRICES.items()},
    )
    _tracer = _obs.tracer
    _log = _obs.log
    _counter = _obs.meter.create_counter("bench.count")
    _histogram = _obs.meter.create_histogram("bench.time", "s")


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
    _counter.add(1, attributes)
    _histogram.record(0.125, attributes)


def line(number: int) -> None:
    """Log one line."""
    _log.info("bench.line", order=number, customer="enterprise", region="eu-west")


def execution(number: int) -> None:
    """Run an agent that makes one inference."""
    with _obs.agent(inputs.AGENT, provider=inputs.PROVIDER, model=inputs.MODEL):
        with _obs.inference(provider=inputs.PROVIDER, model=inputs.MODEL) as call:
            call.usage(input_tokens=inputs.INPUT_TOKENS, output_tokens=inputs.OUTPUT_TOKENS)
        _log.info("bench.answered", number=number)


def memory(number: int) -> None:
    """Look something up in a memory."""
    with _obs.memory("search_memory", store="notes") as search:
        search.hit(records=number % 5)


def session(number: int) -> None:
    """Hold a conversation of three messages."""
    with _obs.session(f"s-{number}", user_id="u-17") as conversation:
        for role in ("user", "assistant", "user"):
            conversation.message(role)


def errors() -> int:
    """Return how many faults and drops the handle knows of."""
    health = _obs.health()
    return int(health.internal_errors + sum(sum(row.dropped.values()) for row in health.exporters))


def flush() -> None:
    """Send everything made so far."""
    _obs.flush(60.0)
