"""Five components, every mode, five ways to end: spans, parents, outcomes and tokens. ``make langswarm`` writes the table into docs/."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from pathlib import Path

import pytest
from opentelemetry.context import get_current

from langswarm_otel import guard

pytest.importorskip("swarm")
import langswarm_modes as modes
import langswarm_page

pytestmark = [pytest.mark.usefixtures("instrumented"), pytest.mark.telemetry(lookup_spans=True)]

CELLS = [
    pytest.param(mode, end, id=f"{mode.component}-{mode.name}-{end}".replace(" ", "_"))
    for mode in modes.MODES
    for end in modes.ENDS
    if not mode.cells[end].startswith("- ")
]


async def read(stream):
    return [item async for item in stream]


async def leave_early(program, inside):
    """Stop at the first thing that it waits for, or after the first item of a stream."""
    if inspect.isasyncgen(program):
        await program.__anext__()
        await program.aclose()
        await asyncio.sleep(0.01)  # LangSwarm leaves its inner streams to the event loop, which closes them
        return
    before = asyncio.all_tasks()
    program.send(None)
    while not inside.reached.is_set():  # what runs in a task or thread of its own comes there later
        await asyncio.sleep(0.001)
    program.close()
    await cancel(asyncio.all_tasks() - before)


async def cancel(tasks):
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def call_off(program, inside):
    """Cancel it, and all that it has started, when it waits."""
    before = asyncio.all_tasks()
    asyncio.ensure_future(read(program) if inspect.isasyncgen(program) else program)
    await inside.reached.wait()
    await cancel(asyncio.all_tasks() - before)


async def end(mode, how):
    """Run a mode to an end, and return what it was given inside."""
    inside = modes.Inside(how)
    program = mode.program(inside)
    try:
        if how == modes.CLOSED:
            await leave_early(program, inside)
        elif how == modes.CANCELLED and "simple" not in mode.name:
            await call_off(program, inside)
        elif how == modes.CANCELLED:
            task = asyncio.ensure_future(read(program))
            await asyncio.sleep(0.01)
            await cancel({task})
        else:
            with contextlib.suppress(Exception):
                await (read(program) if inspect.isasyncgen(program) else program)
    finally:
        inside.release.set()


def seen(telemetry):
    """What became of the spans: their outcomes in the order of the tree, tokens of the root, and whether these are partial."""
    ordered = ordered_as_shown(telemetry.spans)
    root = ordered[0].attributes
    words = [span.attributes["langswarm.outcome"] for span in ordered]
    if "langswarm.run.input_tokens" in root:
        words.append(f"{root['langswarm.run.input_tokens']}/{root['langswarm.run.output_tokens']}")
    if root.get("langswarm.usage.partial"):
        words.append("partial")
    return " ".join(words)


def ordered_as_shown(spans):
    """Sort as the tree does: by start, children below their parents."""

    def below(parent_id):
        for span in sorted((span for span in spans if span.parent_id == parent_id), key=lambda span: (span.start_ns, span.span_id)):
            yield span
            yield from below(span.span_id)

    return list(below(None))


@pytest.mark.parametrize(("mode", "how"), CELLS)
async def test_a_cell(telemetry, mode, how, record_property):
    """The tree is whole with the right parents; outcome, status and tokens are those of the table; nothing stays open or current."""
    before = get_current()
    await end(mode, how)
    expected = mode.cells[how]
    assert telemetry.tree() == mode.trees.get(how, mode.tree)
    assert seen(telemetry) == expected.split(":")[0]
    for span in telemetry.spans:
        outcome = span.attributes["langswarm.outcome"]
        assert span.status == ("ERROR" if outcome == "error" else "UNSET")
        assert ("error.type" in span.attributes) is (outcome in ("error", "cancelled"))
        assert span.end_ns >= span.start_ns
        assert "Jane Doe" not in str(span.attributes) + str(span.events) + str(span.status_description)
    assert get_current() is before
    assert guard.faults() == {}
    record_property(langswarm_page.CELL, (mode.component, mode.name, how, seen(telemetry) + expected[len(expected.split(":")[0]) :]))


def test_the_table_is_whole():
    """Every mode has a cell for each end, and one that is not run says why; about as many as was asked for are run."""
    assert all(set(mode.cells) == set(modes.ENDS) for mode in modes.MODES)
    assert len(CELLS) >= 90


def test_the_page_is_of_these_modes():
    """The committed page has every cell as the tests see it."""
    expected = {(mode.component, mode.name, end): text for mode in modes.MODES for end, text in mode.cells.items()}
    page = Path(__file__).parents[2] / "docs" / "langswarm-matrix.md"
    assert page.read_text() == langswarm_page.render(expected), "run `make langswarm`"
