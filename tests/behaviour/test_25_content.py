"""The content switch is not honoured everywhere.

Prompts, tool arguments and results, memory values and exception texts leave the process through the one place that forgot to ask.
"""

from __future__ import annotations

import pytest
from plain_sdk import PlainSdk
from scripts import run

CANARY = "canary-7f3a"

PROGRAM = """
    import asyncio, logging, sys
    from opentelemetry import trace
    from opentelemetry._logs import get_logger, LogRecord
    from langswarm_otel import configure_observability
    canary = sys.argv[2]
    prices = {"openai/gpt-4o": {"input": 1, "output": 1}}
    obs = configure_observability(sys.argv[3], service_name="b25", endpoint=sys.argv[1], price_table=prices)

    @obs.tool("decorated")
    def decorated(argument, *, keyword):
        return {"result": argument}

    @obs.traced()
    def traced_function(argument):
        return argument

    with obs.session("s-1", user_id="user " + canary) as session:
        session.message("user")
        with obs.workflow("w") as workflow, obs.step("s") as step, obs.agent("a", provider="openai", model="gpt-4o") as agent:
            for operation in (workflow, step, agent):
                operation.input(canary)
                operation.output({"text": canary})
            with obs.inference(provider="openai", model="gpt-4o") as call:
                call.input([{"role": "system", "content": canary}, {"role": "user", "content": canary}])
                call.output([{"role": "assistant", "content": canary}])
                call.usage(input_tokens=1, output_tokens=1)
            with obs.tool("live") as tool:
                tool.input({"argument": canary})
                tool.output(canary)
            decorated(canary, keyword=canary)
            traced_function(canary)
            with obs.memory("search_memory", store="m") as memory:
                memory.input(canary)
                memory.output([canary])
                memory.hit(records=1)
            inference = obs.inference(provider="openai", model="gpt-4o")
            for operation in (obs.tool("failing"), obs.agent("failing"), inference, obs.traced("failing")):
                try:
                    with operation:
                        raise ValueError(canary)
                except ValueError:
                    pass
            with obs.tool("reported") as tool:
                tool.record_error(RuntimeError(canary))
            with obs.inference(provider="openai", model="gpt-4o") as call:
                with call.attempt():
                    pass
                try:
                    with call.attempt():
                        raise TimeoutError(canary)
                except TimeoutError:
                    pass
            tracer = trace.get_tracer("a foreign instrumentor")
            try:
                with tracer.start_as_current_span("chat gpt-4o") as span:
                    span.set_attribute("gen_ai.input.messages", canary)
                    span.set_attribute("gen_ai.prompt.0.content", canary)
                    span.set_attribute("traceloop.entity.input", canary)
                    span.add_event("gen_ai.content.completion", {"gen_ai.completion": canary})
                    raise KeyError(canary)
            except KeyError:
                pass
            get_logger("foreign").emit(LogRecord(body={"content": canary}, event_name="gen_ai.user.message",
                                                 attributes={"gen_ai.output.messages": canary}))
    print(obs.health(), obs.statistics(), obs.explain(), repr(obs), file=sys.stderr)
    assert obs.flush(5)
"""


def test_production_leaks_nothing(otlp_server, verdict):
    """A canary in every place that can hold content is in no byte that left the process: OTLP, standard output or standard error."""
    ended = run(PROGRAM, otlp_server.endpoint, CANARY, "production")
    assert ended.returncode == 0, ended.stderr
    assert len(otlp_server.spans) >= 15
    assert len(otlp_server.log_records) >= 1
    sent = [request for request in otlp_server.requests if CANARY.encode() in request.message.SerializeToString()]
    assert sent == []
    assert CANARY not in ended.stdout + ended.stderr
    verdict.ours("a canary in 20 places: in no byte sent or printed")


def test_content_keys_are_absent_and_not_empty(otlp_server):
    """With the gate closed the keys themselves are absent; error types and all metadata stay."""
    ended = run(PROGRAM, otlp_server.endpoint, CANARY, "production")
    assert ended.returncode == 0, ended.stderr
    keys = {pair.key for span in otlp_server.spans for pair in span.attributes}
    assert not {key for key in keys if key.startswith(("gen_ai.input", "gen_ai.output", "gen_ai.tool.call.", "gen_ai.prompt", "traceloop"))}
    assert {"error.type", "gen_ai.request.model", "gen_ai.conversation.id", "user.hash"} <= keys
    assert {span.status.message for span in otlp_server.spans if span.status.code == 2} >= {"ValueError", "RuntimeError"}


@pytest.mark.parametrize("preset", ["development"])
def test_development_shows_content(otlp_server, preset):
    """The same program in development does send the content: the gate is a switch and not a hole in the instrumentation."""
    ended = run(PROGRAM, otlp_server.endpoint, CANARY, preset)
    assert ended.returncode == 0, ended.stderr
    found = {pair.key for span in otlp_server.spans for pair in span.attributes if CANARY.encode() in pair.value.SerializeToString()}
    assert {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "user.id"} <= found


LANGSWARM = """
    import asyncio, logging, sys
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b25", endpoint=sys.argv[1])
    from langswarm.core.session import MessageRole, SessionBackend, SessionManager
    from langswarm_otel.cli import story_langswarm

    async def main():
        await story_langswarm.run_story()
        manager = SessionManager()
        session = await manager.create_session("user-canary-7f3a", "openai", "gpt-4o", backend=SessionBackend.LOCAL_MEMORY)
        await session.send_message("a prompt with canary-7f3a", role=MessageRole.USER)

    asyncio.run(main())
    logging.getLogger("langswarm.core.agents").warning("an answer with canary-7f3a")
    print(story_langswarm.QUESTION)
    assert obs.flush(5)
"""


def test_langswarm_itself_leaks_nothing(otlp_server):
    """LangSwarm writes prompts, tool arguments and user ids into its log lines and its session ids: none of them leaves over OTLP."""
    ended = run(LANGSWARM, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    question = ended.stdout.splitlines()[-1]
    sent = b"".join(request.message.SerializeToString() for request in otlp_server.requests)
    assert len(otlp_server.spans) >= 16
    assert b"text withheld" in sent
    assert b"support_desk" in sent
    assert "Executing tool" not in ended.stdout + ended.stderr
    assert '"event":"agent answered"' in ended.stdout
    for secret in (CANARY, question, question[:30], "Executing tool"):
        assert secret.encode() not in sent


def test_the_plain_sdk_lets_an_exception_speak(verdict):
    """Whatever is raised inside a span is written on it, word by word."""
    sdk = PlainSdk()
    with pytest.raises(ValueError, match=CANARY), sdk.tracer.start_as_current_span("call"):
        raise ValueError(CANARY)
    (span,) = sdk.spans()
    assert CANARY in span.status.description
    verdict.plain("there is no switch: exception texts always leave")
