"""Operations on a memory."""

from __future__ import annotations

import pytest

from langswarm_otel import semconv

LOOKUPS = "langswarm.memory.lookups"


@pytest.mark.parametrize("operation", semconv.MEMORY_OPERATIONS)
def test_the_seven_operations(seen, operation):
    """The span is called after the operation; the duration is the client operations'."""
    with seen.obs.agent("a"), seen.obs.memory(operation, store="notes"):
        pass
    assert seen.span(operation).attributes == {
        "gen_ai.operation.name": operation,
        "gen_ai.memory.store.id": "notes",
        "gen_ai.agent.name": "a",
        "langswarm.outcome": "ok",
    }
    point = seen.point("gen_ai.client.operation.duration")
    assert point.attributes == {"gen_ai.operation.name": operation, "gen_ai.agent.name": "a", "langswarm.outcome": "ok"}


def test_short_names(seen):
    """``search`` means ``search_memory``; an operation that is not standard keeps its name."""
    for operation in ("search", "compact"):
        with seen.obs.memory(operation, store="notes"):
            pass
    assert [span.name for span in seen.spans()] == ["search_memory", "compact"]


@pytest.mark.parametrize(
    ("report", "result", "records"),
    [
        (lambda memory: memory.hit(3), "hit", 3),
        (lambda memory: memory.hit(), "hit", None),
        (lambda memory: memory.miss(), "miss", 0),
        (lambda memory: memory.records(2), "hit", 2),
        (lambda memory: memory.records(0), "miss", 0),
        (lambda memory: memory.records("some"), None, None),
        (lambda memory: None, None, None),
    ],
)
def test_results_of_a_search(seen, report, result, records):
    """Hit and miss are said, or follow from the number of records; nothing said is nothing counted."""
    with seen.obs.memory("search", store="notes") as memory:
        report(memory)
    attributes = seen.span("search_memory").attributes
    assert attributes.get("langswarm.memory.result") == result
    assert attributes.get("gen_ai.memory.record.count") == records
    lookups = [(point.attributes["langswarm.memory.result"], point.value) for point in seen.points(LOOKUPS)]
    assert lookups == ([] if result is None else [(result, 1)])
    found = seen.points("langswarm.memory.records")
    assert [point.sum for point in found] == ([] if records is None else [records])


def test_a_search_that_fails(seen):
    """It is a look-up with the result error."""
    with pytest.raises(ValueError), seen.obs.memory("search", store="notes"):
        raise ValueError
    assert seen.point(LOOKUPS).attributes == {"gen_ai.memory.store.id": "notes", "langswarm.memory.result": "error"}


def test_writing_is_no_lookup(seen):
    """A created record counts as a record, and is neither hit nor miss."""
    with seen.obs.memory("create", store="notes") as memory:
        memory.records(1)
    assert seen.points(LOOKUPS) == []
    assert seen.point("langswarm.memory.records").attributes == {
        "gen_ai.operation.name": "create_memory",
        "gen_ai.memory.store.id": "notes",
    }


def test_a_cache_that_says_hit(seen):
    """Any operation may say that it found something."""
    with seen.obs.memory("get", store="cache") as memory:
        memory.hit()
    assert seen.point(LOOKUPS).value == 1


def test_content(observe):
    """Query and records, with the gate open."""
    seen = observe(capture_content=True)
    with seen.obs.memory("search", store="notes") as memory:
        memory.input("why")
        memory.output([{"text": "because"}])
    attributes = seen.span("search_memory").attributes
    assert attributes["gen_ai.memory.query.text"] == "why"
    assert attributes["gen_ai.memory.records"] == '[{"text":"because"}]'
