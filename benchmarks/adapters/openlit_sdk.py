"""openlit: https://docs.openlit.io/latest/sdk/quickstart-ai-observability and .../sdk/features/tracing (manual tracing).

It sends no log lines of the program. Its price list is given as a file, since the default is fetched from the internet.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from benchmarks import inputs
from benchmarks.adapters import api_program, stdlib_structlog
from benchmarks.adapters.api_program import SPAN, flush, measure, span

__all__ = ["EXECUTION_SPANS", "LACKS", "SPAN", "configure", "execution", "flush", "measure", "span"]
EXECUTION_SPANS = ("invoke_agent bench", "chat gpt-4o")
LACKS = ("log lines over OTLP",)

_openlit: Any = None
_log: Any = None


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Initialise it with the endpoint; sampling is by OpenTelemetry's own variables, as it has no argument for it."""
    if not sampled:
        os.environ.update(OTEL_TRACES_SAMPLER="parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG="0.0")
    with open("pricing.json", "w") as file:  # noqa: PTH123 - pathlib would be imported before the import is measured
        json.dump({"chat": {name: {"promptPrice": price[0], "completionPrice": price[1]} for name, price in inputs.PRICES.items()}}, file)
    import openlit

    global _openlit, _log
    _openlit = openlit
    openlit.init(otlp_endpoint=endpoint, service_name="bench", pricing_json="pricing.json")
    _log = stdlib_structlog.logger(log_file)
    api_program.prepare()


def execution(number: int) -> None:
    """Write an agent execution with its manual traces."""
    begin = time.perf_counter()
    with _openlit.start_trace("invoke_agent bench") as agent:
        agent.set_metadata(
            {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": inputs.AGENT, "gen_ai.request.model": inputs.MODEL}
        )
        with _openlit.start_trace("chat gpt-4o") as call:
            labels = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": inputs.PROVIDER, "gen_ai.request.model": inputs.MODEL}
            cost = inputs.cost_of(inputs.MODEL, inputs.INPUT_TOKENS, inputs.OUTPUT_TOKENS)
            usage = {"gen_ai.usage.input_tokens": inputs.INPUT_TOKENS, "gen_ai.usage.output_tokens": inputs.OUTPUT_TOKENS}
            call.set_metadata({**labels, **usage, "gen_ai.usage.cost": cost})
            api_program.measure_call(labels, time.perf_counter() - begin, cost)
        _log.info("bench.answered", number=number)
