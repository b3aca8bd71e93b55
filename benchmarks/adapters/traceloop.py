"""traceloop-sdk (OpenLLMetry): https://www.traceloop.com/docs/openllmetry/integrations/otel-collector, with its logging switched on.

Spans and metrics of the program's own go through the OpenTelemetry API, agents and model calls through its decorators and its manual
reporting of LLM calls.
"""

from __future__ import annotations

import os
import time
from typing import Any

from benchmarks import inputs
from benchmarks.adapters import api_program, stdlib_structlog
from benchmarks.adapters.api_program import SPAN, measure, span

__all__ = ["EXECUTION_SPANS", "SPAN", "configure", "execution", "flush", "line", "measure", "span"]
EXECUTION_SPANS = ("bench.agent", "openai.chat")

_log: Any = None
_run: Any = None


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Initialise it with the endpoint; its own usage reports stay off."""
    os.environ["TRACELOOP_LOGGING_ENABLED"] = "true"
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
    from traceloop.sdk import Traceloop
    from traceloop.sdk.decorators import agent
    from traceloop.sdk.tracing.manual import LLMMessage, LLMUsage, track_llm_call

    global _log, _run
    sampler = None if sampled else ParentBasedTraceIdRatio(0.0)
    Traceloop.init(app_name="bench", api_endpoint=endpoint, telemetry_enabled=False, sampler=sampler)
    _log = stdlib_structlog.logger(log_file)
    api_program.prepare()

    @agent(name=inputs.AGENT)
    def run(number: int) -> None:
        begin = time.perf_counter()
        with track_llm_call(vendor=inputs.PROVIDER, type="chat") as call:
            call.report_request(model=inputs.MODEL, messages=[LLMMessage(role="user", content="why?")])
            cost = inputs.cost_of(inputs.MODEL, inputs.INPUT_TOKENS, inputs.OUTPUT_TOKENS)
            total = inputs.INPUT_TOKENS + inputs.OUTPUT_TOKENS
            call.report_usage(LLMUsage(prompt_tokens=inputs.INPUT_TOKENS, completion_tokens=inputs.OUTPUT_TOKENS, total_tokens=total))
            labels = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": inputs.PROVIDER, "gen_ai.request.model": inputs.MODEL}
            api_program.measure_call(labels, time.perf_counter() - begin, cost)
        _log.info("bench.answered", number=number)

    _run = run


def line(number: int) -> None:
    """Log one line."""
    _log.info("bench.line", order=number, customer="enterprise", region="eu-west")


def execution(number: int) -> None:
    """Run the decorated agent."""
    _run(number)


def flush() -> None:
    """Send everything made so far."""
    from traceloop.sdk.logging.logging import LoggerWrapper

    api_program.flush()
    LoggerWrapper.instance._LoggerWrapper__logging_provider.force_flush()  # it has no flush of its own
