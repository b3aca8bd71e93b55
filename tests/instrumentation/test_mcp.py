"""LangSwarm's MCP servers."""

import pytest
from pydantic import BaseModel

from langswarm_otel import current
from langswarm_otel.context import current_scope

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


class Question(BaseModel):
    """Parameters of the task."""

    text: str


class Answer(BaseModel):
    """Its result."""

    text: str


def server(handler):
    """A server with one task."""
    made = swarm.BaseMCPToolServer("desk", "A server of a test")
    made.add_task("look", "A task", Question, Answer, handler)
    return made


@pytest.mark.parametrize("coroutine", [True, False])
async def test_handlers_of_call_task_have_the_context_of_the_call(telemetry, coroutine):
    """LangSwarm runs coroutine functions in a thread of their own, without the context: the span and the scope are there all the same."""
    scopes = []

    def plain(text):
        scopes.append(current_scope())
        with current.traced("inside"):
            return {"text": text}

    async def awaited(text):
        return plain(text)

    made = server(awaited if coroutine else plain)
    handler = made.tasks["look"]["handler"]
    with current.session("s-1"):
        assert made.call_task("look", {"text": "hi"}) == {"text": "hi"}
    assert telemetry.tree() == "execute_tool look\n  inside"
    assert scopes[0].conversation_id == "s-1"
    span = telemetry.spans[0]
    assert span.attributes["gen_ai.tool.type"] == "extension"
    assert span.attributes["langswarm.tool.server"] == "desk"
    assert made.tasks["look"]["handler"] is handler, "the server is not touched"


@pytest.mark.parametrize("data", [{"isError": True, "content": []}, {"success": False, "error": "no", "error_type": "ValueError"}])
async def test_a_tools_own_call_of_its_server_is_one_span_and_its_refusal_an_error(telemetry, data):
    """The tool's call says which task ran; a refusal that the tool passes on is an error of the call."""
    made = server(lambda text: {"text": text})

    async def look():
        made.call_task("look", {"text": "hi"})
        return data

    result = await swarm.Tool(look=look).execution.execute("look", {})
    assert result.success, "LangSwarm takes a refusal for a success"
    (span,) = telemetry.spans
    assert span.name == "execute_tool desk"
    assert span.attributes["error.type"] == data.get("error_type", "tool_error")


async def test_parameters_that_do_not_fit_are_an_error(telemetry):
    """Both ways return it."""
    made = server(lambda text: {"text": text})
    assert made.call_task("look", {})["success"] is False
    assert (await made.call_tool("look", {}))["isError"] is True
    assert [span.attributes["error.type"] for span in telemetry.spans] == ["parameter_validation_error", "tool_error"]
