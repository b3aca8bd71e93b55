"""A LangSwarm program that knows nothing of telemetry. Nothing in it changes:

OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_SERVICE_NAME=desk opentelemetry-instrument python zero_code.py
"""  # noqa: D415 - ends with the command

from __future__ import annotations

import asyncio
import logging

from langswarm.tools.base import BaseTool
from langswarm.tools.registry import ToolRegistry
from scripted_model import scripted_agent

log = logging.getLogger("desk")


class Weather(BaseTool):
    """A tool whose method is a plain function."""

    def __init__(self) -> None:
        super().__init__(tool_id="weather", name="Weather", description="Knows the weather")
        self.add_method("today", "The weather of a town", {"town": {"type": "string"}}, {"type": "string"}, ["town"])

    def today(self, town: str) -> str:
        """Return the weather of a town."""
        log.warning("asked the weather service")
        return f"rain in {town}"


async def main() -> None:
    """Ask once."""
    ToolRegistry().register(Weather())
    agent = scripted_agent("forecaster", ("weather__today", {"town": "Bergen"}), "Take an umbrella.")
    await agent.initialize()
    await agent.chat("Do I need an umbrella in Bergen?", session_id="trip-1")
    print((await agent.get_session("trip-1")).messages[-1].content)


if __name__ == "__main__":
    asyncio.run(main())
