"""The demo's two programs: the LangSwarm one, which knows nothing of us, and its twin on our own operations."""

import ast
import importlib
from pathlib import Path

import pytest

from langswarm_otel import guard
from langswarm_otel.cli import story_plain
from langswarm_otel.instrumentation import LangSwarmInstrumentor

TREE = """\
invoke_workflow support
  workflow_step investigate
    invoke_agent investigator
      create_memory
      chat gpt-4o
      create_memory
      execute_tool billing
      create_memory
      chat gpt-4o
      create_memory
  workflow_step answer
    invoke_agent writer
      search_memory
      create_memory
      chat gpt-4o
      create_memory"""


@pytest.fixture
def story_langswarm():
    """The LangSwarm program, where LangSwarm is installed."""
    pytest.importorskip("swarm")
    return importlib.import_module("langswarm_otel.cli.story_langswarm")


def check(telemetry):
    """Everything nests as it ran, with tokens, cost, conversation and user, and a log line in the tool's span."""
    assert telemetry.tree() == TREE
    spans = {span.name: span for span in telemetry.spans}
    root = spans["invoke_workflow support"].attributes
    assert (root["langswarm.run.input_tokens"], root["langswarm.run.output_tokens"]) == (412 + 498 + 233, 31 + 44 + 58)
    assert root["langswarm.run.cost"] > 0
    assert {span.attributes["langswarm.outcome"] for span in telemetry.spans} == {"ok"}
    inside = [span for span in telemetry.spans if span.name.startswith(("invoke_agent", "chat", "execute_tool", "create_memory"))]
    assert {span.attributes["gen_ai.conversation.id"] for span in inside} == {"support-4711"}
    assert len({span.attributes["user.hash"] for span in inside}) == 1
    (line,) = [line for line in telemetry.logs if line.body == "charges found"]
    assert line.span_id == spans["execute_tool billing"].span_id
    assert guard.faults() == {}


@pytest.mark.usefixtures("instrumented")
@pytest.mark.telemetry(price_table={"gpt-4o": {"input": 2.5, "output": 10.0}})
async def test_the_langswarm_program_is_observed_with_no_change_to_it(story_langswarm, telemetry):
    """Workflow, steps, agents, model calls, tool and memory nest as they ran; twice in one process, each time whole."""
    assert "refunded" in await story_langswarm.run_story()
    check(telemetry)
    await story_langswarm.run_story()
    assert telemetry.tree() == f"{TREE}\n{TREE}"


async def test_the_langswarm_program_runs_alone(story_langswarm, telemetry):
    """Without the instrumentor it gives the same answer and emits no span."""
    alone = await story_langswarm.run_story()
    assert telemetry.spans == ()
    LangSwarmInstrumentor().instrument()
    assert await story_langswarm.run_story() == alone


@pytest.mark.telemetry(price_table={"gpt-4o": {"input": 2.5, "output": 10.0}})
async def test_the_program_on_our_operations_makes_the_same_telemetry(telemetry):
    """The twin, for machines without LangSwarm, has the same answer, tree, tokens and metrics."""
    assert "refunded" in await story_plain.run_story()
    check(telemetry)
    assert {
        "gen_ai.invoke_agent.duration",
        "gen_ai.execute_tool.duration",
        "gen_ai.invoke_workflow.duration",
        "gen_ai.client.token.usage",
        "langswarm.gen_ai.cost",
        "langswarm.memory.lookups",
        "langswarm.session.messages",
        "langswarm.workflow.step.duration",
    } <= {point.name for point in telemetry.metrics}


def test_the_langswarm_program_knows_nothing_of_us():
    """It imports nothing of this distribution and nothing of OpenTelemetry."""
    source = (Path(story_plain.__file__).parent / "story_langswarm.py").read_text(encoding="utf-8")
    imported = [
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assert "langswarm.core.agents.base" in imported
    assert not [name for name in imported if name.startswith(("langswarm_otel", "opentelemetry"))]
