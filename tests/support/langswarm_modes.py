"""Every way through LangSwarm's five components, each as a small program whose innermost part ends as it is told.

A mode gives the program (a coroutine, or an asynchronous generator), the tree of spans that is expected, and for each way to end what is
expected of the spans: their outcomes in the order of the tree, and the tokens of the root. Where something cannot happen, or LangSwarm
hides it, the cell says so in words instead, and begins with a dash.
"""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import swarm

from langswarm_otel import current

OK, RETURNED, RAISED, CANCELLED, CLOSED = "success", "error returned", "exception", "cancellation", "early close"
ENDS = (OK, RETURNED, RAISED, CANCELLED, CLOSED)


class BoomError(LookupError):
    """What the innermost part raises or returns; its text must not be seen."""


class Inside:
    """The innermost part of a program: it ends as it is told, or waits to be called off."""

    def __init__(self, end: str) -> None:
        self.end = end
        self.reached = asyncio.Event()
        self.release = threading.Event()
        self.boom = BoomError("about Jane Doe")
        self._loop = asyncio.get_running_loop()

    async def __call__(self, result: Any = "fine", *, otherwise: Any = None) -> Any:
        self.reached.set()
        if self.end == RAISED:
            raise self.boom
        if self.end in (CANCELLED, CLOSED):
            await asyncio.Event().wait()
        return otherwise if self.end == RETURNED else result

    def blocking(self, result: Any = "fine") -> Any:
        """The same for plain functions in a thread."""
        self._loop.call_soon_threadsafe(self.reached.set)
        if self.end == RAISED:
            raise self.boom
        if self.end in (CANCELLED, CLOSED):
            self.release.wait(30)
        return result


@dataclass(frozen=True, kw_only=True)
class Mode:
    """One way through one component."""

    component: str
    name: str
    program: Callable[[Inside], Any]
    tree: str
    cells: dict[str, str]
    trees: dict[str, str] = field(default_factory=dict)
    """Trees of ends where it differs."""


def cells(ok: str, returned: str, raised: str, cancelled: str, closed: str) -> dict[str, str]:
    return dict(zip(ENDS, (ok, returned, raised, cancelled, closed), strict=True))


def all_of(number: int, *, tokens: str = "", **others: str) -> dict[str, str]:
    """All spans of the tree end alike; tokens are there where it went well."""

    def row(outcome: str) -> str:
        return " ".join([outcome] * number)

    given = cells(f"{row('ok')}{tokens}", row("error"), row("error"), row("cancelled"), row("abandoned"))
    return {**given, **{ENDS[("ok", "returned", "raised", "cancelled", "closed").index(name)]: text for name, text in others.items()}}


PLAIN = "- it is a plain function, which blocks the event loop of its caller and cannot be called off"
NO_WAIT = "- it never waits: it is over before it could be called off"
NO_RETURN = "- it has no error to return: it raises"
NO_RAISE = "- it calls nothing that could raise"
AS_RAISED = "- whatever goes wrong inside is returned: as for an exception"
HIDDEN = "the same as when nothing is found, which is what LangSwarm returns: it hides the error"

AGENT = "invoke_agent helper\n  chat gpt-4o"


def model(inside: Inside) -> swarm.Model:
    async def reply():
        return await inside(swarm.answer("fine", (10, 3)), otherwise=swarm.failed(inside.boom))

    return swarm.Model(reply)


class Streaming(swarm.Model):
    """A model that streams: a word, then what the innermost part does, then a word with the usage of it all."""

    def __init__(self, inside: Inside) -> None:
        super().__init__()
        self._inside = inside

    async def stream_message(self, message, session, config):
        yield swarm.answer("fi", None)
        yield await self._inside(swarm.answer("ne", (10, 3)), otherwise=swarm.failed(self._inside.boom))


def streaming_agent(inside: Inside, *, streaming: bool = True) -> Any:
    made = swarm.agent(Streaming(inside) if streaming else model(inside))
    made.configuration.streaming_enabled = streaming
    return made


def multimodal(inside: Inside) -> Any:
    from langswarm.core.agents.multimodal_agent import MultimodalAgent

    class Built(MultimodalAgent):
        """LangSwarm's own constructor hands its arguments on in the wrong order, so that none can be built."""

        def __init__(self, name, configuration, provider, agent_id=None):
            swarm.BaseAgent.__init__(self, name, configuration, provider, agent_id)
            self._multimodal_processor = None

    configuration = swarm.AgentConfiguration(swarm.ProviderType.OPENAI, "gpt-4o")
    return Built("helper", configuration, model(inside)).chat_multimodal("hi")


def simple_agent(inside: Inside) -> Any:
    from langswarm.simple_api import create_agent

    made = create_agent("claude", provider="anthropic")
    if inside.end == RAISED:
        made._agent = {"type": "openai", "client": None}  # the client is called first, and there is none
    return made


def simple_workflow(inside: Inside) -> Any:
    from langswarm.simple_api import create_workflow

    made = create_workflow("first", [{"id": "first", "model": "claude", "provider": "anthropic"}])
    made.agents.pop("first")
    made.agents["first"] = simple_agent(inside)
    return made


SIMPLE_TEXT = "- it returns nothing but text"
SIMPLE_BLOCKS = "- LangSwarm's simple agent calls its client synchronously, which blocks the event loop"
AGENTS = (
    Mode(component="agent", name="chat", program=lambda inside: swarm.agent(model(inside)).chat("hi"), tree=AGENT,
         cells=all_of(2, tokens=" 10/3", closed="abandoned cancelled")),
    Mode(component="agent", name="_execute_chat", program=lambda inside: swarm.agent(model(inside))._execute_chat("hi"), tree=AGENT,
         cells=all_of(2, tokens=" 10/3")),
    Mode(component="agent", name="stream_chat", program=lambda inside: streaming_agent(inside).stream_chat("hi"), tree=AGENT,
         cells=all_of(2, tokens=" 10/3", closed="abandoned abandoned partial", returned="error error partial", raised="error error partial",
                      cancelled="cancelled cancelled partial")),
    Mode(component="agent", name="stream_chat, streaming off",
         program=lambda inside: streaming_agent(inside, streaming=False).stream_chat("hi"), tree=AGENT,
         cells=all_of(2, tokens=" 10/3", closed="- its one chunk is the whole answer, and comes when the run is over")),
    Mode(component="agent", name="chat_multimodal", program=multimodal, tree=AGENT, cells=all_of(2, tokens=" 10/3")),
    Mode(component="agent", name="simple_api Agent.chat", program=lambda inside: simple_agent(inside).chat("hi"),
         tree="invoke_agent claude", cells=all_of(1, returned=SIMPLE_TEXT, cancelled=SIMPLE_BLOCKS, closed=SIMPLE_BLOCKS)),
    Mode(component="agent", name="simple_api Agent.chat_stream", program=lambda inside: simple_agent(inside).chat_stream("hi"),
         tree="invoke_agent claude",
         cells=all_of(1, returned=SIMPLE_TEXT, cancelled="cancelled partial", closed="abandoned partial")),
)  # fmt: skip


class Desk(swarm.Tool):
    """A tool whose stream is a word and what the innermost part does."""

    def __init__(self, inside: Inside) -> None:
        super().__init__(look=inside.blocking, see=self._see)
        self._inside = inside

    async def _see(self):
        return await self._inside()

    async def read_stream(self):
        yield "a"
        yield await self._inside("b", otherwise=swarm.ToolResult.error_result("no"))


def executed(inside: Inside, method: str) -> Any:
    return Desk(inside).execution.execute("unknown" if inside.end == RETURNED else method, {})


def executor(inside: Inside) -> Any:
    from langswarm.tools.execution import ToolExecutor

    return ToolExecutor().execute(Desk(inside), "unknown" if inside.end == RETURNED else "see", {})


def server(inside: Inside, handler: Callable[..., Any] | None = None) -> Any:
    from pydantic import BaseModel

    class Nothing(BaseModel):
        pass

    class Found(BaseModel):
        result: str

    async def see(_arguments):
        return {"result": await inside()}

    made = swarm.BaseMCPToolServer("desk", "A server of a test", local_mode=False)
    made.add_task("see", "A task", None if handler is None else Nothing, Found, handler or see)
    return made


async def call_task(inside: Inside) -> Any:
    def see():
        return {"result": inside.blocking()}

    return server(inside, see).call_task("unknown" if inside.end == RETURNED else "see", {})


async def tool_loop(inside: Inside) -> Any:
    tool = Desk(inside)
    asks = swarm.answer(tokens=(10, 3), tool="desk__unknown" if inside.end == RETURNED else "desk__see")
    with swarm.registered(tool):
        return await swarm.agent(swarm.Model(asks, swarm.answer(tokens=(20, 4))))._execute_chat("look")


TOOL = "execute_tool desk"
TOOLS = (
    Mode(component="tool", name="execute, coroutine", program=lambda inside: executed(inside, "see"), tree=TOOL, cells=all_of(1)),
    Mode(component="tool", name="execute, plain function", program=lambda inside: executed(inside, "look"), tree=TOOL, cells=all_of(1)),
    Mode(component="tool", name="execute_stream", program=lambda inside: Desk(inside).execution.execute_stream("read", {}), tree=TOOL,
         cells=all_of(1)),
    Mode(component="tool", name="execute_stream, no stream",
         program=lambda inside: Desk(inside).execution.execute_stream("unknown" if inside.end == RETURNED else "see", {}), tree=TOOL,
         cells=all_of(1, closed="- its one item is the whole result, and comes when the call is over")),
    Mode(component="tool", name="ToolExecutor.execute", program=executor, tree=TOOL, cells=all_of(1)),
    Mode(component="tool", name="MCP call_tool",
         program=lambda inside: server(inside).call_tool("unknown" if inside.end == RETURNED else "see", {}), tree="execute_tool see",
         trees={RETURNED: "execute_tool unknown"}, cells=all_of(1)),
    Mode(component="tool", name="MCP call_task", program=call_task, tree="execute_tool see", trees={RETURNED: "execute_tool unknown"},
         cells=all_of(1, cancelled=PLAIN, closed=PLAIN)),
    Mode(component="tool", name="tool loop of an agent", program=tool_loop,
         tree="invoke_agent helper\n  chat gpt-4o\n  execute_tool desk\n  chat gpt-4o",
         trees=dict.fromkeys((CANCELLED, CLOSED), "invoke_agent helper\n  chat gpt-4o\n  execute_tool desk"),
         cells=cells("ok ok ok ok 30/7", "ok ok error ok 30/7", "ok ok error ok 30/7", "cancelled ok cancelled 10/3",
                     "abandoned ok abandoned 10/3")),
)  # fmt: skip


class Storage(swarm.ISessionStorage):
    """A storage of sessions that does what the innermost part does."""

    def __init__(self, inside: Inside, context: Any = None) -> None:
        self._inside = inside
        self._context = context
        self.works = False
        """Whether it answers at once, until the program is ready."""

    async def _do(self, result: Any) -> Any:
        return result if self.works else await self._inside(result)

    async def save_session(self, session_id, messages, context):
        return await self._do(True)

    async def load_session(self, session_id):
        return await self._do(([], self._context) if self._context else None)

    async def delete_session(self, session_id):
        return await self._do(True)

    async def list_sessions(self, user_id=None, status=None, limit=100):
        return await self._do([])

    async def get_session_metrics(self, session_id):
        return None


def on_session(doing: Callable[[Any, Any], Any]) -> Callable[[Inside], Any]:
    """A program on a session that is open, kept in a storage."""

    async def program(inside: Inside) -> Any:
        storage = Storage(inside)
        storage.works = True
        manager = swarm.SessionManager(storage)
        session = await manager.create_session("u-1", "openai", "gpt-4o", backend=swarm.SessionBackend.LOCAL_MEMORY, session_id="s-1")
        storage.works = False
        return await doing(manager, session)

    return program


async def create_session(inside: Inside) -> Any:
    class Hook(swarm.ISessionLifecycleHook):
        async def on_session_created(self, session):
            await inside()

        async def on_message_sent(self, session, message): ...

        async def on_message_received(self, session, message): ...

        async def on_session_archived(self, session): ...

        async def on_session_deleted(self, session): ...

    storage = Storage(inside)
    storage.works = True
    manager = swarm.SessionManager(storage)
    manager.add_global_hook(Hook())
    return await manager.create_session("u-1", "openai", "gpt-4o", backend=swarm.SessionBackend.LOCAL_MEMORY, session_id="s-1")


async def native_message(inside: Inside) -> Any:
    async def answer():
        return await inside("hello")

    manager = swarm.SessionManager(provider_sessions={"openai": swarm.native_session(answer)})
    session = await manager.create_session("u-1", "openai", "gpt-4o", backend=swarm.SessionBackend.PROVIDER_NATIVE, session_id="s-1")
    return await session.send_message("hi")


async def load_session(inside: Inside) -> Any:
    context = swarm.SessionContext(
        session_id="s-1", user_id="u-1", provider="openai", model="gpt-4o", backend=swarm.SessionBackend.LOCAL_MEMORY
    )
    return await swarm.SessionManager(Storage(inside, context)).get_session("s-1")


def in_a_request(doing: Callable[[Inside], Any]) -> Callable[[Inside], Any]:
    """A program below a span of its own: what does not leave the process is no trace by itself."""

    async def program(inside: Inside) -> Any:
        with current.traced("request"):
            return await doing(inside)

    return program


CREATE = "create_session"
SESSIONS = (
    Mode(component="session", name="create_session", program=create_session, tree=CREATE, cells=all_of(1, returned=NO_RETURN)),
    Mode(component="session", name="get_session, from storage", program=load_session, tree="get_session",
         cells=all_of(1, returned=AS_RAISED, raised=f"ok: {HIDDEN}")),
    Mode(component="session", name="send_message, local", program=on_session(lambda _manager, session: session.send_message("hi")),
         tree=f"{CREATE}\nsend_message", cells=cells("ok ok", NO_RETURN, "ok error", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="send_message, provider's own", program=native_message, tree=f"{CREATE}\nsend_message",
         cells=cells("ok ok", NO_RETURN, "ok error", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="clear_messages", program=on_session(lambda _manager, session: session.clear_messages()),
         tree=f"{CREATE}\nclear_messages", cells=cells("ok ok", AS_RAISED, "ok error", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="update_context", program=on_session(lambda _manager, session: session.update_context(temperature=1)),
         tree=f"{CREATE}\nupdate_context", cells=cells("ok ok", AS_RAISED, "ok error", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="archive_session", program=on_session(lambda manager, _session: manager.archive_session("s-1")),
         tree=f"{CREATE}\narchive_session", cells=cells("ok ok", AS_RAISED, "ok error", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="delete_session", program=on_session(lambda manager, _session: manager.delete_session("s-1")),
         tree=f"{CREATE}\ndelete_session", cells=cells("ok ok", AS_RAISED, "ok error", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="get_messages, lookup_spans", program=on_session(lambda _manager, session: session.get_messages()),
         tree=f"{CREATE}\nget_messages", cells=cells("ok ok", NO_RETURN, NO_RAISE, NO_WAIT, NO_WAIT)),
    Mode(component="session", name="list_user_sessions, lookup_spans",
         program=on_session(lambda manager, _session: manager.list_user_sessions("u-1")), tree=f"{CREATE}\nlist_user_sessions",
         cells=cells("ok ok", AS_RAISED, f"ok ok: {HIDDEN}", "ok cancelled", "ok abandoned")),
    Mode(component="session", name="an agent's delete_session",
         program=in_a_request(lambda inside: swarm.agent(model(inside)).delete_session("s-1")),
         tree="request\n  delete_session", cells=cells("ok ok", NO_RETURN, NO_RAISE, NO_WAIT, NO_WAIT)),
    Mode(component="session", name="an agent's create_session",
         program=in_a_request(lambda inside: swarm.agent(model(inside)).create_session("s-1")),
         tree="request\n  create_session", cells=cells("ok ok", NO_RETURN, NO_RAISE, NO_WAIT, NO_WAIT)),
)  # fmt: skip


class Backend(swarm.BaseMemoryBackend):
    """A memory that does what the innermost part does."""

    def __init__(self, inside: Inside) -> None:
        super().__init__({})
        self.inside = inside

    async def get_session(self, session_id):
        return await self.inside(None)

    async def delete_session(self, session_id):
        return await self.inside(True, otherwise=False)

    async def list_sessions(self, user_id=None, status=None, limit=100, offset=0):
        return await self.inside([])

    async def create_session(self, metadata):
        await self.inside()
        return Remembered(metadata, self)


class Remembered(swarm.BaseMemorySession):
    """Its session."""

    async def _persist_message(self, message):
        await self._backend.inside()

    async def _persist_changes(self):
        await self._backend.inside()


def remembered(inside: Inside, messages: int = 0) -> Any:
    made = Remembered(swarm.SessionMetadata(session_id="s-1"), Backend(inside))
    made._messages = [swarm.Message(role=role, content="hi") for _ in range(messages) for role in swarm.MessageRole][: 2 * messages]
    return made


def manager(inside: Inside) -> Any:
    return swarm.MemoryManager(Backend(inside))


def vectors(inside: Inside) -> Any:
    from langswarm_memory.vector_backend import VectorMemoryBackend

    async def embed_text(query):
        return await inside([1.0])

    async def query(_query):
        return []

    made = VectorMemoryBackend({})
    made.embedding_provider, made.vector_store = types.SimpleNamespace(embed_text=embed_text), types.SimpleNamespace(query=query)
    return made.search_messages("hi")


def hello() -> Any:
    return swarm.Message(role=swarm.MessageRole.USER, content="hi")


MEMORY = (
    Mode(component="memory", name="add_message", program=lambda inside: remembered(inside).add_message(hello()), tree="create_memory",
         cells=all_of(1, returned=AS_RAISED)),
    Mode(component="memory", name="get_messages", program=lambda inside: remembered(inside, 2).get_messages(), tree="search_memory",
         cells=cells("ok", NO_RETURN, NO_RAISE, NO_WAIT, NO_WAIT)),
    Mode(component="memory", name="get_recent_context", program=lambda inside: remembered(inside, 2).get_recent_context(),
         tree="search_memory", cells=cells("ok", NO_RETURN, NO_RAISE, NO_WAIT, NO_WAIT)),
    Mode(component="memory", name="create_summary", program=lambda inside: remembered(inside, 3).create_summary(), tree="upsert_memory",
         cells=all_of(1, returned=AS_RAISED, raised=f"ok: {HIDDEN}")),
    Mode(component="memory", name="clear_messages", program=lambda inside: remembered(inside).clear_messages(), tree="delete_memory",
         cells=all_of(1, returned=AS_RAISED)),
    Mode(component="memory", name="delete_session", program=lambda inside: manager(inside).delete_session("s-1"), tree="delete_memory",
         cells=all_of(1)),
    Mode(component="memory", name="get_session, lookup_spans", program=lambda inside: manager(inside).get_session("s-1"),
         tree="search_memory", cells=all_of(1, returned=NO_RETURN)),
    Mode(component="memory", name="create_session, lookup_spans", program=lambda inside: manager(inside).create_session("s-1"),
         tree="create_memory", cells=all_of(1, returned=NO_RETURN)),
    Mode(component="memory", name="list_user_sessions, lookup_spans", program=lambda inside: manager(inside).list_user_sessions("u-1"),
         tree="search_memory", cells=all_of(1, returned=NO_RETURN)),
    Mode(component="memory", name="search_messages of a vector store", program=vectors, tree="search_memory",
         cells=all_of(1, returned=AS_RAISED, raised=f"ok: {HIDDEN}")),
)  # fmt: skip


def flow(inside: Inside) -> Any:
    async def work(_context):
        return await inside()

    first = swarm.Step("first", work)
    if inside.end != RETURNED:
        return swarm.workflow(first)
    return swarm.workflow(swarm.Step("first", work, after=["second"]), swarm.Step("second", work, after=["first"]))


def run(mode: str) -> Callable[[Inside], Any]:
    def program(inside: Inside) -> Any:
        return swarm.get_workflow_engine().execute_workflow(flow(inside), {}, execution_mode=swarm.ExecutionMode[mode])

    return program


def run_in_background(mode: str) -> Callable[[Inside], Any]:
    async def program(inside: Inside) -> Any:
        execution = await run(mode)(inside)
        while execution.end_time is None:  # what LangSwarm offers for waiting may return before the end, or never
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.001)
        return execution

    return program


FLOW = "invoke_workflow plan\n  workflow_step first step"
UNORDERED = {RETURNED: "invoke_workflow plan"}
RETURNED_AT_ONCE = "- the call has returned at once, and LangSwarm keeps no handle of the task"
WORKFLOWS = (
    Mode(component="workflow", name="SYNC", program=run("SYNC"), tree=FLOW, trees=UNORDERED, cells=all_of(2, returned="error")),
    Mode(component="workflow", name="PARALLEL", program=run("PARALLEL"), tree=FLOW, trees=UNORDERED,
         cells=all_of(2, returned="error", closed="abandoned cancelled")),
    Mode(component="workflow", name="ASYNC", program=run_in_background("ASYNC"), tree=FLOW, trees=UNORDERED,
         cells=all_of(2, returned="error", closed=RETURNED_AT_ONCE)),
    Mode(component="workflow", name="STREAMING", program=run_in_background("STREAMING"), tree=FLOW, trees=UNORDERED,
         cells=all_of(2, returned="error", closed=RETURNED_AT_ONCE)),
    Mode(component="workflow", name="execute_workflow_stream",
         program=lambda inside: swarm.get_workflow_engine().execute_workflow_stream(two_steps(inside), {}),
         tree=f"{FLOW}\n  workflow_step second step", trees={**UNORDERED, CLOSED: FLOW},
         cells=cells("ok ok ok", "error", "error ok error", "cancelled ok cancelled", "abandoned ok")),
    Mode(component="workflow", name="simple_api Workflow.run", program=lambda inside: simple_workflow(inside).run("hi"),
         tree="invoke_workflow simple_workflow\n  invoke_agent claude",
         cells=all_of(2, returned=SIMPLE_TEXT, cancelled=SIMPLE_BLOCKS, closed=SIMPLE_BLOCKS)),
)  # fmt: skip


def two_steps(inside: Inside) -> Any:
    async def done(_context):
        return 1

    async def work(_context):
        return await inside()

    if inside.end == RETURNED:
        return flow(inside)
    return swarm.workflow(swarm.Step("first", done), swarm.Step("second", work, after=["first"]))


MODES = (*AGENTS, *TOOLS, *SESSIONS, *MEMORY, *WORKFLOWS)
