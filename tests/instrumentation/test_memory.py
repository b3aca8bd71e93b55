"""Memory of LangSwarm: its manager, its sessions, and an agent that uses both."""

import pytest

swarm = pytest.importorskip("swarm")
pytestmark = pytest.mark.usefixtures("instrumented")

BACKENDS = ["in_memory", {"backend": "sqlite", "settings": {"db_path": ":memory:"}}]


def message(content="hi"):
    from langswarm.core.memory import Message, MessageRole

    return Message(role=MessageRole.USER, content=content)


def lookups(telemetry):
    """Return the number of look-ups by result."""
    return {
        point.attributes["langswarm.memory.result"]: point.value for point in telemetry.metrics if point.name == "langswarm.memory.lookups"
    }


def names(telemetry):
    return [span.name for span in telemetry.spans]


@pytest.mark.parametrize("backend", BACKENDS, ids=["in_memory", "sqlite"])
async def test_writing_and_reading_are_operations_on_the_store(telemetry, backend):
    """Sessions of every backend: standard operation names, the kind of backend as store, number of records, hit and miss."""
    manager = swarm.create_memory_manager(backend)
    await manager.backend.connect()
    session = await manager.create_session("s-1")
    assert await session.get_messages() == []
    assert await session.add_message(message())
    assert len(await session.get_messages()) == 1
    await manager.backend.disconnect()
    store = backend if isinstance(backend, str) else backend["backend"]
    told = [
        (span.name, span.attributes.get("gen_ai.memory.record.count"), span.attributes.get("langswarm.memory.result"))
        for span in telemetry.spans
    ]
    assert told == [("search_memory", 0, "miss"), ("create_memory", 1, None), ("search_memory", 1, "hit")]
    assert {span.attributes["gen_ai.memory.store.id"] for span in telemetry.spans} == {store}
    assert lookups(telemetry) == {"hit": 1, "miss": 1}


async def test_what_an_operation_calls_in_turn_is_part_of_it(telemetry):
    """``get_recent_context`` reads through ``get_messages``, and a write may make a summary: one span each."""
    session = await swarm.create_memory_manager("in_memory").create_session("s-1", summary_threshold=1)
    for n in range(6):
        await session.add_message(message(str(n)))
    assert len(await session.get_recent_context()) == 6
    assert len(await session.get_recent_context(max_tokens=2)) == 2
    assert names(telemetry) == ["create_memory"] * 6 + ["search_memory"] * 2
    assert [span.attributes["gen_ai.memory.record.count"] for span in telemetry.spans[6:]] == [6, 2]


async def test_looking_up_a_session_is_a_point_and_no_span(telemetry):
    """The manager is asked before every message; that is counted, hit or miss, once for each question."""
    manager = swarm.create_memory_manager("in_memory")
    assert await manager.get_session("s-1") is None
    made = await manager.get_or_create_session("s-1")
    assert await manager.get_session("s-1") is made
    assert telemetry.spans == ()
    assert lookups(telemetry) == {"miss": 2, "hit": 1}


async def test_deleting_is_an_operation(telemetry):
    """Clearing a session and deleting one are ``delete_memory``; a summary is ``upsert_memory``."""
    manager = swarm.create_memory_manager("in_memory")
    session = await manager.create_session("s-1")
    await session.create_summary()
    await session.clear_messages()
    await manager.delete_session("s-1")
    assert names(telemetry) == ["upsert_memory", "delete_memory", "delete_memory"]


async def test_an_error_that_is_only_a_false_is_an_error(telemetry):
    """LangSwarm swallows what the backend raised and returns False; the write is an error all the same, and the caller gets the False."""
    session = await swarm.create_memory_manager("in_memory").create_session("s-1")

    async def fail(message):
        raise OSError("disk full")

    session._persist_message = fail
    assert await session.add_message(message()) is False
    (span,) = telemetry.spans
    assert span.status == "ERROR"
    assert span.attributes["error.type"] == "_OTHER"


async def test_the_memory_of_an_agent_nests_below_its_run(telemetry):
    """Each message of a chat is one write below the run, beside the model call; restoring a known session is a hit."""
    manager = swarm.create_memory_manager("in_memory")
    first = swarm.agent(swarm.Model(swarm.answer()), name="first", memory=manager)
    await first._execute_chat("hi", "s-1")
    second = swarm.agent(swarm.Model(swarm.answer()), name="second", memory=manager)
    await second._execute_chat("again", "s-1")
    assert telemetry.tree() == (
        "invoke_agent first\n  create_memory\n  chat gpt-4o\n  create_memory\n"
        "invoke_agent second\n  search_memory\n  create_memory\n  chat gpt-4o\n  create_memory"
    )
    assert telemetry.spans[5].attributes["langswarm.memory.result"] == "hit"
    assert {span.attributes["gen_ai.agent.name"] for span in telemetry.spans[:4]} == {"first"}


@pytest.mark.telemetry(content=True)
async def test_records_are_kept_where_the_gate_is_open(telemetry):
    """With the gate open the message stands on write and read."""
    session = await swarm.create_memory_manager("in_memory").create_session("s-1")
    await session.add_message(message("remember me"))
    await session.get_messages()
    for span in telemetry.spans:
        assert "remember me" in span.attributes["gen_ai.memory.records"]


async def test_records_are_not_kept_where_the_gate_is_closed(telemetry):
    """By default no word of what is remembered is on any span."""
    session = await swarm.create_memory_manager("in_memory").create_session("s-1")
    await session.add_message(message("remember me"))
    await session.get_messages()
    assert "remember me" not in str([span.attributes for span in telemetry.spans])


@pytest.mark.telemetry(lookup_spans=True)
async def test_one_switch_makes_spans_of_look_ups(telemetry):
    """With ``lookup_spans`` each look-up of a chat is a span, hit or miss, and the metric counts the same."""
    manager = swarm.create_memory_manager("in_memory")
    await swarm.agent(swarm.Model(swarm.answer()), memory=manager)._execute_chat("hi", "s-1")
    assert telemetry.tree() == (
        "invoke_agent helper\n  search_memory\n  search_memory\n  create_memory\n  create_memory\n  chat gpt-4o\n"
        "  search_memory\n  create_memory"
    )
    results = [span.attributes["langswarm.memory.result"] for span in telemetry.spans if span.name == "search_memory"]
    assert results == ["miss", "miss", "hit"]
    assert lookups(telemetry) == {"miss": 2, "hit": 1}


async def test_a_hit_is_what_the_manager_has_already(telemetry):
    """A session that the backend must be asked for is a miss of the manager's cache."""
    manager = swarm.create_memory_manager("in_memory")
    await manager.create_session("s-1")
    manager._session_cache.clear()
    assert await manager.get_session("s-1") is not None
    assert await manager.get_session("s-1") is not None
    assert lookups(telemetry) == {"miss": 1, "hit": 1}


@pytest.mark.telemetry(content=True)
async def test_a_search_by_meaning_has_its_query(telemetry):
    """``search_messages`` of the vector backend: query, records found, and a store although LangSwarm's own name of it is missing."""
    from langswarm_memory.vector_backend import VectorMemoryBackend

    backend = VectorMemoryBackend({"enable_semantic_search": False})
    assert await backend.search_messages("what was it?") == []
    (span,) = telemetry.spans
    assert span.name == "search_memory"
    assert "what was it?" in span.attributes["gen_ai.memory.query.text"]
    assert span.attributes["langswarm.memory.result"] == "miss"
    assert span.attributes["gen_ai.memory.store.id"] == "VectorMemoryBackend"
