"""arize-phoenix-otel, with batching as its documentation has it for production. It has traces only.

https://arize.com/docs/phoenix/tracing/how-to-tracing/setup-tracing/setup-using-phoenix-otel
"""

from __future__ import annotations

from typing import Any

from benchmarks import inputs
from benchmarks.adapters import stdlib_structlog

SPAN = "bench.work"
EXECUTION_SPANS = ("invoke_agent bench", "chat gpt-4o")
LACKS = ("metrics", "log lines over OTLP")

_provider: Any = None
_tracer: Any = None
_log: Any = None


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Register its tracer provider."""
    from phoenix.otel import register

    global _provider, _tracer, _log
    options: dict[str, Any] = {}
    if not sampled:
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

        options["sampler"] = ParentBasedTraceIdRatio(0.0)
    _provider = register(project_name="bench", endpoint=f"{endpoint}/v1/traces", protocol="http/protobuf", batch=True, **options)
    _tracer = _provider.get_tracer("bench")
    _log = stdlib_structlog.logger(log_file)


def span(number: int) -> None:
    """Make a span with eight attributes."""
    with _tracer.start_as_current_span(SPAN, attributes=inputs.attributes_of(number)):
        pass


def execution(number: int) -> None:
    """Write an agent and the model call inside it."""
    with _tracer.start_as_current_span("invoke_agent bench", openinference_span_kind="agent", attributes={"agent.name": inputs.AGENT}):
        with _tracer.start_as_current_span("chat gpt-4o", openinference_span_kind="llm") as call:
            cost = inputs.cost_of(inputs.MODEL, inputs.INPUT_TOKENS, inputs.OUTPUT_TOKENS)
            call.set_attribute("llm.model_name", inputs.MODEL)
            call.set_attribute("llm.provider", inputs.PROVIDER)
            call.set_attribute("llm.token_count.prompt", inputs.INPUT_TOKENS)
            call.set_attribute("llm.token_count.completion", inputs.OUTPUT_TOKENS)
            call.set_attribute("llm.cost.total", cost)
        _log.info("bench.answered", number=number)


def flush() -> None:
    """Send everything made so far."""
    _provider.force_flush(60_000)
