"""A program on LangSwarm's own observability. It prints lines; nothing is exported, and with agents in it, it would crash them."""

from __future__ import annotations

import asyncio
import logging
import warnings

warnings.simplefilter("ignore", DeprecationWarning)

from langswarm.core.observability import (  # noqa: E402 - after the filter of its warnings
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
    logging.getLogger("langswarm").setLevel(logging.WARNING)
    asyncio.run(main())
