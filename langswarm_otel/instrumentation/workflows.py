"""Workflow runs and their steps: ``invoke_workflow {name}`` and ``workflow_step {name}`` spans.

Both return their errors. SYNC and PARALLEL end with the call. ASYNC and STREAMING return at once and go on in a task of their own: their
span is the task's, a child of where it was started, and may outlive it. ``execute_workflow_stream`` ends when it has been read.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current
from langswarm_otel.instrumentation.calls import Call, call_hook, report_error
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.stream_calls import around_stream

if TYPE_CHECKING:
    from langswarm_otel.components.step import StepRun
    from langswarm_otel.components.workflow import WorkflowRun

_MODULE: Final = "langswarm.core.workflows.engine"
_ENGINE: Final = "WorkflowExecutionEngine"
_IN_BACKGROUND: Final = frozenset({"async", "streaming"})


def _begin_workflow(call: Call) -> WorkflowRun | None:
    mode = call.get(2, "execution_mode")
    return None if getattr(mode, "value", None) in _IN_BACKGROUND else _begin_run(call)


def _begin_run(call: Call) -> WorkflowRun:
    run = _workflow(call)
    run.input(call.get(1, "input_data"))
    return run


def _begin_in_background(call: Call) -> WorkflowRun:
    return _workflow(call)


def _workflow(call: Call) -> WorkflowRun:
    workflow = call.get(0, "workflow")
    return current.workflow(workflow.name or workflow.workflow_id).begin()


def _finish_workflow(run: WorkflowRun, _call: Call, result: Any) -> None:
    run.output(result.result)
    if not result.success:
        failed = (step.error for step in result.step_results.values() if step.error is not None)
        report_error(run, result.error or next(failed, None))


def _finish_in_background(run: WorkflowRun, call: Call, _nothing: Any) -> None:
    """Believe the execution: what the task returns is always None."""
    _finish_workflow(run, call, call.get(1, "execution")._result)  # noqa: SLF001 - awaiting the public way to it may never end


def _seen(run: WorkflowRun, call: Call, item: Any) -> None:
    if hasattr(item, "step_results"):  # the steps' own results come first
        _finish_workflow(run, call, item)


def _begin_step(call: Call) -> StepRun:
    step = call.get(0, "step")
    return current.step(step.name or step.step_id, step_type=step.step_type.value).begin()


def _finish_step(run: StepRun, _call: Call, result: Any) -> None:
    run.output(result.result)
    if not result.success:
        report_error(run, result.error)


_hook: Final = functools.partial(call_hook, "langswarm.workflow", _MODULE, _ENGINE)

HOOKS: Final = (
    _hook("execute_workflow", _begin_workflow, _finish_workflow),
    _hook("_execute_async_instrumented", _begin_in_background, _finish_in_background),
    _hook("_execute_streaming_instrumented", _begin_in_background, _finish_in_background),
    _hook("_execute_step", _begin_step, _finish_step),
    Hook(
        module=_MODULE,
        owner=_ENGINE,
        attribute="execute_workflow_stream",
        wrapper=around_stream("langswarm.workflow.stream", begin=_begin_run, seen=_seen),
    ),
)
"""Where workflows and steps run."""
