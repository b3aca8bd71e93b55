"""Workflows and their steps."""

from __future__ import annotations


def test_nesting_names_and_metrics(seen):
    """Workflow, step and agent nest as they run; the step knows its workflow, on span and metric."""
    with seen.obs.workflow("support"), seen.obs.step("answer", index=0, step_type="agent"), seen.obs.agent("a"):
        pass
    workflow, step, agent = (seen.span(name) for name in ("invoke_workflow support", "workflow_step answer", "invoke_agent a"))
    assert (agent.parent.span_id, step.parent.span_id, workflow.parent) == (step.context.span_id, workflow.context.span_id, None)
    assert workflow.attributes == {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": "support",
        "langswarm.outcome": "ok",
    }
    assert step.attributes == {
        "langswarm.workflow.step.name": "answer",
        "gen_ai.workflow.name": "support",
        "langswarm.workflow.step.index": 0,
        "langswarm.workflow.step.type": "agent",
        "langswarm.outcome": "ok",
    }
    assert seen.point("gen_ai.invoke_workflow.duration").attributes == {"gen_ai.workflow.name": "support", "langswarm.outcome": "ok"}
    assert seen.point("langswarm.workflow.step.duration").attributes == {
        "gen_ai.workflow.name": "support",
        "langswarm.workflow.step.name": "answer",
        "langswarm.outcome": "ok",
    }


def test_a_step_outside_of_a_workflow(seen):
    """It simply has none."""
    with seen.obs.step("alone"):
        pass
    assert "gen_ai.workflow.name" not in seen.span("workflow_step alone").attributes


def test_the_inner_workflow_counts(seen):
    """A step belongs to the workflow next around it, and the outer one's are its own again afterwards."""
    with seen.obs.workflow("outer"):
        with seen.obs.workflow("inner"), seen.obs.step("one"):
            pass
        with seen.obs.step("two"):
            pass
    assert seen.span("workflow_step one").attributes["gen_ai.workflow.name"] == "inner"
    assert seen.span("workflow_step two").attributes["gen_ai.workflow.name"] == "outer"


def test_a_workflow_that_yields_its_results(seen):
    """Steps of a streaming workflow belong to it although the reader comes in between."""

    @seen.obs.workflow("w")
    def run():
        for name in ("one", "two"):
            with seen.obs.step(name):
                pass
            yield name

    assert list(run()) == ["one", "two"]
    workflow = seen.span("invoke_workflow w").context.span_id
    assert {span.parent.span_id for span in seen.spans() if span.name.startswith("workflow_step")} == {workflow}
