"""The OpenTelemetry SDK wired as its documentation says, everything at its default.

https://opentelemetry-python.readthedocs.io/en/latest/exporter/otlp/otlp.html and .../examples/logs
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks import inputs
from benchmarks.adapters import api_program, stdlib_structlog
from benchmarks.adapters.api_program import SPAN, measure, span, span_with

__all__ = ["EXECUTION_SPANS", "SPAN", "configure", "execution", "flush", "line", "measure", "span", "span_with"]
EXECUTION_SPANS = ("invoke_agent bench", "chat gpt-4o")

_log: Any = None
_providers: tuple[Any, ...] = ()


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Build the three providers, and structlog over logging with OpenTelemetry's handler."""
    from opentelemetry import metrics, trace
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    resource = Resource.create({"service.name": "bench"})
    tracer_provider = TracerProvider(resource=resource, sampler=None if sampled else ParentBasedTraceIdRatio(0.0))
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    trace.set_tracer_provider(tracer_provider)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics"))
    meter_provider = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(meter_provider)
    logger_provider = LoggerProvider(resource=resource)
    logger_provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=f"{endpoint}/v1/logs")))
    set_logger_provider(logger_provider)
    global _log, _providers
    _log = stdlib_structlog.logger(log_file)
    LoggingInstrumentor().instrument()
    _providers = (tracer_provider, meter_provider, logger_provider)
    api_program.prepare()


def line(number: int) -> None:
    """Log one line."""
    _log.info("bench.line", order=number, customer="enterprise", region="eu-west")


def execution(number: int) -> None:
    """Write by hand what an agent execution needs."""
    model = inputs.MODEL
    begin = time.perf_counter()
    tracer = api_program.tracer()
    about_agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": inputs.AGENT, "gen_ai.request.model": model}
    with tracer.start_as_current_span("invoke_agent bench", attributes=about_agent):
        about_call = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": inputs.PROVIDER, "gen_ai.request.model": model}
        with tracer.start_as_current_span("chat gpt-4o", attributes=about_call) as call:
            cost = inputs.cost_of(model, inputs.INPUT_TOKENS, inputs.OUTPUT_TOKENS)
            call.set_attribute("gen_ai.usage.input_tokens", inputs.INPUT_TOKENS)
            call.set_attribute("gen_ai.usage.output_tokens", inputs.OUTPUT_TOKENS)
            call.set_attribute("bench.cost", cost)
            api_program.measure_call(about_call, time.perf_counter() - begin, cost)
        _log.info("bench.answered", number=number)


def flush() -> None:
    """Send everything made so far."""
    for provider in _providers:
        provider.force_flush()
