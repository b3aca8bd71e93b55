"""Facts that LangSwarm's API reports by themselves: into the catalogue's metrics, unless an operation around has them already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry.context import get_current

from langswarm_otel import current, semconv
from langswarm_otel.components import accounting
from langswarm_otel.components.agent import AgentRun
from langswarm_otel.components.inference import InferenceRun
from langswarm_otel.components.naming import named
from langswarm_otel.components.outcome import error_type as name_of_error
from langswarm_otel.components.run import RUN_KEY, Run

if TYPE_CHECKING:
    from langswarm_otel.semconv import Metric

R = TypeVar("R", bound=Run)


def inside(kind: type[R], *subjects: object) -> R | None:
    """Return the innermost operation of a kind that is going on around the call and about one of these; None if there is none.

    Args:
        kind: class of its runs.
        *subjects: names that it may have; an agent's may be its id.
    """
    wanted = {named(subject) for subject in subjects}
    run = get_current().get(RUN_KEY)
    while isinstance(run, Run):
        if type(run) is kind and not run.finished and wanted & _names(run):
            return run
        run = run.parent
    return None


def _names(run: Run) -> set[object]:
    attributes = getattr(run.span, "attributes", None) or {}
    return {*run.identity()[1:3], attributes.get(semconv.AGENT_ID)}


def record_duration(metric: Metric, milliseconds: float, success: bool, labels: dict[str, Any]) -> None:
    """Record a duration in a metric of the catalogue.

    Args:
        metric: which.
        milliseconds: how long it took.
        success: whether it went well.
        labels: whom it is about; None is left out.
    """
    seconds = max(float(milliseconds), 0.0) / 1000
    if seconds - seconds != 0:
        raise ValueError("not a duration")
    ended = {semconv.OUTCOME: semconv.OK} if success else {semconv.OUTCOME: semconv.ERROR, semconv.ERROR_TYPE: semconv.OTHER}
    record(metric, seconds, {**labels, **ended})


def report_duration(around: Run | None, metric: Metric, milliseconds: float, success: bool, labels: dict[str, Any]) -> None:
    """Record a duration, unless the operation is going on, which measures itself and is only told if it failed.

    Args:
        around: that operation.
        metric: which.
        milliseconds: how long it took.
        success: whether it went well.
        labels: whom it is about; None is left out.
    """
    if around is None:
        record_duration(metric, milliseconds, success, labels)
    elif not success:
        around.record_error()


def record(metric: Metric, value: float, labels: dict[str, Any]) -> None:
    """Record a measurement in a metric of the catalogue, with names that fold beyond the first 500."""
    instruments = current.telemetry().instruments
    folded = {key: instruments.fold(key, named(label)) for key, label in labels.items() if label is not None}
    instruments.record(metric, value, folded)


def report_error(around: Run | None, error_type: str, labels: dict[str, Any]) -> None:
    """Report an error to the operation that it happened in; count it where there is none.

    Args:
        around: that operation.
        error_type: its type, as the caller names it.
        labels: whom the count is about.
    """
    if around is not None:
        around.record_error(error_type=name_of_error(str(error_type)))
    else:
        record(semconv.OPERATION_ERRORS, 1, labels)


def record_tokens(agent_id: str, input_tokens: int, output_tokens: int, provider: str | None) -> None:
    """Record tokens of an agent: with the call or the agent that is going on, unless its calls have reported them, else in the metrics."""
    around = get_current().get(RUN_KEY)
    call = around.call if isinstance(around, Run) else None
    if isinstance(call, InferenceRun) and not call.finished:
        call.usage(input_tokens=input_tokens, output_tokens=output_tokens)
        return
    agent = inside(AgentRun, agent_id)
    if agent is not None:
        if not agent.has_asked:
            agent.usage(input_tokens=input_tokens, output_tokens=output_tokens)
        return
    # A run that never begins: it knows how labels are made, and emits nothing by itself.
    reported = current.agent(named(agent_id), provider=provider).make(current.telemetry())
    reported.usage(input_tokens=input_tokens, output_tokens=output_tokens)
    client = reported.client(reported.subject())
    accounting.record_tokens(client, reported.telemetry.instruments.profile, reported.total_usage.whole, get_current())
