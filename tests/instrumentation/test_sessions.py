"""Sessions of LangSwarm's session manager."""

import asyncio
import gc

import pytest

from langswarm_otel import current
from langswarm_otel.context import current_scope, hash_user
from langswarm_otel.instrumentation.session_ids import conversation_id_of

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")


async def open_session(manager, session_id="s-1", **options):
    """Open a session of user ``u-1`` that keeps its messages to itself."""
    from langswarm.core.session import SessionBackend

    options = {"backend": SessionBackend.LOCAL_MEMORY, **options}
    return await manager.create_session("u-1", "openai", "gpt-4o", session_id=session_id, **options)


def value(telemetry, name, **attributes):
    """Return the one point of a metric with these attributes, as value or count; None if there is none."""
    points = [point for point in telemetry.metrics if point.name == name and attributes.items() <= point.attributes.items()]
    return (points[0].value if points[0].count is None else points[0].count) if points else None


async def test_a_session_is_open_until_it_is_archived(telemetry):
    """One more is open after ``create_session`` and none after archiving; its duration is recorded once; what is done with it has spans."""
    manager = swarm.SessionManager()
    with current.traced("request"):
        session = await open_session(manager)
        assert value(telemetry, "langswarm.session.active") == 1
        assert await manager.archive_session("s-1")
        await session.archive()
    assert value(telemetry, "langswarm.session.active") == 0
    assert value(telemetry, "langswarm.session.duration", **{"langswarm.outcome": "ok"}) == 1
    assert telemetry.tree() == "request\n  create_session\n  archive_session\n  archive_session"
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.spans[1:]} == {"s-1"}
    assert telemetry.spans[1].attributes["langswarm.session.backend"] == "local_memory"


async def test_what_stays_in_the_process_is_no_trace_by_itself(telemetry):
    """A session in local memory touches nothing outside: alone its operations have metrics and no span; with a storage they have one."""
    session = await open_session(swarm.SessionManager())
    await session.send_message("hi")
    assert telemetry.spans == ()
    assert value(telemetry, "langswarm.session.operation.duration", **{"langswarm.session.operation": "send_message"}) == 1
    await stored()
    assert [span.name for span in telemetry.spans] == ["create_session", "send_message"]


async def test_a_session_that_is_deleted_has_ended(telemetry):
    """Deleting ends it as archiving does; deleting what does not exist changes nothing."""
    manager = swarm.SessionManager()
    await open_session(manager)
    assert await manager.delete_session("unknown")
    assert value(telemetry, "langswarm.session.active") == 1
    assert await manager.delete_session(session_id="s-1")
    assert value(telemetry, "langswarm.session.active") == 0
    assert value(telemetry, "langswarm.session.duration") == 1


async def test_a_session_that_cannot_be_created_is_an_error(telemetry):
    """The caller gets LangSwarm's own error; no session is open, and span and metric of the operation have the type."""
    from langswarm.core.session import SessionError

    with pytest.raises(SessionError), current.traced("request"):
        await open_session(swarm.SessionManager(), invented_option=1)
    assert value(telemetry, "langswarm.session.active") is None
    (point,) = [point for point in telemetry.metrics if point.name == "langswarm.session.operation.duration"]
    span = telemetry.span("create_session")
    assert span.status == "ERROR"
    for attributes in (point.attributes, span.attributes):
        assert attributes["langswarm.outcome"] == "error"
        assert attributes["error.type"].endswith("SessionError")


async def test_messages_are_counted_by_role(telemetry):
    """Each message is one of its role; the session's id is on no metric."""
    from langswarm.core.session import MessageRole

    session = await open_session(swarm.SessionManager())
    sent = await session.send_message("hi")
    await session.send_message("hello", MessageRole.ASSISTANT)
    await session.add_system_message("be kind")
    assert sent.content == "hi"
    counted = {
        role: value(telemetry, "langswarm.session.messages", **{"langswarm.message.role": role}) for role in ("user", "assistant", "system")
    }
    assert counted == {"user": 1, "assistant": 1, "system": 1}
    assert "s-1" not in str([point.attributes for point in telemetry.metrics])


def native(answer):
    """Return a provider's own session that answers by ``answer()``."""

    async def answered():
        return answer()

    return {"openai": swarm.native_session(answered)}


async def test_what_a_session_asks_its_provider_is_in_its_scope(telemetry):
    """Conversation and user are in scope while the provider answers, and only then; the answer counts as a message too."""
    from langswarm.core.session import SessionBackend

    scopes = []
    manager = swarm.SessionManager(provider_sessions=native(lambda: scopes.append(current_scope()) or "hello"))
    session = await open_session(manager, backend=SessionBackend.PROVIDER_NATIVE)
    answer = await session.send_message("hi")
    assert answer.content == "hello"
    assert scopes[0].conversation_id == "s-1"
    assert scopes[0].user_hash
    assert current_scope().conversation_id is None
    assert value(telemetry, "langswarm.session.messages", **{"langswarm.message.role": "assistant"}) == 1


async def test_an_error_of_a_message_passes(telemetry):
    """LangSwarm's error reaches the caller with its cause, and a message that was not sent is not counted."""
    from langswarm.core.session import SessionBackend
    from langswarm.core.session.interfaces import ProviderSessionError

    boom = OSError("gone")

    def fail():
        raise boom

    session = await open_session(swarm.SessionManager(provider_sessions=native(fail)), backend=SessionBackend.PROVIDER_NATIVE)
    with pytest.raises(ProviderSessionError) as caught:
        await session.send_message("hi")
    assert caught.value.__cause__ is boom
    assert value(telemetry, "langswarm.session.messages") is None


async def test_agents_in_an_open_session_know_its_user(telemetry):
    """An agent that is told the session's id carries conversation and pseudonym on every span; afterwards the user is forgotten."""
    manager = swarm.SessionManager()
    await open_session(manager)
    agent = swarm.agent(swarm.Model(swarm.answer(), swarm.answer()))
    await agent._execute_chat("hi", "s-1")
    await manager.archive_session("s-1")
    before = telemetry.spans
    await agent._execute_chat("again", "s-1")
    assert {span.attributes["gen_ai.conversation.id"] for span in before} == {"s-1"}
    assert len({span.attributes["user.hash"] for span in before}) == 1
    assert "u-1" not in str([span.attributes for span in telemetry.spans])
    assert not any("user.hash" in span.attributes for span in telemetry.spans[len(before) :])


@pytest.mark.telemetry(user_id=True)
async def test_the_raw_user_id_is_kept_only_where_allowed(telemetry):
    """With raw ids allowed the user stands beside the pseudonym."""
    await open_session(swarm.SessionManager())
    manager = swarm.SessionManager()
    await open_session(manager, "s-2")
    await swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi", "s-2")
    assert {span.attributes["user.id"] for span in telemetry.spans} == {"u-1"}


async def test_parallel_sessions_keep_apart(telemetry):
    """Ten sessions with an agent each: no span carries another's conversation."""
    manager = swarm.SessionManager()

    async def converse(session_id):
        session = await open_session(manager, session_id)
        await session.send_message("hi")
        await swarm.agent(swarm.Model(swarm.answer()), name=session_id)._execute_chat("hi", session_id)

    await asyncio.gather(*(converse(f"s-{n}") for n in range(10)))
    inside = [span for span in telemetry.spans if "gen_ai.agent.name" in span.attributes]
    assert len(inside) == 20
    assert all(span.attributes["gen_ai.conversation.id"] == span.attributes["gen_ai.agent.name"] for span in inside)
    assert value(telemetry, "langswarm.session.active") == 10


@pytest.mark.parametrize("user_id", ["alice@example.org", "a_b_c", "session_x_12345678"])
async def test_the_user_in_a_default_session_id_gives_way_to_its_hash(telemetry, caplog, user_id):
    """LangSwarm puts the user into the ids that it makes: on spans and lines stands the hash, and agents are in the same conversation."""
    from langswarm.core.session import SessionBackend

    scopes = []
    manager = swarm.SessionManager(provider_sessions=native(lambda: scopes.append(current_scope()) or "hello"))
    session = await manager.create_session(user_id, "openai", "gpt-4o", backend=SessionBackend.PROVIDER_NATIVE)
    assert session.session_id.startswith(f"session_{user_id}_")
    await session.send_message("hi")
    agent = swarm.agent(swarm.Model(swarm.answer(), swarm.answer(), swarm.answer()))
    await agent._execute_chat("hi", session.session_id)
    await agent._execute_chat("in a conversation that LangSwarm remembers")
    await manager.archive_session(session.session_id)
    await agent._execute_chat("again", session.session_id)
    expected = f"session_{hash_user(user_id, '')}_{session.session_id[-8:]}"
    assert {scope.conversation_id for scope in scopes} == {expected}
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.spans} == {expected}
    assert user_id not in str([span.attributes for span in telemetry.spans])


@pytest.mark.telemetry(user_id=True)
async def test_a_default_session_id_stays_where_the_raw_user_is_allowed(telemetry):
    """With raw ids allowed the conversation has LangSwarm's own id."""
    from langswarm.core.session import SessionBackend

    session = await swarm.SessionManager().create_session("u-1", "openai", "gpt-4o", backend=SessionBackend.LOCAL_MEMORY)
    await swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi", session.session_id)
    assert {span.attributes["gen_ai.conversation.id"] for span in telemetry.spans} == {session.session_id}


@pytest.mark.parametrize("session_id", ["s-1", "session_x", "session__12345678", "session_u_1234567", "thread_u_12345678", "", None, 7])
def test_other_session_ids_stay_as_they_are(session_id):
    """Ids that the program chose are its own."""
    assert conversation_id_of(session_id) == session_id


async def stored(session_id="s-1"):
    """A storage that has a session."""
    from langswarm.core.session.storage import InMemorySessionStorage

    storage = InMemorySessionStorage()
    await (await open_session(swarm.SessionManager(storage), session_id)).send_message("hi")
    return storage


async def test_a_session_that_is_loaded_again_is_open_again(telemetry):
    """Another manager loads it from storage: a span, since it leaves the process; then it is there, counts, and knows its user."""
    storage = await stored()
    manager = swarm.SessionManager(storage)
    gone = len(telemetry.spans)
    session = await manager.get_session("s-1")
    assert (await manager.get_session("s-1")) is session
    assert [span.name for span in telemetry.spans[gone:]] == ["get_session"]
    assert telemetry.spans[gone].attributes["langswarm.memory.result"] == "hit"
    assert value(telemetry, "langswarm.session.active") == 1
    await session.send_message("again")
    assert telemetry.spans[-1].name == "send_message"
    assert telemetry.spans[-1].attributes["user.hash"] == hash_user("u-1", "")
    await manager.archive_session("s-1")
    assert value(telemetry, "langswarm.session.active") == 0


async def test_a_session_that_its_manager_forgets_is_abandoned(telemetry):
    """Nobody archived it: when it is gone it is open no more, and its duration says that it was abandoned."""
    await stored()
    gc.collect()
    assert value(telemetry, "langswarm.session.active") == 0
    assert value(telemetry, "langswarm.session.duration", **{"langswarm.outcome": "abandoned"}) == 1


@pytest.mark.parametrize("spans", [pytest.param(True, marks=pytest.mark.telemetry(lookup_spans=True)), False])
async def test_look_ups_are_spans_only_where_wanted(telemetry, spans):
    """``get_session`` of a session that is there, ``get_messages`` and listing leave no span by default."""
    manager = swarm.SessionManager()
    session = await open_session(manager)
    await manager.get_session("s-1")
    await session.get_messages()
    await manager.list_user_sessions("u-1")
    expected = ["get_session", "get_messages", "list_user_sessions"] if spans else []
    assert [span.name for span in telemetry.spans] == expected


async def test_agents_own_sessions_count_their_messages(telemetry):
    """Those that a chat adds too; opening one by hand is a span, in a chat it is part of the run."""
    agent = swarm.agent(swarm.Model(swarm.answer()))
    with current.traced("request"):
        session = await agent.create_session("s-1")
        await session.add_message(swarm.AgentMessage(role="system", content="be kind"))
        await session.add_message(None)
        await agent._execute_chat("hi", "s-2")
        await agent.delete_session("s-1")
    assert telemetry.tree() == "request\n  create_session\n  invoke_agent helper\n    chat gpt-4o\n  delete_session"
    assert telemetry.span("create_session").attributes["langswarm.session.backend"] == "agent"
    counted = {
        role: value(telemetry, "langswarm.session.messages", **{"langswarm.message.role": role}) for role in ("user", "assistant", "system")
    }
    assert counted == {"user": 1, "assistant": 1, "system": 1}


async def test_messages_that_are_restored_are_not_counted_again(telemetry):
    """An agent that takes up a conversation from memory adds its own two messages, not those that it finds."""
    memory = swarm.create_memory_manager("in_memory")
    for name in ("first", "second"):
        await swarm.agent(swarm.Model(swarm.answer()), name=name, memory=memory)._execute_chat(f"hi from {name}", "s-1")
    assert len(await (await memory.get_session("s-1")).get_messages()) == 4
    for role in ("user", "assistant"):
        assert value(telemetry, "langswarm.session.messages", **{"langswarm.message.role": role}) == 2


async def test_a_message_that_a_hook_sends_while_the_session_is_made_is_its_own(telemetry):
    """A session that greets when it is created: the greeting is counted, and a span below."""

    class Greeting(swarm.ISessionLifecycleHook):
        async def on_session_created(self, session):
            await session.send_message("welcome")

        async def on_message_sent(self, session, message): ...

        async def on_message_received(self, session, message): ...

        async def on_session_archived(self, session): ...

        async def on_session_deleted(self, session): ...

    manager = swarm.SessionManager()
    manager.add_global_hook(Greeting())
    with current.traced("request"):
        await manager.create_session("u-1", "openai", "gpt-4o", backend=swarm.SessionBackend.LOCAL_MEMORY)
    assert telemetry.tree() == "request\n  create_session\n    send_message"
    assert value(telemetry, "langswarm.session.messages") == 1


async def test_a_session_that_asks_another_is_two_operations(telemetry):
    """A provider's own session that passes the message on to a second LangSwarm session: both are seen, and both messages counted."""
    manager = swarm.SessionManager()
    second = await open_session(manager, "s-2")

    async def ask():
        return (await second.send_message("passed on")).content

    first = swarm.SessionManager(provider_sessions={"openai": swarm.native_session(ask)})
    session = await open_session(first, backend=swarm.SessionBackend.PROVIDER_NATIVE)
    await session.send_message("hi")
    assert telemetry.tree().splitlines()[-2:] == ["send_message", "  send_message"]
    assert value(telemetry, "langswarm.session.messages", **{"langswarm.message.role": "user"}) == 2


async def test_a_session_that_is_cleared_by_archiving_has_ended(telemetry):
    """LangSwarm archives a provider's own session where it is asked to clear it: it is open no more, in the one operation."""

    async def hello():
        return "hello"

    manager = swarm.SessionManager(provider_sessions={"openai": swarm.native_session(hello)})
    session = await open_session(manager, backend=swarm.SessionBackend.PROVIDER_NATIVE)
    assert await session.clear_messages()
    assert [span.name for span in telemetry.spans] == ["create_session", "clear_messages"]
    assert value(telemetry, "langswarm.session.active") == 0
