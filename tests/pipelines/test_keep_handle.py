"""The keep of a whole handle: metrics and logs beside it, expensive operations, captures, other configurations, forks."""

from __future__ import annotations

import pytest
from scripts import run

from langswarm_otel import configure_observability, inject_context, presets
from langswarm_otel.testing import capture

PRICES = {"openai/gpt-4o": {"input": 1_000_000.0, "output": 0.0}}


@pytest.fixture
def handle():
    made = []

    def make(**settings):
        config = presets.testing(service_name="t", sample_ratio=0.0, instrument=False, price_table=PRICES, **settings)
        made.append(configure_observability(config, install_global=False))
        return made[-1]

    yield make
    for one in made:
        one.shutdown(1.0)


def names(obs):
    assert obs.flush(5)
    return [span.name for span in obs.in_memory.spans.kept.items()]


def ask(obs, tokens):
    with obs.agent("a"), obs.inference(provider="openai", model="gpt-4o") as call:
        call.usage(input_tokens=tokens, output_tokens=0)


def test_an_expensive_run_is_kept_by_the_cost_of_its_root(handle):
    """The cost that our metrics say, at a dollar a token; every run is in the metrics, kept or not."""
    obs = handle(keep_costlier_than=5.0)
    for tokens in (5, 6):
        ask(obs, tokens)
    assert names(obs) == ["chat gpt-4o", "invoke_agent a"]
    assert obs.statistics().get("gen_ai.invoke_agent.duration").count == 2
    assert obs.statistics().get("langswarm.gen_ai.cost").sum == 11


def test_an_exception_keeps_the_whole_run_with_the_spans_of_others(handle):
    """A foreign instrumentor's span passes our provider too, and carries the same stamps."""
    obs = handle(keep_errors=True)
    foreign = obs._installation.pipelines.tracer_provider.get_tracer("foreign")
    with pytest.raises(ZeroDivisionError), obs.agent("a"):
        with foreign.start_as_current_span("GET /"):
            pass
        with obs.tool("t"):
            raise ZeroDivisionError
    assert names(obs) == ["GET /", "execute_tool t", "invoke_agent a"]
    assert {span.attributes["langswarm.sampling.kept"] for span in obs.in_memory.spans.kept.items()} == {"error"}


def test_what_has_left_the_process_says_not_sampled(handle):
    """Log lines and headers carry the flag of head sampling, and no measurement becomes an exemplar: the end is not known yet."""
    obs = handle(keep_errors=True)
    with pytest.raises(ZeroDivisionError), obs.tool("t"):
        obs.log.warning("working")
        headers = inject_context({})
        raise ZeroDivisionError
    assert headers["traceparent"].endswith(("-00", "-02"))
    assert names(obs) == ["execute_tool t"]
    (record,) = obs.in_memory.logs.kept.items()
    assert not record.log_record.trace_flags & 1
    assert record.log_record.trace_id == obs.in_memory.spans.kept.items()[0].context.trace_id


def test_a_capture_gets_everything_and_the_keep_nothing(handle):
    """What a test captures is not sampled and not kept."""
    obs = handle(keep_errors=True)
    with capture() as telemetry:
        with pytest.raises(ZeroDivisionError), obs.tool("t"):
            raise ZeroDivisionError
        assert telemetry.tree() == "execute_tool t"
    assert obs.health().keep.spans == 0


def test_another_configuration_turns_it_on_and_off(handle):
    """For tracers handed out before, in the middle of a trace too: what began without it is not kept by half."""
    off = presets.testing(service_name="t", sample_ratio=0.0, instrument=False)
    on = presets.testing(service_name="t", sample_ratio=0.0, instrument=False, keep_errors=True)
    configure_observability(off)
    obs = configure_observability(off)
    tracer = obs.tracer
    with pytest.raises(ZeroDivisionError), tracer.start_as_current_span("begun before"):
        obs = configure_observability(on)
        with tracer.start_as_current_span("below"):
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), tracer.start_as_current_span("kept"):
        raise ZeroDivisionError
    assert names(obs) == ["kept"]
    obs = configure_observability(off)
    with tracer.start_as_current_span("off") as span:
        assert not span.is_recording()


def test_the_drops_of_the_keep_show_in_health(handle):
    """A bound that was reached is no good health, and a line says so."""
    obs = handle(keep_errors=True, keep_max_bytes=1)
    with obs.tool("t"):
        pass
    health = obs.health()
    assert health.keep.given_up == {"keep_buffer_full": 1}
    assert not health.ok
    assert "unsampled traces kept: none; undecided 0 (0 of 1 bytes); given up: keep_buffer_full 1" in str(health)


def test_somebody_elses_provider_decides():
    """On a provider that was joined nothing can be kept, and one note says so."""
    ended = run(
        """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
        from langswarm_otel import configure_observability
        obs = configure_observability("testing", keep_errors=True, instrument=False)
        print(obs.health().keep, [note for note in obs.health().notes if "keep_errors" in note])
        """
    )
    assert "None ['keep_errors and its like do nothing: another tracer provider" in ended.stdout


def test_a_forked_child_keeps_its_own(otlp_server):
    """What the parent holds is the parent's, once; a trace of the child is kept by the child."""
    ended = run(
        """
        import os, sys
        from langswarm_otel import configure_observability
        obs = configure_observability("production", endpoint=sys.argv[1], sample_ratio=0.0, keep_errors=True, instrument=False)
        def fail(name):
            try:
                with obs.tool(name):
                    raise TimeoutError
            except TimeoutError:
                pass
        with obs.agent("parent"):
            with obs.tool("before"):
                pass
            child = os.fork()
            if child == 0:
                from opentelemetry import context
                context.attach(context.Context())
                fail("of the child")
                obs.shutdown(5)
                os._exit(0)
            os.waitpid(child, 0)
            fail("of the parent")
        """,
        otlp_server.endpoint,
    )
    assert ended.returncode == 0, ended.stderr
    assert sorted(otlp_server.span_names()) == [
        "execute_tool before",
        "execute_tool of the child",
        "execute_tool of the parent",
        "invoke_agent parent",
    ]
