"""A thousand runs of agents at once, and eight threads: right parents, exact sums, and memory that comes back."""

import asyncio
import gc
import threading
import weakref
from collections import Counter

import pytest
from opentelemetry.context import get_current

from langswarm_otel import current
from langswarm_otel.components.run import Run
from langswarm_otel.instrumentation import sessions
from langswarm_otel.testing import capture

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")

TREE = ["create_memory", "chat gpt-4o", "create_memory", "execute_tool desk", "create_memory", "chat gpt-4o", "create_memory"]
"""What stands below each run: asked, answered with a call of a tool, called, its result, answered."""


class Pausing(swarm.Model):
    """A model that lets others in before it answers."""

    async def send_message(self, message, session, config):
        await asyncio.sleep(0)
        return await super().send_message(message, session, config)


async def run_one(number, way="chat", memory=None):
    """One run with a tool and two calls of the model; ``number`` and twice that many tokens."""
    replies = [swarm.answer(tokens=(number, 1), tool="desk__look"), swarm.answer(tokens=(number, 2))]
    agent = swarm.agent(Pausing(*replies), name=f"agent-{number % 7}", agent_id=str(number), memory=memory)
    await getattr(agent, way)("look", f"s-{number}")


async def run_many(numbers, way="chat"):
    memory = swarm.create_memory_manager("in_memory")
    await asyncio.gather(*(run_one(number, way, memory) for number in numbers))


def check(telemetry, numbers):
    """Every run has its own seven spans below it, and its own tokens; so has the metric."""
    children = {}
    for span in telemetry.spans:
        children.setdefault(span.parent_id, []).append(span)
    runs = children[None]
    assert sorted(run.attributes["langswarm.agent.id"] for run in runs) == sorted(map(str, numbers))
    for run in runs:
        number = int(run.attributes["langswarm.agent.id"])
        below = sorted(children[run.span_id], key=lambda span: (span.start_ns, span.span_id))
        assert sorted(span.name for span in below) == sorted(TREE)
        assert {span.attributes["gen_ai.conversation.id"] for span in (run, *below)} == {f"s-{number}"}
        assert [span.attributes["gen_ai.usage.input_tokens"] for span in below if span.name.startswith("chat")] == [number, number]
        assert run.attributes["langswarm.run.input_tokens"] == 2 * number
        assert run.attributes["langswarm.run.output_tokens"] == 3
    assert len(telemetry.spans) == 8 * len(numbers)
    used = [point for point in telemetry.metrics if point.name == "gen_ai.client.token.usage"]
    assert sum(point.value for point in used if point.attributes["gen_ai.token.type"] == "input") == sum(2 * number for number in numbers)
    assert sum(point.value for point in used if point.attributes["gen_ai.token.type"] == "output") == 3 * len(numbers)


@pytest.fixture
def _desk():
    """A tool that answers at once."""

    async def look():
        await asyncio.sleep(0)
        return "seen"

    with swarm.registered(swarm.Tool(look=look)):
        yield


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("_desk")
@pytest.mark.parametrize("way", ["chat", "_execute_chat"])
async def test_a_thousand_runs_at_once(telemetry, way):
    """Each has its own parent for every span, its own tokens and its own conversation; nothing stays current."""
    before = get_current()
    numbers = range(1, 1001)
    await run_many(numbers, way)
    check(telemetry, numbers)
    assert get_current() is before


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("_desk")
def test_eight_threads_with_a_loop_each():
    """Runs in eight event loops at the same time keep apart too."""
    with capture(everywhere=True) as telemetry:
        threads = [threading.Thread(target=lambda n=n: asyncio.run(run_many(range(100 * n + 1, 100 * n + 51)))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    check(telemetry, [number for n in range(8) for number in range(100 * n + 1, 100 * n + 51)])


async def test_runs_are_freed_at_once(telemetry):
    """With the garbage collector off, nothing of a run is left when it is over: no cycle holds it."""
    made = weakref.WeakSet()
    start = Run.start

    def watched(self, *arguments):
        made.add(self)
        start(self, *arguments)

    Run.start = watched
    gc.collect()
    gc.disable()
    try:
        with swarm.registered(swarm.Tool(look=lambda: "seen")):
            await run_one(1)
            await run_one(2, "_execute_chat")
        await asyncio.sleep(0)
        left = [type(run).__name__ for run in made]
    finally:
        gc.enable()
        Run.start = start
    assert left == []


def ours():
    """Count the living objects of our classes, OpenTelemetry's and wrapt's; LangSwarm itself keeps a logger for each session."""
    gc.collect()
    theirs = ("langswarm_otel", "opentelemetry", "wrapt")
    return Counter(kind.__qualname__ for kind in map(type, gc.get_objects()) if str(kind.__module__).startswith(theirs))


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("_desk")
async def test_memory_comes_back():
    """Another thousand runs leave not one object of ours behind, and no session."""

    async def some(first):
        with capture():
            await run_many(range(first, first + 500))
            manager = swarm.SessionManager()
            for session_id in map(str, range(first, first + 500)):
                backend = swarm.SessionBackend.LOCAL_MEMORY
                await manager.create_session("u-1", "openai", "gpt-4o", backend=backend, session_id=session_id)

    await some(1)
    before = ours()
    await some(1001)
    await some(2001)
    assert ours() - before == Counter()
    assert len(sessions._runs) == len(sessions._by_id) == 0
    with capture():
        kept = current.agent("a").begin()
        assert (ours() - before)["AgentRun"] == 1, "what is kept is seen"
        kept.finish()
