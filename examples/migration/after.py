"""The same program on the drop-in: the import is different, and its spans, metrics and lines arrive.

OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 python after.py
"""

from __future__ import annotations

import asyncio

from langswarm_otel.compat import (
    create_all_observability_integrations,
    create_development_observability,
)


async def main() -> None:
    """Handle one request."""
    provider = create_development_observability()
    await provider.start()
    observe = create_all_observability_integrations(provider)
    with provider.tracer.start_span("handle_request", channel="mail"):
        with observe["agent"].trace_message_processing("writer", 42):
            provider.logger.info("answering", component="agent")
            observe["agent"].record_token_usage("writer", 120, 30, "openai")
        with observe["tool"].trace_tool_execution("billing", "find_charges", {"invoice": "INV-7"}):
            provider.metrics.increment_counter("charges.found", 2, channel="mail")
    print("current span:", provider.tracer.get_current_span())
    await provider.stop()


if __name__ == "__main__":
    asyncio.run(main())
