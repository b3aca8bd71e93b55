"""Faults of ours, at every hook: whatever goes wrong in the wrapper, LangSwarm returns and raises what it does without us."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import re

import pytest
from opentelemetry.context import get_current

from langswarm_otel import current, guard
from langswarm_otel.instrumentation import LangSwarmInstrumentor, instrumentor
from langswarm_otel.instrumentation.calls import Call

pytest.importorskip("swarm")
import langswarm_modes as modes

from langswarm_otel.components.run import Run


class OurFaultError(Exception):
    """What goes wrong in the telemetry."""


def fail(*_args, **_kwargs):
    raise OurFaultError


def plain(value):
    """Return a result in a form that compares: without ids, times and objects of one run."""
    if isinstance(value, BaseException):
        return type(value), str(value)
    if dataclasses.is_dataclass(value):
        dropped = ("id", "_id", "timestamp", "time", "created_at")
        kept = {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if not field.name.endswith(dropped)}
        return type(value).__name__, plain(kept)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if not str(key).endswith(("time", "timestamp", "context"))}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, str):  # LangSwarm's `chat` returns the text of a whole response
        return re.sub(r"datetime\(.*?\)|[0-9a-f]{8}-[0-9a-f-]{27}", "*", value)
    return value if isinstance(value, (int, bool, type(None))) else type(value).__name__


async def outcome(mode, end):
    """What the program sees of a mode: what is returned or raised, or every item of a stream."""
    inside = modes.Inside(end)
    program = mode.program(inside)
    if inspect.isasyncgen(program):
        program = read(program, early=end == modes.CLOSED)
    task = asyncio.ensure_future(program)
    if end == modes.CANCELLED:
        while not (inside.reached.is_set() or task.done()):
            await asyncio.sleep(0.001)
        for started in asyncio.all_tasks() - {asyncio.current_task()}:
            started.cancel()
    try:
        return "returned", plain(await task)
    except asyncio.CancelledError:
        return "cancelled", None
    except Exception as error:
        return "raised", (type(error), str(error), error is inside.boom)
    finally:
        inside.release.set()
        await asyncio.sleep(0)


async def read(stream, *, early):
    items = []
    async for item in stream:
        items.append(plain(item))
        if early:
            await stream.aclose()
    return items


RUNS = [
    pytest.param(mode, end, id=f"{mode.component}-{mode.name}-{end}".replace(" ", "_"))
    for mode in modes.MODES
    for end in (modes.OK, modes.RAISED, modes.CANCELLED, modes.CLOSED)
    if not mode.cells[end].startswith("- ")
    and not (end == modes.CLOSED and "stream" not in mode.name)
    and not (end == modes.CANCELLED and ("simple" in mode.name or "plain function" in mode.name))
]


def break_begin(monkeypatch):
    """Nothing can be read of a call."""
    monkeypatch.setattr(Call, "get", fail)


def break_telemetry(monkeypatch):
    """The handle has gone wrong."""
    monkeypatch.setattr(current, "telemetry", fail)
    monkeypatch.setattr(current._operations, "_resolve_telemetry", fail)


def break_spans(monkeypatch):
    """Neither beginning nor end of a run works."""
    monkeypatch.setattr(Run, "_open", fail)
    monkeypatch.setattr(Run, "_close", fail)


def break_reports(monkeypatch):
    """Nothing can be told to a run."""
    for name in ("input", "output", "output_piece", "record_error", "usage", "set_attribute", "chunk", "first_chunk"):
        monkeypatch.setattr(Run, name, fail)


def break_entering(monkeypatch):
    """The context cannot be changed."""
    monkeypatch.setattr(Run, "enter", fail)


BREAKS = (break_begin, break_telemetry, break_spans, break_reports, break_entering)


@pytest.mark.telemetry(lookup_spans=True)
@pytest.mark.parametrize("broken", BREAKS, ids=lambda function: function.__name__)
@pytest.mark.parametrize(("mode", "end"), RUNS)
async def test_the_program_sees_the_same_when_our_part_fails(mode, end, broken, monkeypatch, telemetry):
    """Result, error by identity and items are those without the instrumentor; nothing stays current."""
    alone = await outcome(mode, end)
    before = get_current()
    LangSwarmInstrumentor().instrument()
    with monkeypatch.context() as patch:
        broken(patch)
        assert await outcome(mode, end) == alone
        assert guard.faults() or broken not in (break_telemetry, break_spans), "no mode is without a run"
    assert get_current() is before


@pytest.mark.telemetry(lookup_spans=True)
async def test_every_hook_is_on_the_way_of_a_mode(monkeypatch, telemetry):
    """None is left without its fault, but for the providers that LangSwarm ships, which share their wrapper with the one of the modes."""
    passed = set()

    def counting(hook):
        def wrapper(*call):
            passed.add(hook.name)
            return hook.wrapper(*call)

        return dataclasses.replace(hook, wrapper=wrapper)

    monkeypatch.setattr(instrumentor, "HOOKS", [counting(hook) for hook in instrumentor.HOOKS])
    LangSwarmInstrumentor().instrument()
    for mode in modes.MODES:
        await outcome(mode, modes.OK)
    missed = {hook.name for hook in instrumentor.HOOKS} - passed
    assert {name for name in missed if ".agents.providers." not in name} == set()
