"""logfire with another back end: https://logfire.pydantic.dev/docs/how-to-guides/alternative-backends/ and .../integrations/structlog/."""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks import inputs

SPAN = "bench.work"
EXECUTION_SPANS = ("invoke_agent {agent}", "chat {model}")

_logfire: Any = None
_log: Any = None
_instruments: dict[str, Any] = {}


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Configure logfire without a console, and structlog with its processor."""
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    import logfire
    import structlog
    from logfire.integrations.structlog import LogfireProcessor

    global _logfire, _log
    _logfire = logfire
    sampling = None if sampled else logfire.SamplingOptions(head=0.0)
    logfire.configure(service_name="bench", send_to_logfire=False, console=False, sampling=sampling)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper(fmt="iso"),
            LogfireProcessor(),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=open(log_file, "a")),  # noqa: PTH123, SIM115 - open as long as the program
        cache_logger_on_first_use=True,
    )
    _log = structlog.get_logger("bench")
    _instruments["count"] = logfire.metric_counter("bench.count")
    _instruments["time"] = logfire.metric_histogram("bench.time", unit="s")
    _instruments["duration"] = logfire.metric_histogram("gen_ai.client.operation.duration", unit="s")
    _instruments["tokens"] = logfire.metric_histogram("gen_ai.client.token.usage", unit="{token}")
    _instruments["cost"] = logfire.metric_counter("bench.cost", unit="{USD}")


def span(number: int) -> None:
    """Make a span with eight attributes."""
    with _logfire.span(SPAN, **inputs.attributes_of(number)):
        pass


def measure(attributes: dict[str, Any]) -> None:
    """Add to a counter and record into a histogram."""
    _instruments["count"].add(1, attributes)
    _instruments["time"].record(0.125, attributes)


def line(number: int) -> None:
    """Log one line."""
    _log.info("bench.line", order=number, customer="enterprise", region="eu-west")


def execution(number: int) -> None:
    """Write by hand what an agent execution needs."""
    begin = time.perf_counter()
    with _logfire.span("invoke_agent {agent}", agent=inputs.AGENT, model=inputs.MODEL):
        with _logfire.span("chat {model}", model=inputs.MODEL, provider=inputs.PROVIDER) as call:
            cost = inputs.cost_of(inputs.MODEL, inputs.INPUT_TOKENS, inputs.OUTPUT_TOKENS)
            call.set_attribute("gen_ai.usage.input_tokens", inputs.INPUT_TOKENS)
            call.set_attribute("gen_ai.usage.output_tokens", inputs.OUTPUT_TOKENS)
            call.set_attribute("operation.cost", cost)
            labels = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": inputs.PROVIDER, "gen_ai.request.model": inputs.MODEL}
            _instruments["tokens"].record(inputs.INPUT_TOKENS, {**labels, "gen_ai.token.type": "input"})
            _instruments["tokens"].record(inputs.OUTPUT_TOKENS, {**labels, "gen_ai.token.type": "output"})
            _instruments["cost"].add(cost, labels)
            _instruments["duration"].record(time.perf_counter() - begin, labels)
        _log.info("bench.answered", number=number)


def flush() -> None:
    """Send everything made so far."""
    _logfire.force_flush(60_000)
