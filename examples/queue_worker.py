"""A trace that goes through a queue: the producer puts its context into the message, the worker continues the trace in its process.

OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 python queue_worker.py
"""

from __future__ import annotations

import asyncio
import multiprocessing
from typing import Any

from langswarm_otel import configure_observability, context_from, inject_context, presets, session, traced


def work(queue: Any) -> None:
    """Take messages until there is none: a process of its own, with telemetry of its own."""
    from scripted_model import scripted_agent  # noqa: PLC0415 - only the worker needs LangSwarm

    agent = scripted_agent("summariser", "Three customers wait for a refund.")
    with configure_observability(presets.production(service_name="worker")) as obs:
        while (message := queue.get()) is not None:
            with context_from(message["headers"]), session(message["session"]), obs.unit_of_work():
                asyncio.run(agent.chat(message["question"]))


def main() -> None:
    """Put two questions into the queue, each in a trace of its own."""
    processes = multiprocessing.get_context("spawn")
    queue = processes.Queue()
    worker = processes.Process(target=work, args=(queue,))
    worker.start()
    with configure_observability(presets.production(service_name="producer")):
        for number, question in enumerate(("Who waits?", "Who waits longest?")):
            with traced("enqueue"):
                queue.put({"headers": inject_context({}), "session": f"report-{number}", "question": question})
    queue.put(None)
    worker.join(30)


if __name__ == "__main__":
    main()
