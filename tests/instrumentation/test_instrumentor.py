"""The instrumentor as a whole: order, removal, what it imports, and what happens when something is wrong."""

import contextlib
import inspect
import logging
import os
import sys
from pathlib import Path

import pytest
import scripts

from langswarm_otel import current, guard
from langswarm_otel.instrumentation import LangSwarmInstrumentor
from langswarm_otel.instrumentation.hooks import Hook, hook_states
from langswarm_otel.instrumentation.instrumentor import HOOKS

swarm = pytest.importorskip("swarm")
ROOT = Path(__file__).parents[2]


def owners():
    """Return every class that is hooked, once LangSwarm is imported."""
    return {inspect.unwrap(getattr(sys.modules[hook.module], hook.owner)) for hook in HOOKS if hook.module in sys.modules}


async def program():
    """Use everything that is hooked once, with an error in it; returns what the program sees, in comparable form."""
    failing = {"broken": ValueError("broken tool")}

    def look(where):
        return f"seen {where}"

    def refuse():
        raise failing["broken"]

    memory = swarm.create_memory_manager("in_memory")
    calls = [swarm.answer(tool="desk__look", where="here"), swarm.answer(tool="desk__refuse"), swarm.answer("done")]
    agent = swarm.agent(swarm.Model(*calls), memory=memory)
    boom = LookupError("no model")
    broken = swarm.agent(swarm.Model(boom), name="broken")
    sessions = swarm.SessionManager()
    from langswarm.core.session import SessionBackend

    session = await sessions.create_session("u-1", "openai", "gpt-4o", backend=SessionBackend.LOCAL_MEMORY, session_id="s-1")
    sent = await session.send_message("hi")

    async def ask(context):
        return (await agent._execute_chat("look", session_id="s-1")).content

    async def fail(context):
        raise boom

    with swarm.registered(swarm.Tool(look=look, refuse=refuse)):
        result = await swarm.get_workflow_engine().execute_workflow(swarm.workflow(swarm.Step("one", ask), swarm.Step("two", fail)), {})
    response = await broken._execute_chat("hi")
    history = [(entry.role, entry.content) for entry in (await agent.get_session("s-1")).messages if entry.role != "tool"]
    remembered = await memory.get_session("s-1")
    facts = {
        "sent": sent.content,
        "step": result.step_results["one"].result,
        "step error is the identical exception": result.step_results["two"].error is boom,
        "response error is the identical exception": response.error is boom,
        "history": history,
        "remembered": len(await remembered.get_messages()),
        "archived": await sessions.archive_session("s-1"),
        "deleted": await memory.delete_session("s-1"),
    }
    with contextlib.suppress(Exception):
        await sessions.create_session("u-1", "openai", "gpt-4o", invented=1)
    return facts


def test_removal_restores_the_identical_objects():
    """Every attribute of every hooked class is the very object that it was before, also after a second round."""
    before = {owner: dict(vars(owner)) for owner in owners()}
    assert len(before) > 10
    for _ in range(2):
        LangSwarmInstrumentor().instrument()
        wrapped = [name for owner, attributes in before.items() for name in attributes if vars(owner)[name] is not attributes[name]]
        assert len(wrapped) == len(HOOKS)
        LangSwarmInstrumentor().uninstrument()
        for owner, attributes in before.items():
            assert vars(owner).keys() == attributes.keys()
            assert all(vars(owner)[name] is attributes[name] for name in attributes)


async def test_a_second_instrument_and_a_second_removal_are_silent(telemetry, caplog):
    """Neither logs, and one run is one span, not two."""
    with caplog.at_level(logging.DEBUG, logger="opentelemetry"):
        LangSwarmInstrumentor().instrument()
        LangSwarmInstrumentor().instrument()
        await swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi")
        LangSwarmInstrumentor().uninstrument()
        LangSwarmInstrumentor().uninstrument()
    assert [record for record in caplog.records if not record.name.startswith("langswarm.")] == []
    assert telemetry.tree() == "invoke_agent helper\n  chat gpt-4o"


@pytest.mark.usefixtures("instrumented")
def test_every_hook_fits_this_langswarm():
    """All hooks are in place and none failed, as ``health()`` shows them."""
    states = hook_states()
    assert len(states) == len(HOOKS)
    assert [state.name for state in states if not state.installed] == []
    assert LangSwarmInstrumentor().hook_states() == states


def test_a_langswarm_that_lacks_a_method_keeps_the_rest(monkeypatch, caplog):
    """What another version has not is one line and one row; every other hook works."""
    missing = Hook(module="langswarm.core.agents.base", owner="BaseAgent", attribute="_run_chat", wrapper=lambda *call: None)
    monkeypatch.setattr("langswarm_otel.instrumentation.instrumentor.HOOKS", (missing, *HOOKS))
    with caplog.at_level(logging.WARNING, logger="langswarm_otel"):
        LangSwarmInstrumentor().instrument()
    assert [state.name for state in hook_states() if state.error] == ["langswarm.core.agents.base:BaseAgent._run_chat"]
    (line,) = [record.getMessage() for record in caplog.records]
    assert "BaseAgent._run_chat" in line
    assert sum(state.installed for state in hook_states()) == len(HOOKS)


def test_another_release_of_langswarm_is_not_instrumented(monkeypatch, caplog):
    """A release outside of the range is left alone, with OpenTelemetry's own line about the conflict."""
    monkeypatch.setattr(LangSwarmInstrumentor, "instrumentation_dependencies", lambda self: ("langswarm >= 0.2",))
    LangSwarmInstrumentor().instrument()
    assert hook_states() == ()
    assert any("langswarm >= 0.2" in record.getMessage() for record in caplog.records)


async def test_the_program_sees_the_same_with_and_without_hooks(telemetry):
    """Results, errors by identity, conversation and memory are equal; and the run is seen whole."""
    plain = await program()
    swarm.forget_everything()
    assert telemetry.spans == ()
    LangSwarmInstrumentor().instrument()
    assert await program() == plain
    assert guard.faults() == {}
    names = [span.name for span in telemetry.spans]
    assert names.count("chat gpt-4o") == 4
    assert names.count("execute_tool desk") == 2
    assert names.count("invoke_workflow plan") == 1


def broken_run(stage, operation):
    """Return a twin whose operation fails at one stage of its life."""

    def make(*args, **kwargs):
        if stage == "make":
            raise RuntimeError("our fault")
        return Broken(operation(*args, **kwargs))

    class Broken:
        def __init__(self, real):
            self._real = real

        def begin(self, *args, **kwargs):
            raise RuntimeError("our fault")

        def __enter__(self):
            if stage == "enter":
                raise RuntimeError("our fault")
            self._real.__enter__()
            return None if stage == "report" else self._real.begin()

        def __exit__(self, *error):
            self._real.__exit__(*error)
            if stage == "exit":
                raise RuntimeError("our fault")
            return True

    return make


@pytest.mark.parametrize("stage", ["make", "enter", "report", "exit"])
@pytest.mark.parametrize("twin", ["agent", "inference", "tool", "memory", "workflow", "step", "session"])
async def test_a_fault_of_ours_never_reaches_the_program(monkeypatch, caplog, twin, stage):
    """Whatever fails in an operation, and even if it would swallow exceptions, the program sees what it sees without hooks."""
    plain = await program()
    swarm.forget_everything()
    LangSwarmInstrumentor().instrument()
    monkeypatch.setattr(current, twin, broken_run(stage, getattr(current, twin)))
    with caplog.at_level(logging.WARNING, logger="langswarm_otel"):
        assert await program() == plain
    assert sum(guard.faults().values()) > 0
    assert len([record for record in caplog.records if record.name == "langswarm_otel"]) <= len(guard.faults())


async def test_a_langswarm_whose_data_look_otherwise_still_works(telemetry):
    """An agent that has lost what we read of it runs unobserved, and the fault is counted."""

    class Changed(swarm.BaseAgent):
        @property
        def configuration(self):
            raise RuntimeError("moved in this release")

    LangSwarmInstrumentor().instrument()
    agent = Changed("helper", swarm.AgentConfiguration(swarm.ProviderType.OPENAI, "gpt-4o"), swarm.Model(swarm.answer("fine")))
    assert (await agent._execute_chat("hi")).content == "fine"
    assert telemetry.tree() == "chat gpt-4o"
    assert guard.faults() == {"langswarm.agent": 1, "langswarm.agent_session": 1}


async def test_health_shows_the_hooks_and_configuring_instruments():
    """``configure_observability`` instruments by itself, and ``health()`` has a row for each hook; with ``instrument`` off, neither."""
    from langswarm_otel.runtime import configure_observability

    with configure_observability("testing", instrument=False) as off:
        assert off.health().hooks == ()
    with configure_observability("testing") as on:
        assert [row.name for row in on.health().hooks] == [hook.name for hook in HOOKS]
        assert all(row.installed for row in on.health().hooks)


def run_alone(code, *arguments):
    """Run a program in a process of its own; it must end well and say nothing."""
    ended = scripts.run(code, *arguments, PYTHONPATH=os.pathsep.join([str(Path(scripts.__file__).parent), str(ROOT)]))
    assert (ended.returncode, ended.stderr) == (0, "")


IMPORTS = """
    import sys
    import langswarm_otel
    import langswarm_otel.instrumentation
    loaded = [name for name in ("langswarm", "langswarm_memory", "wrapt", "opentelemetry.instrumentation") if name in sys.modules]
    assert loaded == [], loaded
    from langswarm_otel.instrumentation import LangSwarmInstrumentor
    LangSwarmInstrumentor().instrument()
    loaded = [name for name in sys.modules if name.split(".")[0] in ("langswarm", "langswarm_memory")]
    assert loaded == [], loaded
"""


def test_neither_importing_us_nor_instrumenting_imports_langswarm():
    """The package loads neither LangSwarm nor wrapt nor the instrumentor's base; instrumenting waits for LangSwarm to be imported."""
    run_alone(IMPORTS)


ORDER = """
    import asyncio, sys, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", FutureWarning)  # Google's libraries, on Python 3.10
    from langswarm_otel import testing
    from langswarm_otel.instrumentation import LangSwarmInstrumentor
    if sys.argv[1] == "first":
        LangSwarmInstrumentor().instrument()
    import langswarm                    # swallows a circular import of its own
    import swarm
    if sys.argv[1] == "after":
        LangSwarmInstrumentor().instrument()
    with testing.capture(price_table={"gpt-4o": {"input": 2.5, "output": 10.0}}) as telemetry:
        asyncio.run(swarm.agent(swarm.Model(swarm.answer()))._execute_chat("hi"))
    assert telemetry.tree() == "invoke_agent helper\\n  chat gpt-4o", telemetry.tree()
    assert not [state for state in LangSwarmInstrumentor().hook_states() if state.error]
"""


@pytest.mark.parametrize("when", ["first", "after"])
def test_the_hooks_take_before_and_after_langswarm_is_imported(when):
    """In a process of its own, in both orders, through LangSwarm's swallowed circular import."""
    run_alone(ORDER, when)


WITHOUT_BIGQUERY = """
    import asyncio, sys, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    sys.modules["google.cloud.bigquery"] = None
    from langswarm_otel import testing
    from langswarm_otel.instrumentation import LangSwarmInstrumentor
    LangSwarmInstrumentor().instrument()
    try:
        import langswarm_memory
    except AttributeError as error:
        assert "Client" in str(error)
    else:
        raise AssertionError("this release was mended")
    from langswarm.core.agents.base import AgentConfiguration, AgentResponse, BaseAgent
    from langswarm.core.agents.interfaces import IAgentProvider, ProviderType

    class Model:
        async def send_message(self, message, session, config):
            return AgentResponse.success_response("fine")

    with testing.capture() as telemetry:
        agent = BaseAgent("helper", AgentConfiguration(ProviderType.OPENAI, "gpt-4o"), Model())
        assert asyncio.run(agent._execute_chat("hi")).content == "fine"
    assert telemetry.tree() == "invoke_agent helper\\n  chat gpt-4o", telemetry.tree()
"""


def test_a_memory_package_that_does_not_import_costs_nothing_else():
    """langswarm-memory 0.2.0 raises AttributeError where BigQuery is absent: it does so with us too, and agents are observed."""
    run_alone(WITHOUT_BIGQUERY)
