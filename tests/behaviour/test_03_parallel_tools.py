"""Behaviour 3: parallel tools in threads become orphan traces.

Pain: as soon as an agent calls two tools at once, tool spans vanish or start a trace of their own; single calls look fine, so nobody
notices (huggingface/smolagents#1840, crewAIInc/crewAI#4708, Tracer-Cloud/opensre#3939, microsoft/agent-framework#6357).

Right: ``propagating(fn)`` and ``ContextExecutor`` copy the context for each call.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace
from plain_sdk import PlainSdk

from langswarm_otel import ContextExecutor, propagating

TOOLS = 8


def test_tools_of_four_kinds_of_parallelism_stay_below_their_agent(telemetry, verdict):
    """One agent, eight tools each through a thread pool, gather, to_thread and run_in_executor: 32 spans, one parent, one trace."""
    obs = telemetry.observability

    @obs.tool("in_thread")
    def in_thread(number):
        return number

    @obs.tool("in_task")
    async def in_task(number):
        await asyncio.sleep(0)
        return number

    @obs.agent("parallel")
    async def agent():
        loop = asyncio.get_running_loop()
        with ContextExecutor(max_workers=4) as executor:
            from_pool = list(executor.map(in_thread, range(TOOLS)))
        gathered = await asyncio.gather(*[in_task(number) for number in range(TOOLS)])
        threaded = await asyncio.gather(*[asyncio.to_thread(in_thread, number) for number in range(TOOLS)])
        with ThreadPoolExecutor(4) as pool:
            executed = await asyncio.gather(*[loop.run_in_executor(pool, propagating(in_thread), number) for number in range(TOOLS)])
        return [from_pool, gathered, threaded, executed]

    assert asyncio.run(agent()) == [list(range(TOOLS))] * 4
    tools = [span for span in telemetry.spans if span.name.startswith("execute_tool")]
    assert len(tools) == 4 * TOOLS
    assert {tool.parent_id for tool in tools} == {telemetry.span("invoke_agent parallel").span_id}
    assert len({span.trace_id for span in telemetry.spans}) == 1
    assert telemetry.metric("gen_ai.invoke_agent.tool_calls").value == 4 * TOOLS
    verdict.ours("32 tools in four kinds of parallelism: all below their agent")


def test_the_plain_sdk_loses_the_parent(verdict):
    """The pain exists: a span made in a pool's thread has no parent."""
    sdk = PlainSdk()

    def tool():
        with sdk.tracer.start_as_current_span("tool"):
            return trace.get_current_span().get_span_context().trace_id

    with ThreadPoolExecutor(1) as pool, sdk.tracer.start_as_current_span("agent") as agent:
        trace_id = pool.submit(tool).result()
    assert trace_id != agent.get_span_context().trace_id
    assert sdk.spans()[0].parent is None
    verdict.plain("a span in an executor has no parent")
