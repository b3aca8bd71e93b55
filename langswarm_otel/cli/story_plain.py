"""The demo's program without LangSwarm: the same support desk, observed through the operations of ``langswarm_otel`` itself.

It shows what the operations look like in a program of one's own, and makes the same telemetry as ``story_langswarm`` does.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog

from langswarm_otel.current import agent, inference, memory, session, step, tool, workflow

log = structlog.get_logger("support_desk")

QUESTION: Final = "My invoice shows the same charge twice. Can you refund one of them?"
SESSION_ID: Final = "support-4711"
USER_ID: Final = "customer-17"
MODEL: Final = "gpt-4o"
THINKING_S: Final = 0.02
"""How long the scripted model takes for an answer, in seconds."""

_conversation: Final[list[str]] = []


async def ask_model(answer: str, *, input_tokens: int, output_tokens: int) -> str:
    """Answer from the script, with the tokens that such an answer would have."""
    with inference(provider="openai", model=MODEL) as call:
        await asyncio.sleep(THINKING_S)
        call.usage(input_tokens=input_tokens, output_tokens=output_tokens)
        call.response(finish_reasons=["stop"])
        call.output(answer)
        return answer


def remember(message: str) -> None:
    """Add a message to the memory that the agents share."""
    with memory("create_memory", store="in_memory") as operation:
        _conversation.append(message)
        operation.records(1)


def recall() -> list[str]:
    """Read what the agents remember."""
    with memory("search_memory", store="in_memory") as operation:
        operation.records(len(_conversation))
        return list(_conversation)


@tool("billing", tool_type="function")
def find_charges(invoice: str) -> list[dict[str, Any]]:
    """Return the charges of an invoice."""
    charges = [{"id": "ch_1", "amount": 49.0}, {"id": "ch_2", "amount": 49.0}]
    log.info("charges found", invoice=invoice, charges=len(charges))
    return charges


@agent("investigator", provider="openai", model=MODEL)
async def investigate(question: str) -> str:
    """Look into the case."""
    remember(question)
    remember(await ask_model("I will look at the invoice.", input_tokens=412, output_tokens=31))
    charges = await asyncio.to_thread(find_charges, "INV-7")
    remember(str(charges))
    findings = await ask_model("INV-7 was charged twice: ch_1 and ch_2, 49.00 each.", input_tokens=498, output_tokens=44)
    remember(findings)
    return findings


@agent("writer", provider="openai", model=MODEL)
async def write(findings: str) -> str:
    """Write to the customer."""
    recall()
    remember(findings)
    answer = await ask_model("You were charged twice. We have refunded one charge of 49.00.", input_tokens=233, output_tokens=58)
    remember(answer)
    return answer


async def run_story() -> str:
    """Answer one customer's question; returns the answer."""
    _conversation.clear()
    with session(SESSION_ID, user_id=USER_ID) as conversation:
        conversation.message("user")
        with workflow("support"):
            with step("investigate", step_type="agent"):
                findings = await investigate(QUESTION)
                log.info("agent answered", agent="investigator", characters=len(findings))
            with step("answer", step_type="agent"):
                answer = await write(findings)
                log.info("agent answered", agent="writer", characters=len(answer))
        conversation.message("assistant")
    return answer


if __name__ == "__main__":
    print(asyncio.run(run_story()))
