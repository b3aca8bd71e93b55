"""A small agent on the plain SDK, instrumented by OpenInference or OpenLLMetry: an agent span, in it a tool and a call of OpenAI's client.

Arguments: which instrumentation, the OTLP endpoint, the address of a server that speaks OpenAI's chat completions.
"""

from __future__ import annotations

import sys

from openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

CANARY = "canary-of-others"


def ask(server):
    client = OpenAI(api_key="sk-none", base_url=server, max_retries=0)
    reply = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"keep {CANARY} secret"}])
    return reply.choices[0].message.content


def by_openinference(provider, server):
    from openinference.instrumentation import OITracer, TraceConfig, using_session
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=provider)
    tracer = OITracer(provider.get_tracer("agent"), config=TraceConfig())

    @tracer.tool
    def look_up(what: str) -> str:
        return f"{what} {CANARY}"

    @tracer.agent(name="researcher")
    def research(question: str) -> str:
        return look_up(question) + ask(server)

    with using_session("conversation-1"):
        research(f"what of {CANARY}")


def by_openllmetry(provider, server):
    """Agent and tool as traceloop-sdk's decorators write them, by the names of its own package of conventions."""
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    from opentelemetry.semconv_ai import SpanAttributes, TraceloopSpanKindValues

    OpenAIInstrumentor().instrument(tracer_provider=provider)
    tracer = provider.get_tracer("traceloop.tracer")
    with tracer.start_as_current_span("researcher.agent") as span:
        span.set_attribute(SpanAttributes.TRACELOOP_SPAN_KIND, TraceloopSpanKindValues.AGENT.value)
        span.set_attribute(SpanAttributes.TRACELOOP_ENTITY_NAME, "researcher")
        span.set_attribute(SpanAttributes.TRACELOOP_ENTITY_INPUT, f'{{"question": "{CANARY}"}}')
        with tracer.start_as_current_span("look_up.tool") as tool:
            tool.set_attribute(SpanAttributes.TRACELOOP_SPAN_KIND, TraceloopSpanKindValues.TOOL.value)
            tool.set_attribute(SpanAttributes.TRACELOOP_ENTITY_NAME, "look_up")
            tool.set_attribute(SpanAttributes.TRACELOOP_ENTITY_OUTPUT, CANARY)
        ask(server)


if __name__ == "__main__":
    which, endpoint, server = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({"service.name": which}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    {"openinference": by_openinference, "openllmetry": by_openllmetry}[which](provider, server)
    provider.shutdown()
