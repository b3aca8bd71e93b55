"""Our OTLP encoder against the official one, to bytes, side by side: ``.venv/bin/python benchmarks/encoder.py``.

Rounds alternate; a figure is the median of rounds, in microseconds of CPU for a span, a log record or a data point. Both encode the same
records again and again, so that whatever is remembered of attribute values is remembered; "fresh" has values that never come again.
"""

from __future__ import annotations

import statistics
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.export.encoding import LogEncoder, MetricEncoder, SpanEncoder, assemble

RESOURCE = Resource({"service.name": "bench", "service.version": "1", "service.instance.id": "a-1", "deployment.environment.name": "x"})
SCOPE = InstrumentationScope("bench", "1")
COUNT = 512
ROUNDS = 15


def attributes(number, fresh):
    """Eight attributes, texts and numbers as an agent has them."""
    session = f"session-{number if fresh else number % 20}"
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": ("gpt-4o", "gpt-4o-mini")[number % 2],
        "gen_ai.conversation.id": session,
        "gen_ai.usage.input_tokens": 100 + 7 * number,
        "gen_ai.usage.output_tokens": number % 100,
        "langswarm.run.cost": number / 1000,
        "user.id": f"user {number}" if fresh else "user",
    }


def spans(fresh):
    provider, exporter = TracerProvider(resource=RESOURCE, shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("bench", "1")
    for number in range(COUNT // 2):
        with tracer.start_as_current_span("invoke_agent a", attributes=attributes(number, fresh)):
            tracer.start_span("chat gpt-4o", attributes=attributes(number + COUNT, fresh)).end()
    return exporter.get_finished_spans()


def logs():
    return [
        ReadableLogRecord(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                severity_text="info",
                body=f"answered {number}",
                attributes={"event": "answered", "code.function.name": "run", "sources": number, "ok": True},
            ),
            RESOURCE,
            SCOPE,
        )
        for number in range(COUNT)
    ]


def metrics():
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False).get_meter("bench", "1")
    counter, histogram = meter.create_counter("langswarm.calls", "1", "Calls"), meter.create_histogram("duration", "s", "How long")
    for number in range(COUNT // 2):
        chosen = {"gen_ai.operation.name": "chat", "gen_ai.request.model": f"model-{number % 16}", "agent": f"agent-{number // 16}"}
        counter.add(1, chosen)
        histogram.record(number / 10, chosen)
    return reader.get_metrics_data()


def cpu_us(function, argument):
    begin = time.process_time()
    function(argument)
    return (time.process_time() - begin) / COUNT * 1e6


def compare(name, official, ours, argument):
    """Print one line."""
    cpu_us(official, argument), cpu_us(ours, argument)
    rounds = [(cpu_us(official, argument), cpu_us(ours, argument)) for _ in range(ROUNDS)]
    theirs, own = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratios = sorted(first / second for first, second in rounds)
    print(f"{name:14} {theirs:8.1f} {own:8.2f} {statistics.median(ratios):8.1f}   ({ratios[2]:.1f} to {ratios[-3]:.1f})")


def main():
    span_encoder, log_encoder, metric_encoder = SpanEncoder(), LogEncoder(), MetricEncoder()

    def our_spans(batch):
        return assemble([span_encoder.encode(span) for span in batch])

    def new_spans(batch):
        encoder = SpanEncoder()
        return assemble([encoder.encode(span) for span in batch])

    print(f"{'':14} {'official':>8} {'ours':>8} {'times as fast (most rounds)':>30}")
    compare("span", lambda batch: encode_spans(batch).SerializeToString(), our_spans, spans(fresh=False))
    compare("span, fresh", lambda batch: encode_spans(batch).SerializeToString(), new_spans, spans(fresh=True))
    compare("log record", lambda batch: encode_logs(batch).SerializeToString(), lambda b: assemble(map(log_encoder.encode, b)), logs())
    compare("data point", lambda data: encode_metrics(data).SerializeToString(), metric_encoder.encode, metrics())


if __name__ == "__main__":
    main()
