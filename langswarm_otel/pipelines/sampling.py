"""Sampling that can change while the process runs, and samplers by their OpenTelemetry name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    Decision,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.sdk_private import root_of
from langswarm_otel.guard import record_fault
from langswarm_otel.pipelines.installed import build_installed
from langswarm_otel.pipelines.probability import ParentBasedProbability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, SpanKind, TraceState
    from opentelemetry.util.types import Attributes

_FIXED: Final[dict[str, Sampler]] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
}
_BY_RATIO: Final[dict[str, type[TraceIdRatioBased | ParentBasedTraceIdRatio]]] = {
    "traceidratio": TraceIdRatioBased,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a sampler decides, where that depends on the parent and the trace id alone, as with the six samplers of the specification.

    Such a sampler hands attributes and the parent's trace state on as they are.
    """

    follows_parent: bool
    """Whether a span under a parent is sampled as that is."""

    bound: int
    """A new trace is sampled when the lower 64 bits of its id are below this; where there is a ``state``, when the lower 56 are not."""

    state: TraceState | None = None
    """What a new trace that is sampled carries, so that others can tell how many it stands for."""


_EVERYTHING: Final = TraceIdRatioBased.get_bound_for_rate(1.0)
_RULES: Final = (
    (ALWAYS_ON, Rule(follows_parent=False, bound=_EVERYTHING)),
    (ALWAYS_OFF, Rule(follows_parent=False, bound=0)),
    (DEFAULT_ON, Rule(follows_parent=True, bound=_EVERYTHING)),
    (DEFAULT_OFF, Rule(follows_parent=True, bound=0)),
)


def rule_of(sampler: Sampler) -> Rule | None:
    """Return the rule of a sampler; None for one that has to be asked each time, a subclass of a known one too."""
    for known, rule in _RULES:
        if sampler is known:
            return rule
    if type(sampler) is ParentBasedProbability:
        if sampler.state is not None:
            return Rule(follows_parent=True, bound=sampler.threshold, state=sampler.state)
        return Rule(follows_parent=True, bound=0 if sampler.threshold else _EVERYTHING)
    follows_parent = type(sampler) is ParentBasedTraceIdRatio
    by_ratio = root_of(sampler) if isinstance(sampler, ParentBasedTraceIdRatio) and follows_parent else sampler
    return Rule(follows_parent=follows_parent, bound=by_ratio.bound) if type(by_ratio) is TraceIdRatioBased else None


def ratio_of(sampler: Sampler) -> float | None:
    """Return the share of new traces that a sampler takes; None where that is not known."""
    if isinstance(sampler, ParentBasedProbability):
        return sampler.ratio
    by_ratio = root_of(sampler) if isinstance(sampler, ParentBasedTraceIdRatio) else sampler
    if isinstance(by_ratio, TraceIdRatioBased):
        return float(by_ratio.rate)
    for known, rule in _RULES:
        if sampler is known:
            return 1.0 if rule.bound else 0.0
    return None


class SwitchSampler(Sampler):
    """The one sampler that all tracers of a provider hold; what it stands for may be set at any time, under traffic too."""

    def __init__(self, target: Sampler = DEFAULT_ON) -> None:
        self._records_all = False
        self.target = target

    @property
    def target(self) -> Sampler:
        """The sampler that decides."""
        return self._target

    @target.setter
    def target(self, target: Sampler) -> None:
        self._target = target
        self._settle()

    @property
    def records_all(self) -> bool:
        """Whether spans that are not sampled are recorded all the same, for somebody who decides about them later."""
        return self._records_all

    @records_all.setter
    def records_all(self, records_all: bool) -> None:
        self._records_all = records_all
        self._settle()

    def _settle(self) -> None:
        self.rule = None if self._records_all else rule_of(self._target)
        """How it decides, where a tracer may do so by itself."""

    @property
    def ratio(self) -> float | None:
        """The share of new traces that are sampled; None where that is not known."""
        return ratio_of(self._target)

    def set_ratio(self, ratio: float) -> None:
        """Sample this share of new traces from now on; spans under a parent follow it, unless ``traceidratio`` was configured.

        A sampler by ratio that was named stays of its kind.

        Raises:
            ConfigurationError: the ratio is no number from 0 to 1; the sampler stays as it was.
        """
        kind = next((name for name, made in _BY_RATIO.items() if isinstance(self.target, made)), None)
        self.target = build_sampler(kind, ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,  # noqa: ARG002 - the SDK never gives it, and older samplers do not take it
    ) -> SamplingResult:
        """Ask the target; when it fails, follow the parent and drop new traces, as without an SDK, and count the fault."""
        try:
            result = self.target.should_sample(parent_context, trace_id, name, kind, attributes, links)
            if not isinstance(result, SamplingResult):
                raise TypeError(f"a sampler must return a SamplingResult, not {type(result).__name__}")  # noqa: TRY301 - as what it raises
        except Exception as error:  # noqa: BLE001 - what a sampler raises would reach the application
            record_fault("sampler", error)
            result = DEFAULT_OFF.should_sample(parent_context, trace_id, name, kind, attributes, links)
        if self._records_all and result.decision is Decision.DROP:
            return SamplingResult(Decision.RECORD_ONLY, attributes, result.trace_state)
        return result

    def get_description(self) -> str:
        """Describe the sampler that decides."""
        return f"SwitchSampler{{{self.target.get_description()}}}"


def parent_based_ratio(ratio: float) -> Sampler:
    """Return the sampler that follows its parent and samples this share of new traces, and tells it (``probability``).

    Raises:
        ConfigurationError: the ratio is no number from 0 to 1.
    """
    return ParentBasedProbability(_checked_ratio(ratio))


def build_sampler(name: str | None, ratio: float = 1.0, argument: str | None = None) -> Sampler:
    """Return the sampler that ``OTEL_TRACES_SAMPLER`` names, or for None the parent-based one that says what each span stands for.

    Args:
        name: one of the six names of the specification, or one that an installed package offers.
        ratio: what the samplers by ratio sample, from 0 to 1.
        argument: what an installed sampler is made with, as in ``OTEL_TRACES_SAMPLER_ARG``.

    Raises:
        ConfigurationError: the name is not known, the ratio is wrong, or the package that offers the sampler fails. The SDK logs such
            a mistake and samples everything.
    """
    if name is None:
        return parent_based_ratio(ratio)
    known = name.strip().lower()
    if known in _FIXED:
        return _FIXED[known]
    if known in _BY_RATIO:
        return _BY_RATIO[known](_checked_ratio(ratio))
    return build_installed(
        Sampler,  # type: ignore[type-abstract]
        "sampler",
        name.strip(),
        group="opentelemetry_traces_sampler",
        built_in=(*_FIXED, *_BY_RATIO),
        arguments=(argument,),
    )


def _checked_ratio(given: float) -> float:
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
    if not is_number or math.isnan(given) or not 0.0 <= given <= 1.0:
        raise ConfigurationError("sample_ratio", given, "give a number from 0 to 1")
    return float(given)
