"""Workflow runs and their steps: ``invoke_workflow {name}`` and ``workflow_step {name}`` spans.

Both return their errors. Of the four execution modes, SYNC and PARALLEL end with the call; ASYNC and STREAMING return at once and go on in
a task of their own, so that a span around the call would say that the run took no time. Those calls are left alone; their steps are
observed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current
from langswarm_otel.instrumentation.calls import Call, around, report_error
from langswarm_otel.instrumentation.hooks import Hook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from langswarm_otel.components.step import StepRun
    from langswarm_otel.components.workflow import WorkflowRun

_MODULE: Final = "langswarm.core.workflows.engine"
_IN_BACKGROUND: Final = frozenset({"async", "streaming"})


def _begin_workflow(call: Call) -> AbstractContextManager[WorkflowRun] | None:
    mode = call.get(2, "execution_mode")
    return None if getattr(mode, "value", None) in _IN_BACKGROUND else _workflow(call)


@contextmanager
def _workflow(call: Call) -> Iterator[WorkflowRun]:
    workflow = call.get(0, "workflow")
    with current.workflow(workflow.name or workflow.workflow_id) as run:
        run.input(call.get(1, "input_data"))
        yield run


def _finish_workflow(run: WorkflowRun, _call: Call, result: Any) -> None:
    run.output(result.result)
    if not result.success:
        failed = (step.error for step in result.step_results.values() if step.error is not None)
        report_error(run, result.error or next(failed, None))


@contextmanager
def _begin_step(call: Call) -> Iterator[StepRun]:
    step = call.get(0, "step")
    with current.step(step.name or step.step_id, step_type=step.step_type.value) as run:
        yield run


def _finish_step(run: StepRun, _call: Call, result: Any) -> None:
    run.output(result.result)
    if not result.success:
        report_error(run, result.error)


HOOKS: Final = (
    Hook(
        module=_MODULE,
        owner="WorkflowExecutionEngine",
        attribute="execute_workflow",
        wrapper=around("langswarm.workflow", begin=_begin_workflow, finish=_finish_workflow),
    ),
    Hook(
        module=_MODULE,
        owner="WorkflowExecutionEngine",
        attribute="_execute_step",
        wrapper=around("langswarm.step", begin=_begin_step, finish=_finish_step),
    ),
)
"""Where workflows and steps run; ``execute_workflow_stream`` and the background halves belong beside them."""
