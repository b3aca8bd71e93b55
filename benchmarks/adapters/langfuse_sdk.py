"""langfuse: https://langfuse.com/docs/observability/sdk/instrumentation (context manager). It has traces only."""

from __future__ import annotations

from typing import Any

from benchmarks import inputs
from benchmarks.adapters import stdlib_structlog

SPAN = "bench.work"
EXECUTION_SPANS = ("invoke_agent bench", "chat gpt-4o")
LACKS = ("metrics", "log lines over OTLP")

_langfuse: Any = None
_log: Any = None


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Make the client, pointed at the sink."""
    from langfuse import Langfuse

    global _langfuse, _log
    _langfuse = Langfuse(public_key="pk-lf-bench", secret_key="sk-lf-bench", base_url=endpoint, sample_rate=1.0 if sampled else 0.0)  # noqa: S106
    _log = stdlib_structlog.logger(log_file)


def span(number: int) -> None:
    """Make a span with eight attributes, which are its metadata."""
    with _langfuse.start_as_current_observation(as_type="span", name=SPAN, metadata=inputs.attributes_of(number)):
        pass


def execution(number: int) -> None:
    """Write an agent and the generation inside it."""
    with _langfuse.start_as_current_observation(as_type="agent", name="invoke_agent bench", metadata={"model": inputs.MODEL}):
        with _langfuse.start_as_current_observation(as_type="generation", name="chat gpt-4o", model=inputs.MODEL) as call:
            cost = inputs.cost_of(inputs.MODEL, inputs.INPUT_TOKENS, inputs.OUTPUT_TOKENS)
            call.update(usage_details={"input": inputs.INPUT_TOKENS, "output": inputs.OUTPUT_TOKENS}, cost_details={"total": cost})
        _log.info("bench.answered", number=number)


def flush() -> None:
    """Send everything made so far."""
    _langfuse.flush()
