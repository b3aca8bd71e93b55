"""Tokens and money of a run: on its span, in the metrics, and in the totals of the run that is the root."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.guard import record_fault
from langswarm_otel.pricing import Cost, warn_unpriced

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from langswarm_otel.components.run import Run
    from langswarm_otel.signals.subjects import Subject
    from langswarm_otel.usage import Usage

_LOCK_TIMEOUT_S: Final = 0.1
"""A child forked while another thread held the lock would wait for ever; it loses one addition instead."""

_INPUT: Final = ((semconv.TOKEN_TYPE, "input"),)
_OUTPUT: Final = ((semconv.TOKEN_TYPE, "output"),)
_BASES: Final = {basis: ((semconv.COST_BASIS, basis),) for basis in ("actual", "estimated")}
ALL_MODALITIES: Final = ((semconv.TOKEN_MODALITY, "unknown"),)
"""Label of token counts whose modality nobody reported."""


class Totals:
    """Tokens and cost of everything below one root run, whichever tasks and threads it ran in."""

    __slots__ = ("_cost", "_input_tokens", "_lock", "_output_tokens", "partial")

    def __init__(self) -> None:
        self.partial = False
        """Whether a call below has not told all its tokens, so that the sums are too small."""
        self._lock = threading.Lock()
        self._input_tokens: int | None = None
        self._output_tokens: int | None = None
        self._cost: float | None = None

    def add(self, usage: Usage, cost: Cost | None) -> None:
        """Add one call."""
        if not self._lock.acquire(timeout=_LOCK_TIMEOUT_S):
            record_fault("run totals", TimeoutError())
            return
        try:
            if usage.input_tokens is not None:
                self._input_tokens = (self._input_tokens or 0) + usage.input_tokens
            if usage.output_tokens is not None:
                self._output_tokens = (self._output_tokens or 0) + usage.output_tokens
            if cost is not None:
                self._cost = (self._cost or 0.0) + cost.amount
        finally:
            self._lock.release()

    def write(self, attributes: dict[str, Any]) -> None:
        """Put what is known into span attributes."""
        if self._input_tokens is not None:
            attributes[semconv.RUN_INPUT_TOKENS] = self._input_tokens
        if self._output_tokens is not None:
            attributes[semconv.RUN_OUTPUT_TOKENS] = self._output_tokens
        if self._cost is not None:
            attributes[semconv.RUN_COST] = self._cost
        if self.partial:
            attributes[semconv.USAGE_PARTIAL] = True


def account(run: Run, subject: Subject, attributes: dict[str, Any]) -> None:
    """Book the tokens that a run reported as its own: span, metrics, cost, totals.

    Args:
        run: the run that made the call.
        subject: whom the run's metrics are about.
        attributes: span attributes, to which usage and cost are added.
    """
    usage = run.total_usage.whole
    if usage.is_empty and run.actual_cost is None:
        return
    client = run.client(subject)
    _write_usage(usage, attributes)
    record_tokens(client, run.telemetry.instruments.profile, usage, run.context)
    cost = charge(run, usage, client)
    if cost is not None:
        attributes[semconv.COST] = cost.amount
        attributes[semconv.COST_BASIS] = cost.basis
        if cost.table_version is not None:
            attributes[semconv.COST_PRICE_TABLE_VERSION] = cost.table_version


def charge(run: Run, usage: Usage, client: Subject) -> Cost | None:
    """Return what a run cost, recorded in the cost metric and in the totals; an unknown price is counted and never becomes 0."""
    if usage.is_empty and run.actual_cost is None:
        return None
    cost = _price(run, usage)
    if cost is not None:
        client.record(semconv.GEN_AI_COST, cost.amount, run.context, _BASES[cost.basis])
    else:
        client.record(semconv.COST_UNPRICED, 1, run.context)
        warn_unpriced(run.provider, run.model)
    root = run.root
    if root is not None and root.totals is not None:
        if root.finished and root is not run:  # work that outlives the run around it is a root of its own
            run.totals = Totals()
        (run.totals or root.totals).add(usage, cost)
    return cost


def record_tokens(client: Subject, profile: semconv.Profile, usage: Usage, context: Context) -> None:
    """Record the tokens of one call in the metrics of the profile: one point a type."""
    if profile != "g2":
        if usage.input_tokens is not None:
            client.record(semconv.CLIENT_TOKEN_USAGE, usage.input_tokens, context, _INPUT)
        if usage.output_tokens is not None:
            client.record(semconv.CLIENT_TOKEN_USAGE, usage.output_tokens, context, _OUTPUT)
    if profile == "g1":
        return
    for metric, tokens in (
        (semconv.INFERENCE_OPERATION_INPUT_TOKENS, usage.input_tokens),
        (semconv.INFERENCE_OPERATION_OUTPUT_TOKENS, usage.output_tokens),
        (semconv.INFERENCE_INPUT_TOKENS, usage.input_tokens),
        (semconv.INFERENCE_OUTPUT_TOKENS, usage.output_tokens),
        (semconv.INFERENCE_CACHE_READ_TOKENS, usage.cache_read_tokens),
        (semconv.INFERENCE_CACHE_WRITE_TOKENS, usage.cache_write_tokens),
        (semconv.INFERENCE_REASONING_TOKENS, usage.reasoning_tokens),
    ):
        if tokens is not None:
            client.record(metric, tokens, context, ALL_MODALITIES)


def _write_usage(usage: Usage, attributes: dict[str, Any]) -> None:
    if usage.input_tokens is not None:
        attributes[semconv.USAGE_INPUT_TOKENS] = usage.input_tokens
    if usage.output_tokens is not None:
        attributes[semconv.USAGE_OUTPUT_TOKENS] = usage.output_tokens
    if usage.cache_read_tokens is not None:
        attributes[semconv.USAGE_CACHE_READ_TOKENS] = usage.cache_read_tokens
    if usage.cache_write_tokens is not None:
        attributes[semconv.USAGE_CACHE_WRITE_TOKENS] = usage.cache_write_tokens
    if usage.reasoning_tokens is not None:
        attributes[semconv.USAGE_REASONING_TOKENS] = usage.reasoning_tokens


def _price(run: Run, usage: Usage) -> Cost | None:
    if run.actual_cost is not None:
        return Cost(amount=run.actual_cost, basis="actual", table_version=None)
    try:
        prices, provider, model, at_s = run.telemetry.policy.prices, run.provider, run.model, run.start_ns / 1e9
        cost = prices.cost(provider, model, usage, at_s=at_s)
        if cost is None and run.response_model not in (None, model):
            cost = prices.cost(provider, run.response_model, usage, at_s=at_s)
    except Exception as error:  # noqa: BLE001 - a price list must not break a call
        record_fault("cost", error)
        return None
    return cost
