# ruff: noqa: ARG002 - the signatures are LangSwarm's
"""The demo's program: a support desk written with LangSwarm 0.1.0, as its user would write it.

It knows nothing of this distribution: no import of ``langswarm_otel``, no decorator, no call. Everything that the demo shows of it comes
from ``LangSwarmInstrumentor``. It runs offline: the language model is a script, with the token counts such answers would have.

LangSwarm 0.1.0 is used where it works: the public ``chat()`` returns the text of a response object instead of the response, so answers
are read from the conversation; the built-in ``AgentStep`` awaits a plain function, so the steps are our own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from langswarm.core.agents.base import AgentConfiguration, AgentResponse, AgentSession, BaseAgent
from langswarm.core.agents.interfaces import AgentCapability, AgentMessage, AgentUsage, IAgentProvider, ProviderType
from langswarm.core.memory import create_memory_manager
from langswarm.core.session import MessageRole, SessionBackend, SessionManager
from langswarm.core.workflows import BaseWorkflow, BaseWorkflowStep, StepType, WorkflowContext, get_workflow_engine
from langswarm.tools.base import BaseTool
from langswarm.tools.registry import ToolRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

log = structlog.get_logger("support_desk")

QUESTION = "My invoice shows the same charge twice. Can you refund one of them?"
SESSION_ID = "support-4711"
MODEL = "gpt-4o"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the scripted model answers to one call."""

    text: str
    """The answer."""

    input_tokens: int
    """Tokens of the prompt."""

    output_tokens: int
    """Tokens of the answer."""

    tool: str | None = None
    """``tool__method`` that the model wants called first."""

    arguments: str = "{}"
    """JSON arguments of that call."""

    thinking_s: float = 0.02
    """How long the model takes, in seconds."""


class ScriptedModel(IAgentProvider):  # type: ignore[misc]  # LangSwarm is untyped
    """A language model that answers from a script, for programs that must run offline."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = list(lines)

    @property
    def provider_type(self) -> ProviderType:
        """The provider that it stands in for."""
        return ProviderType.OPENAI

    @property
    def supported_models(self) -> list[str]:
        """The one model of the script."""
        return [MODEL]

    @property
    def supported_capabilities(self) -> list[AgentCapability]:
        """What the script uses."""
        return [AgentCapability.TEXT_GENERATION, AgentCapability.TOOL_USE]

    async def validate_configuration(self, config: AgentConfiguration) -> bool:
        """Accept any configuration."""
        return True

    async def create_session(self, config: AgentConfiguration) -> AgentSession:
        """Start a conversation."""
        return AgentSession()

    async def send_message(self, message: AgentMessage | None, session: AgentSession, config: AgentConfiguration) -> AgentResponse:
        """Answer with the next line."""
        line = self._lines.pop(0)
        await asyncio.sleep(line.thinking_s)
        calls = [{"id": f"call_{line.tool}", "name": line.tool, "arguments": line.arguments}] if line.tool else None
        return AgentResponse.success_response(
            line.text,
            message=AgentMessage(role="assistant", content=line.text, tool_calls=calls),
            usage=AgentUsage(line.input_tokens, line.output_tokens, line.input_tokens + line.output_tokens, model=config.model),
            finish_reason="tool_calls" if calls else "stop",
        )

    async def stream_message(
        self, message: AgentMessage, session: AgentSession, config: AgentConfiguration
    ) -> AsyncIterator[AgentResponse]:
        """Answer in one piece."""
        yield await self.send_message(message, session, config)

    async def call_tool(
        self, tool_name: str, tool_parameters: dict[str, Any], session: AgentSession, config: AgentConfiguration
    ) -> AgentResponse:
        """Refuse: the agent runs the tools."""
        raise NotImplementedError

    async def get_health(self) -> dict[str, Any]:
        """Report that a script is always well."""
        return {"status": "healthy"}


class Billing(BaseTool):  # type: ignore[misc]  # LangSwarm is untyped
    """Looks invoices up; a plain function, which LangSwarm runs in a thread."""

    def __init__(self) -> None:
        super().__init__(tool_id="billing", name="Billing", description="Looks up invoices and charges")
        self.add_method("find_charges", "Charges of an invoice", {"invoice": {"type": "string"}}, {"type": "array"}, ["invoice"])

    def find_charges(self, invoice: str) -> list[dict[str, Any]]:
        """Return the charges of an invoice."""
        charges = [{"id": "ch_1", "amount": 49.0}, {"id": "ch_2", "amount": 49.0}]
        log.info("charges found", invoice=invoice, charges=len(charges))
        return charges


class AskAgent(BaseWorkflowStep):  # type: ignore[misc]  # LangSwarm is untyped
    """A step that asks one agent and passes its answer on."""

    def __init__(self, step_id: str, agent: BaseAgent, prompt: str, dependencies: Sequence[str] = ()) -> None:
        super().__init__(step_id, StepType.AGENT, step_id, _dependencies=list(dependencies))
        self._agent = agent
        self._prompt = prompt

    async def _execute_impl(self, context: WorkflowContext) -> str:
        asked = self._prompt.format(question=context.get_variable("input"), **context.step_outputs)
        await self._agent.chat(asked, session_id=SESSION_ID)
        conversation = await self._agent.get_session(SESSION_ID)
        answer = str(conversation.messages[-1].content)
        log.info("agent answered", agent=self._agent.name, characters=len(answer))
        return answer


async def build_agents() -> tuple[BaseAgent, BaseAgent]:
    """Build the two agents of the desk, with one memory: the first looks into the case, the second reads of it and writes."""
    memory = create_memory_manager("in_memory")
    investigator = BaseAgent(
        "investigator",
        AgentConfiguration(ProviderType.OPENAI, MODEL, tools_enabled=True, available_tools=["billing"]),
        ScriptedModel(
            [
                Line(
                    text="I will look at the invoice.",
                    input_tokens=412,
                    output_tokens=31,
                    tool="billing__find_charges",
                    arguments='{"invoice": "INV-7"}',
                ),
                Line(text="INV-7 was charged twice: ch_1 and ch_2, 49.00 each.", input_tokens=498, output_tokens=44),
            ]
        ),
        memory_manager=memory,
    )
    writer = BaseAgent(
        "writer",
        AgentConfiguration(ProviderType.OPENAI, MODEL),
        ScriptedModel([Line(text="You were charged twice. We have refunded one charge of 49.00.", input_tokens=233, output_tokens=58)]),
        memory_manager=memory,
    )
    for agent in (investigator, writer):
        await agent.initialize()
    return investigator, writer


async def run_story() -> str:
    """Answer one customer's question; returns the answer."""
    ToolRegistry().register(Billing())
    investigator, writer = await build_agents()
    sessions = SessionManager()
    session = await sessions.create_session("customer-17", "openai", MODEL, backend=SessionBackend.LOCAL_MEMORY, session_id=SESSION_ID)
    try:
        await session.send_message(QUESTION)
        workflow = BaseWorkflow("support", "support")
        workflow.add_step(AskAgent("investigate", investigator, "{question}"))
        workflow.add_step(AskAgent("answer", writer, "Answer the customer. Findings: {investigate}", ["investigate"]))
        result = await get_workflow_engine().execute_workflow(workflow, {"input": QUESTION})
        if result.error is not None:
            raise result.error
        answer = str(result.result["answer"])
        await session.send_message(answer, MessageRole.ASSISTANT)
        return answer
    finally:
        await sessions.archive_session(SESSION_ID)
        for agent in (investigator, writer):
            await agent.shutdown()
        ToolRegistry().unregister("billing")


if __name__ == "__main__":
    print(asyncio.run(run_story()))
