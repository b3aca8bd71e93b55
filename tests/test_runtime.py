"""``configure_observability`` and its handle: who owns what, what can change, what is refused."""

from __future__ import annotations

import asyncio
import threading

import pytest
from opentelemetry import metrics, trace
from otlp_server import OtlpServer, attributes
from scripts import run

import langswarm_otel
from langswarm_otel import ConfigurationError, ObservabilityConfig, configure_observability, presets

QUIET = {"log_output": "none", "configure_structlog": False, "instrument": False}


def test_every_form_of_asking_gives_the_same_configuration(monkeypatch):
    """A preset by name, by function, as a configuration with overrides, or named by the environment."""
    for name in ("OTEL_SERVICE_NAME", "LANGSWARM_OTEL_PRESET"):
        monkeypatch.delenv(name, raising=False)
    by_name = configure_observability("testing", service_name="same", install_global=False, **QUIET)
    by_function = configure_observability(presets.testing(service_name="same", **QUIET), install_global=False)
    with_overrides = configure_observability(presets.testing(service_name="other"), service_name="same", install_global=False, **QUIET)
    monkeypatch.setenv("LANGSWARM_OTEL_PRESET", "testing")
    by_environment = configure_observability(service_name="same", install_global=False, **QUIET)
    handles = (by_name, by_function, with_overrides, by_environment)
    assert {handle.config for handle in handles} == {by_name.config}
    assert isinstance(by_name.config, ObservabilityConfig)
    assert all(handle.shutdown(1) for handle in handles)


@pytest.mark.parametrize("wrong", [42, b"testing", ["testing"]])
def test_what_is_no_configuration_is_refused(wrong):
    """The error says what may be given."""
    with pytest.raises(ConfigurationError, match=r"config_or_preset=.*ObservabilityConfig, or the name of a preset"):
        configure_observability(wrong)


def test_wrong_settings_leave_the_running_ones_alone():
    """An error in a re-configuration changes nothing: the old handle goes on."""
    with OtlpServer() as server:
        obs = configure_observability("production", service_name="steady", endpoint=server.endpoint, **QUIET)
        with pytest.raises(ConfigurationError, match="sample_ratio"):
            configure_observability("production", service_name="steady", sample_ratio=3, **QUIET)
        with pytest.raises(ConfigurationError, match=r"service_name='another'.*it is 'steady'"):
            configure_observability("production", service_name="another", endpoint=server.endpoint, **QUIET)
        with obs.tool("still here"):
            pass
        assert not obs.superseded
        assert obs.flush(5)
        assert server.span_names() == ["execute_tool still here"]


def test_resource_can_change_once_shut_down():
    """After a shutdown another service name is taken, on all three signals."""
    for name in ("first", "second"):
        with OtlpServer() as server:
            with configure_observability("production", service_name=name, endpoint=server.endpoint, environment="e", **QUIET) as obs:
                with obs.tool(name):
                    pass
                obs.telemetry.logger.emit(body=name)
            assert len(server.resources) == 3
            for resource in server.resources:
                assert resource["service.name"] == name
                assert resource["telemetry.distro.name"] == "langswarm_otel"
                assert resource["telemetry.distro.version"] == langswarm_otel.__version__
                assert resource["deployment.environment.name"] == "e"
                assert resource["service.instance.id"]


def test_private_handles_live_side_by_side():
    """Two private handles send to their own endpoints, touch no global, and do not see each other."""
    before = (trace.get_tracer_provider(), metrics.get_meter_provider())
    with OtlpServer() as left, OtlpServer() as right:
        handles = [
            configure_observability("production", service_name=name, endpoint=server.endpoint, install_global=False, **QUIET)
            for name, server in (("left", left), ("right", right))
        ]
        for handle in handles:
            with handle.tool(handle.config.service_name):
                trace.get_tracer("global").start_span("nobody's").end()
        assert all(handle.flush(5) for handle in handles)
        assert (left.span_names(), right.span_names()) == (["execute_tool left"], ["execute_tool right"])
        assert (trace.get_tracer_provider(), metrics.get_meter_provider()) == before
        assert [handle.health().mode for handle in handles] == ["private", "private"]
        assert all(handle.shutdown(5) for handle in handles)


def test_sample_ratio_changes_at_run_time():
    """At ratio 0 no new trace is sampled, at 1 every one is again; metrics count all of them."""
    with OtlpServer() as server, configure_observability("production", endpoint=server.endpoint, service_name="r", **QUIET) as obs:
        for ratio in (0.0, 1.0):
            obs.set_sample_ratio(ratio)
            with obs.tool(f"at {ratio}"):
                pass
        with pytest.raises(ConfigurationError, match="sample_ratio"):
            obs.set_sample_ratio(1.5)
        assert obs.flush(5)
        assert server.span_names() == ["execute_tool at 1.0"]
        assert sum(point.count for name, point in server.metric_points if name == "gen_ai.execute_tool.duration") == 2


def test_after_shutdown_everything_passes_through():
    """Operations go on working, nothing arrives, health says so, and a second shutdown is fine."""
    with OtlpServer() as server:
        obs = configure_observability("production", endpoint=server.endpoint, service_name="s", **QUIET)
        assert obs.shutdown(5)
        assert obs.shutdown(5)
        with obs.agent("late") as agent:
            assert not agent.span.is_recording()
        langswarm_otel.tool("late")(lambda: None)()
        assert obs.flush(1)
        assert server.spans == []
        assert obs.health().mode == "shut down"


async def test_asynchronous_use():
    """``async with``, ``aflush`` and an asynchronous unit of work do not block the loop while they wait."""
    with OtlpServer() as server:
        async with configure_observability("production", endpoint=server.endpoint, service_name="a", **QUIET) as obs:
            server.slow(0.4)
            ticks = 0

            async def tick():
                nonlocal ticks
                while True:
                    ticks += 1
                    await asyncio.sleep(0.02)

            ticking = asyncio.create_task(tick())
            async with obs.unit_of_work() as unit, obs.tool("t"):
                pass
            assert unit.flushed
            assert ticks >= 5
            assert await obs.aflush(5)
            ticking.cancel()
    assert server.span_names() == ["execute_tool t"]


def test_per_signal_variables_and_headers_reach_the_wire(monkeypatch):
    """``OTEL_*`` variables keep their meaning end to end: endpoints by signal used as they are, headers, compression, exporters."""
    with OtlpServer() as general, OtlpServer() as traces:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", general.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{traces.endpoint}/custom/traces")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,other=2")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "from the environment")
        with configure_observability("production", **QUIET) as obs:
            with obs.tool("t"):
                obs.telemetry.logger.emit(body="line")
            assert obs.flush(5)
        assert [request.path for request in traces.requests] == ["/custom/traces"]
        assert [request.path for request in general.requests] == ["/v1/logs"]
        assert general.requests[0].headers["x-key"] == "a b"
        assert general.requests[0].headers["content-encoding"] == "gzip"
        assert {resource["service.name"] for resource in general.resources} == {"from the environment"}
        assert "a b" not in str(obs.explain()) + repr(obs.config) + str(obs.health())


JOIN = """
    import sys
    from opentelemetry import metrics, trace, _logs
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    theirs = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    trace.set_tracer_provider(provider)
    from langswarm_otel import configure_observability, ConfigurationError
    how = sys.argv[2]
    try:
        obs = configure_observability("production", service_name="join", endpoint=sys.argv[1], on_foreign=how, log_output="none")
    except ConfigurationError as error:
        print(error); raise SystemExit(4)
    with obs.tool("ours"):
        trace.get_tracer("x").start_span("foreign").end()
    obs.flush(5)
    print(obs.health().mode, obs.health().notes)
    obs.shutdown(5)
    trace.get_tracer("x").start_span("after our shutdown").end()
    with obs.tool("late"):
        pass
    print(sorted(span.name for span in theirs.get_finished_spans()))
"""


def test_foreign_provider_is_joined(otlp_server):
    """Both sides see the spans of both; after our shutdown ours is inert and theirs goes on."""
    ended = run(JOIN, otlp_server.endpoint, "join")
    assert ended.returncode == 0, ended.stderr
    assert "joined" in ended.stdout
    assert "TracerProvider" in ended.stdout
    assert "['after our shutdown', 'execute_tool ours', 'foreign']" in ended.stdout
    assert sorted(otlp_server.span_names()) == ["execute_tool ours", "foreign"]
    assert {name for name, _ in otlp_server.metric_points} >= {"gen_ai.execute_tool.duration"}


def test_foreign_provider_is_left_alone(otlp_server):
    """With ``private`` each side sees its own."""
    ended = run(JOIN, otlp_server.endpoint, "private")
    assert ended.returncode == 0, ended.stderr
    assert "private" in ended.stdout
    assert "['after our shutdown', 'foreign']" in ended.stdout
    assert otlp_server.span_names() == ["execute_tool ours"]


def test_foreign_provider_is_an_error(otlp_server):
    """With ``error`` it is one, and says whose provider is there."""
    ended = run(JOIN, otlp_server.endpoint, "error")
    assert ended.returncode == 4
    assert "opentelemetry.sdk.trace.TracerProvider" in ended.stdout


DISABLED = """
    import sys, threading
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="off")
    theirs = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(theirs))
    trace.set_tracer_provider(provider)
    @obs.agent("a")
    def agent(x):
        return x
    assert agent(5) == 5
    with trace.get_tracer("x").start_as_current_span("theirs"):
        with obs.tool("ours") as tool:
            parent = trace.get_current_span().get_span_context()
    threads = [thread.name for thread in threading.enumerate() if "langswarm" in thread.name]
    print(obs.health().mode, threads, [span.name for span in theirs.get_finished_spans()], obs.flush(1), obs.shutdown(1))
"""


def test_disabled_turns_off_us_alone():
    """No span, no thread; decorators pass through; a foreign provider set afterwards still exports."""
    ended = run(DISABLED, LANGSWARM_OTEL_DISABLED="true")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "disabled [] ['theirs'] True True"


def test_disabled_in_a_running_process_and_on_again():
    """Re-configuring with ``disabled=True`` stops telemetry, and a later configuration starts it again, through the same tracers."""
    tracer = trace.get_tracer("kept")
    with OtlpServer() as server:
        settings = {"service_name": "switch", "endpoint": server.endpoint, **QUIET}
        configure_observability("production", **settings)
        tracer.start_span("on").end()
        off = configure_observability("production", disabled=True, **settings)
        tracer.start_span("off").end()
        assert off.health().mode == "disabled"
        on = configure_observability("production", **settings)
        tracer.start_span("on again").end()
        assert on.flush(5)
        assert server.span_names() == ["on", "on again"]


CONFIG_FILE = """
file_format: "1.0"
resource:
  attributes:
    - {{name: service.name, value: from-the-file}}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http: {{endpoint: "{endpoint}/v1/traces"}}
logger_provider:
  processors:
    - batch:
        exporter:
          otlp_http: {{endpoint: "{endpoint}/v1/logs"}}
"""

BESIDE_FILE = """
    import sys, time
    from opentelemetry import trace
    from langswarm_otel import configure_observability, ConfigurationError
    try:
        obs = configure_observability("production", **eval(sys.argv[1]))
    except ConfigurationError as error:
        print(error); raise SystemExit(4)
    with obs.session("s-1"), obs.agent("a"):
        trace.get_tracer("x").start_span("foreign").end()
        obs.log.info("line")
    print(obs.health().mode)
    if sys.argv[2:]:
        print("flushed", obs.flush(5), "dropped", sum(row.dropped_total for row in obs.health().exporters), obs.health().notes)
    print("end", time.time(), flush=True)
"""


def test_configuration_file_decides_and_we_join(otlp_server, tmp_path):
    """With ``OTEL_CONFIG_FILE`` the pipelines are OpenTelemetry's own; our operations and our stamps go through them."""
    path = tmp_path / "otel.yaml"
    path.write_text(CONFIG_FILE.format(endpoint=otlp_server.endpoint))
    ended = run(BESIDE_FILE, "{}", "flush", OTEL_CONFIG_FILE=str(path))
    assert ended.returncode == 0, ended.stderr
    assert "config_file" in ended.stdout
    assert "flushed True dropped 0" in ended.stdout
    assert "content gate" in ended.stdout
    assert sorted(otlp_server.span_names()) == ["foreign", "invoke_agent a"]
    assert {resource["service.name"] for resource in otlp_server.resources} == {"from-the-file"}
    assert all(attributes(span.attributes)["gen_ai.conversation.id"] == "s-1" for span in otlp_server.spans)
    assert [record.body.string_value for record in otlp_server.log_records] == ["line"]


@pytest.mark.parametrize(
    ("arguments", "field"), [("{'install_global': False}", "install_global"), ("{'endpoint': 'http://x:4318'}", "endpoint")]
)
def test_what_contradicts_the_file_is_refused(tmp_path, arguments, field):
    """A private handle, or an argument that the file decides, is an error that names the field."""
    path = tmp_path / "otel.yaml"
    path.write_text(CONFIG_FILE.format(endpoint="http://127.0.0.1:9"))
    ended = run(BESIDE_FILE, arguments, OTEL_CONFIG_FILE=str(path))
    assert ended.returncode == 4, ended.stderr
    assert ended.stdout.startswith(field)


def test_exit_deadline_holds_for_the_file_too(tmp_path):
    """The exit hooks of the file's providers, which know no deadline, are taken back."""
    path = tmp_path / "otel.yaml"
    path.write_text(CONFIG_FILE.format(endpoint="http://127.0.0.1:9"))
    ended = run(BESIDE_FILE, "{'shutdown_timeout_s': 2.0}", OTEL_CONFIG_FILE=str(path))
    assert ended.returncode == 0, ended.stderr
    assert ended.exit_s < 2.5


def test_wrong_file_is_named(tmp_path):
    """A file that OpenTelemetry does not accept is an error of ours with its path."""
    path = tmp_path / "broken.yaml"
    path.write_text("file_format: [")
    ended = run(BESIDE_FILE, "{}", OTEL_CONFIG_FILE=str(path))
    assert ended.returncode == 4, ended.stderr
    assert "broken.yaml" in ended.stdout


def test_statistics_and_health_are_for_people_too():
    """Both print; statistics have percentiles with bounds; health adds up."""
    with (
        OtlpServer() as server,
        configure_observability("production", endpoint=server.endpoint, service_name="p", install_global=False, **QUIET) as obs,
    ):
        for _ in range(20):
            with obs.tool("measured"):
                pass
        series = obs.statistics().get("gen_ai.execute_tool.duration", **{"gen_ai.tool.name": "measured"})
        assert series.count == 20
        assert series.p99.low <= series.p99.value <= series.p99.high
        assert "gen_ai.execute_tool.duration" in str(obs.statistics())
        assert obs.flush(5)
        row = next(row for row in obs.health().exporters if row.signal == "traces")
        assert (row.exported, row.queued, row.dropped_total, row.state) == (20, 0, 0, "ok")
        assert obs.health().ok
        assert "exported 20" in str(obs.health())


def test_threads_end_with_the_handle():
    """A private handle leaves no thread behind."""
    before = set(threading.enumerate())
    with OtlpServer() as server:
        for _ in range(5):
            with (
                configure_observability("production", endpoint=server.endpoint, service_name="t", install_global=False, **QUIET) as obs,
                obs.tool("x"),
            ):
                pass
        assert len(server.spans) == 5
        assert [thread.name for thread in set(threading.enumerate()) - before if "langswarm" in thread.name] == []


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_PROPAGATORS", "nonsense"), ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "abc"), ("OTEL_TRACES_SAMPLER", "sometimes")]
)
def test_malformed_environment_is_an_error_of_ours(name, value):
    """Also where OpenTelemetry itself raises a bare ``ValueError`` as soon as it is imported."""
    ended = run(BESIDE_FILE, "{}", **{name: value})
    assert ended.returncode == 4, ended.stderr
    assert f"{name}='{value}'" in ended.stdout


def test_graceful_drain_is_observed(otlp_server):
    """A handler that lets the work finish after SIGTERM finds telemetry alive; what was open is marked, and nothing is cut off."""
    program = """
        import os, signal, sys, time
        from langswarm_otel import configure_observability
        stopping = []
        signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
        obs = configure_observability("serverless", service_name="drain", endpoint=sys.argv[1])
        with obs.agent("at work"):
            os.kill(os.getpid(), signal.SIGTERM)
            while not stopping:
                time.sleep(0.01)
            with obs.tool("last step"):
                pass
    """
    ended = run(program, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    spans = {span.name: attributes(span.attributes) for span in otlp_server.spans}
    assert set(spans) == {"invoke_agent at work", "execute_tool last step"}
    assert spans["invoke_agent at work"]["langswarm.interrupted"] is True
    assert spans["invoke_agent at work"]["langswarm.outcome"] == "ok"
    assert "langswarm.interrupted" not in spans["execute_tool last step"]


def test_forgotten_private_handle_is_flushed_at_exit(otlp_server):
    """A private handle that nobody refers to any more still delivers its last span."""
    program = """
        import gc, sys
        from langswarm_otel import configure_observability
        def work():
            obs = configure_observability("production", service_name="p", endpoint=sys.argv[1], install_global=False)
            with obs.tool("t"):
                pass
        work()
        gc.collect()
    """
    ended = run(program, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    assert otlp_server.span_names() == ["execute_tool t"]


def test_a_forked_worker_may_name_itself(otlp_server):
    """A child may be configured with a service name of its own, as a ``post_fork`` hook does; the parent keeps its name."""
    program = """
        import os, sys
        from langswarm_otel import configure_observability
        obs = configure_observability("production", service_name="parent", endpoint=sys.argv[1])
        pid = os.fork()
        obs = configure_observability("production", service_name="child" if pid == 0 else "parent", endpoint=sys.argv[1])
        with obs.tool("in the child" if pid == 0 else "in the parent"):
            pass
        obs.flush(5)
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    """
    ended = run(program, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    named = {
        span.name: attributes(resource.resource.attributes)["service.name"]
        for message in otlp_server.messages("traces")
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert named == {"execute_tool in the child": "child", "execute_tool in the parent": "parent"}


def test_lines_look_the_same_to_the_end():
    """A line that is logged while the process ends is still JSON, although telemetry has been shut down by then."""
    program = """
        import atexit, sys
        from langswarm_otel import configure_observability
        held = []
        atexit.register(lambda: held[0].info("the last line", n=1))
        obs = configure_observability("production", service_name="l", endpoint=sys.argv[1], shutdown_timeout_s=0.3)
        held.append(obs.log)
    """
    ended = run(program, "http://127.0.0.1:9")
    assert ended.returncode == 0, ended.stderr
    assert '"event":"the last line"' in ended.stdout


def test_a_fresh_start_forgets_what_was_never_exported(monkeypatch):
    """What was measured while metrics went nowhere does not turn up in the next configuration's totals."""
    with OtlpServer() as server:
        settings = {"endpoint": server.endpoint, "service_name": "fresh", **QUIET}
        monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
        with configure_observability("production", **settings) as obs, obs.tool("counted"):
            pass
        monkeypatch.delenv("OTEL_METRICS_EXPORTER")
        with configure_observability("production", **settings) as obs:
            with obs.tool("counted"):
                pass
            assert obs.statistics().get("gen_ai.execute_tool.duration", **{"gen_ai.tool.name": "counted"}).count == 1
        assert [point.count for name, point in server.metric_points if name == "gen_ai.execute_tool.duration"] == [1]


def test_a_credential_provider_keeps_its_meaning(otlp_server, tmp_path):
    """``OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER`` names an installed provider, whose session the requests then go through."""
    installed = tmp_path / "provider-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: provider\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[opentelemetry_otlp_credential_provider]\nmine = provider:make\n")
    (tmp_path / "provider.py").write_text(
        "import requests\ndef make():\n    session = requests.Session()\n"
        "    session.headers['x-token'] = 'from the provider'\n    return session\n"
    )
    program = """
        import sys
        from langswarm_otel import configure_observability
        with configure_observability("production", service_name="c", endpoint=sys.argv[1]) as obs, obs.tool("t"):
            pass
    """
    variable = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
    ended = run(program, otlp_server.endpoint, PYTHONPATH=str(tmp_path), **{variable: "mine"})
    assert ended.returncode == 0, ended.stderr
    assert otlp_server.span_names() == ["execute_tool t"]
    assert {request.headers["x-token"] for request in otlp_server.requests} == {"from the provider"}
