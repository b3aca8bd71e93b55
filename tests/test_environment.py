"""The environment: arguments win over it, it wins over the preset, and what belongs together is settled together."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from langswarm_otel import presets
from langswarm_otel.config import SIGNALS, ObservabilityConfig, SignalConfig
from langswarm_otel.environment import IN_FILE, resolve
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.explain import INHERITED


def settle(config: ObservabilityConfig | None = None, **environ: str):
    return resolve(config or presets.production(), environ).config


def source(name: str, config: ObservabilityConfig | None = None, **environ: str) -> str:
    return resolve(config or presets.production(), environ).explain().get(name).source


def test_argument_over_environment_over_preset():
    """The three sources in their order, for a plain field."""
    environ = {"OTEL_METRIC_EXPORT_INTERVAL": "7000"}
    assert settle(presets.development()).export_interval_s == 10.0
    assert settle(presets.development(), **environ).export_interval_s == 7.0
    assert settle(presets.development(export_interval_s=10), **environ).export_interval_s == 10.0
    assert source("export_interval_s", presets.development(export_interval_s=10), **environ) == "argument"


def test_an_argument_given_makes_its_variable_irrelevant():
    """A variable that an argument overrides is not even read, so that an argument can mend what the machine has wrong."""
    assert settle(presets.production(timeout_s=3), OTEL_EXPORTER_OTLP_TIMEOUT="soon").timeout_s == 3.0


@pytest.mark.parametrize(
    ("argument", "variable", "text", "url"),
    [
        (None, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:4318/own/", "http://t:4318/own/"),
        ("http://a:4318", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://e:4318", "http://a:4318/v1/traces"),
        ("http://a:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:4318", "http://a:4318/v1/traces"),
        (None, "OTEL_EXPORTER_OTLP_ENDPOINT", "e:4318/v1/traces/", "http://e:4318/v1/traces"),
    ],
)
def test_endpoints_follow_the_same_order(argument, variable, text, url):
    """A signal's variable is used as it is, and any argument wins over any variable."""
    assert settle(presets.production(endpoint=argument), **{variable: text}).otlp("traces").url == url


@pytest.mark.parametrize(
    "spelling", ["c:4318", "http://c:4318", "http://c:4318/", "HTTP://C:4318/v1/traces", "http://c:4318/v1/logs/", "c"]
)
def test_argument_and_environment_read_an_endpoint_alike(spelling):
    """Whatever way it is written, an endpoint gives the same configuration from either source."""
    by_argument = settle(presets.production(endpoint=spelling))
    by_environment = settle(presets.production(), OTEL_EXPORTER_OTLP_ENDPOINT=spelling)
    assert by_argument == by_environment
    assert by_argument.endpoint == "http://c:4318"


@pytest.mark.parametrize("base", ["http://c:4318", "http://c:4318/", "https://c/otlp", "http://c", "http://[::1]:4318"])
def test_urls_are_those_of_the_official_exporter(base, monkeypatch):
    """For a base that both take, our URL of a signal is the one that OpenTelemetry's exporter makes of the same variable."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", base)
    exporter = OTLPSpanExporter()
    try:
        assert resolve(presets.production()).config.otlp("traces").url == exporter._endpoint
    finally:
        exporter.shutdown()


def test_service_name_and_resource_attributes():
    """OTEL_SERVICE_NAME wins over OTEL_RESOURCE_ATTRIBUTES, arguments win over both, and each attribute stands in one place."""
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=r,service.version=2,deployment.environment.name=staging,team=a,zone=z"}
    config = settle(presets.production(resource_attributes={"team": "b"}), **environ)
    assert (config.service_name, config.service_version, config.environment) == ("r", "2", "staging")
    assert config.resource_attributes == {"team": "b", "zone": "z"}
    assert settle(**environ, OTEL_SERVICE_NAME="s").service_name == "s"
    assert settle(presets.production(service_name="a"), **environ, OTEL_SERVICE_NAME="s").service_name == "a"
    by_attribute = presets.production(resource_attributes={"service.name": "b"})
    assert settle(by_attribute, OTEL_SERVICE_NAME="s").service_name == "b"
    assert settle(by_attribute).resource_attributes == {}
    assert source("resource_attributes", presets.production(resource_attributes={"team": "b"}), **environ) == (
        "argument (team) + environment OTEL_RESOURCE_ATTRIBUTES (zone)"
    )
    with pytest.raises(ConfigurationError, match="keep one"):
        settle(presets.production(service_name="a", resource_attributes={"service.name": "b"}))


def test_headers_of_signal_and_all_follow_the_exporter():
    """A signal's header variable stands in place of the general one; arguments are added and win name by name."""
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "general=1,x=env", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "own=2,x=own"}
    config = settle(presets.production(headers={"X": "arg"}), **environ)
    assert config.otlp("traces").headers == {"own": "2", "x": "arg"}
    assert config.otlp("logs").headers == {"general": "1", "x": "arg"}
    one = settle(presets.production(traces=SignalConfig(headers={"y": "arg"})), OTEL_EXPORTER_OTLP_HEADERS="general=1")
    assert one.otlp("traces").headers == {"general": "1", "y": "arg"}


@pytest.mark.parametrize(
    ("given_overrides", "environ", "expected"),
    [
        ({}, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, ("traceidratio", 0.25)),
        ({}, {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio"}, ("parentbased_traceidratio", 1.0)),
        ({}, {"OTEL_TRACES_SAMPLER_ARG": "0.25"}, (None, 1.0)),
        ({}, {"OTEL_TRACES_SAMPLER": "always_off", "OTEL_TRACES_SAMPLER_ARG": "not a number"}, ("always_off", 1.0)),
        ({"sample_ratio": 0.5}, {"OTEL_TRACES_SAMPLER": "always_off"}, (None, 0.5)),
        ({"sample_ratio": 0.5}, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, ("traceidratio", 0.5)),
        ({"sampler": "always_on"}, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}, ("always_on", 1.0)),
    ],
)
def test_sampler_and_its_argument_belong_together(given_overrides, environ, expected):
    """OTEL_TRACES_SAMPLER_ARG counts only with its sampler, and a ratio given as an argument is a choice of sampler."""
    config = settle(presets.production(**given_overrides), **environ)
    assert (config.sampler, config.sample_ratio) == expected


def test_installed_plugins_are_found_by_entry_point(tmp_path, monkeypatch):
    """A sampler, exporter or propagator that a package registers is accepted, and a sampler gets its argument as a text."""
    metadata = tmp_path / "thing-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[opentelemetry_traces_sampler]\nmySampler = thing:S\n"
        "[opentelemetry_logs_exporter]\nshelf = thing:E\n"
        "[opentelemetry_propagator]\nb3 = thing:P\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    config = settle(
        OTEL_TRACES_SAMPLER="mySampler", OTEL_TRACES_SAMPLER_ARG="rate=5", OTEL_LOGS_EXPORTER="shelf", OTEL_PROPAGATORS="b3,baggage"
    )
    assert (config.sampler, config.sampler_argument, config.sample_ratio) == ("mySampler", "rate=5", 1.0)
    assert (config.exporters("logs"), config.propagators) == (("shelf",), ("b3", "baggage"))
    with pytest.raises(ConfigurationError, match="OTEL_TRACES_EXPORTER"):
        settle(OTEL_TRACES_EXPORTER="shelf")


@pytest.mark.parametrize(
    ("given_overrides", "environ", "port", "exporters"),
    [
        ({}, {}, None, ("otlp",)),
        ({}, {"OTEL_EXPORTER_PROMETHEUS_PORT": "9000"}, None, ("otlp",)),
        ({}, {"OTEL_METRICS_EXPORTER": "prometheus"}, 9464, ("prometheus",)),
        ({}, {"OTEL_METRICS_EXPORTER": "otlp,prometheus", "OTEL_EXPORTER_PROMETHEUS_PORT": "9000"}, 9000, ("otlp", "prometheus")),
        ({"prometheus_port": 0}, {"OTEL_EXPORTER_PROMETHEUS_PORT": "9000"}, 0, ("otlp", "prometheus")),
        ({"metrics": SignalConfig(exporters=("prometheus",))}, {}, 9464, ("prometheus",)),
    ],
)
def test_the_prometheus_endpoint_opens_when_asked_for(given_overrides, environ, port, exporters):
    """A port in the environment alone opens nothing, as in OpenTelemetry; the exporter's name or the argument does."""
    config = settle(presets.production(**given_overrides), **environ)
    assert (config.prometheus_port, config.exporters("metrics")) == (port, exporters)


def test_spans_and_logs_share_a_worker():
    """Of the two delays and batch sizes the smaller satisfies both; the queue bounds in items are kept apart."""
    environ = {"OTEL_BSP_SCHEDULE_DELAY": "5000", "OTEL_BLRP_SCHEDULE_DELAY": "1000", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"}
    environ |= {"OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": "20", "OTEL_BSP_MAX_QUEUE_SIZE": "30", "OTEL_BLRP_MAX_QUEUE_SIZE": "40"}
    config = settle(**environ)
    assert (config.schedule_delay_s, config.max_export_batch_size, config.max_queued_spans, config.max_queued_logs) == (1.0, 10, 30, 40)
    assert source("schedule_delay_s", **environ) == "environment OTEL_BLRP_SCHEDULE_DELAY"
    assert settle(presets.production(schedule_delay_s=3), **environ).schedule_delay_s == 3.0


def test_protocols_and_ports_are_checked_per_signal():
    """Port 4317 is right where every signal goes over gRPC, also when only the signals say so, and wrong where one does not."""
    grpc = {f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL": "grpc" for signal in SIGNALS}
    assert settle(**grpc, OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4317").otlp("logs").url == "http://c:4317"
    del grpc["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"]
    with pytest.raises(ConfigurationError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT.*4318"):
        settle(**grpc, OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4317")
    with pytest.raises(ConfigurationError, match=r"endpoint=.*4318"):
        settle(presets.production(endpoint="http://c:4317"))
    assert settle(presets.production(endpoint="http://c:4317"), OTEL_EXPORTER_OTLP_PROTOCOL="grpc").protocol == "grpc"
    assert settle(**grpc, OTEL_LOGS_EXPORTER="none", OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4317").exporters("logs") == ()


def test_each_protocol_has_its_own_default():
    """Without an endpoint, signals over gRPC go to 4317 and those over HTTP to 4318, encrypted only if that is asked for."""
    mixed = settle(OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="grpc")
    assert [mixed.otlp(signal).url for signal in SIGNALS] == [
        "http://localhost:4317",
        "http://localhost:4318/v1/metrics",
        "http://localhost:4318/v1/logs",
    ]
    assert settle(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_INSECURE="false").otlp("logs").url == "https://localhost:4317"
    https = settle(OTEL_EXPORTER_OTLP_PROTOCOL="grpc", OTEL_EXPORTER_OTLP_INSECURE="true", OTEL_EXPORTER_OTLP_ENDPOINT="https://c:4317")
    assert https.otlp("logs").insecure is False, "a scheme decides, as OpenTelemetry defines it"


def test_grpc_does_not_deflate():
    """A compression that the protocol does not have is an error, under the name that the user wrote."""
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_COMPRESSION"):
        settle(presets.production(protocol="grpc"), OTEL_EXPORTER_OTLP_COMPRESSION="deflate")
    with pytest.raises(ConfigurationError, match=r"logs\.compression"):
        settle(presets.production(logs=SignalConfig(protocol="grpc", compression="deflate")))


def test_the_exporter_named_by_protocol_sets_the_protocol():
    """OpenTelemetry's names otlp_proto_http and otlp_proto_grpc win over the protocol's variables, and lose to an argument."""
    environ = {"OTEL_TRACES_EXPORTER": "otlp_proto_grpc", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    assert (settle(**environ).exporters("traces"), settle(**environ).otlp("traces").protocol) == (("otlp",), "grpc")
    assert settle(presets.production(protocol="http/protobuf"), **environ).otlp("traces").protocol == "http/protobuf"
    with pytest.raises(ConfigurationError, match=r"traces\.exporters"):
        settle(presets.production(traces=SignalConfig(exporters=("otlp_proto_grpc",), protocol="http/protobuf")))


def test_disabled_by_either_variable():
    """LANGSWARM_OTEL_DISABLED turns ours off unless an argument says otherwise; OTEL_SDK_DISABLED, which the SDK obeys, wins over all."""
    assert settle(presets.production(disabled=False), LANGSWARM_OTEL_DISABLED="true").disabled is False
    assert settle(presets.production(disabled=False), OTEL_SDK_DISABLED="true").disabled is True
    assert settle(OTEL_SDK_DISABLED="false", LANGSWARM_OTEL_DISABLED="true").disabled is True
    assert source("disabled", OTEL_SDK_DISABLED="true") == "environment OTEL_SDK_DISABLED"
    assert settle(settle(), OTEL_SDK_DISABLED="true").disabled is True


def test_nothing_wrong_stands_in_the_way_of_turning_it_off():
    """Who turns telemetry off to get a program going does not meet the errors again that made them do so."""
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_TRACES_SAMPLER": "nonsense"}
    assert settle(presets.production(endpoint="http://c:4317"), OTEL_SDK_DISABLED="true", **wrong).disabled is True
    kept = settle(
        presets.production(service_name="desk"), LANGSWARM_OTEL_DISABLED="true", OTEL_SERVICE_NAME="x", OTEL_LOGS_EXPORTER="console"
    )
    assert (kept.service_name, kept.exporters("logs")) == ("desk", ("console",)), "what is right is read all the same"


def test_the_preset_of_the_environment():
    """LANGSWARM_OTEL_PRESET counts where the caller names none, keeps what the caller chose, and loses to a name."""
    assert settle(presets.by_name(None), LANGSWARM_OTEL_PRESET="Serverless") == settle(presets.serverless())
    assert source("preset", presets.by_name(None), LANGSWARM_OTEL_PRESET="testing") == "environment LANGSWARM_OTEL_PRESET"
    assert source("preset", presets.by_name(None)) == "default"
    config = settle(ObservabilityConfig(shutdown_timeout_s=9), LANGSWARM_OTEL_PRESET="development")
    assert (config.preset, config.shutdown_timeout_s, config.capture_content) == ("development", 9.0, True)
    assert settle(presets.production(), LANGSWARM_OTEL_PRESET="testing").preset == "production"


def test_content_follows_argument_environment_preset():
    """The gate of content is off in production, on in development, and both can be turned by OpenTelemetry's variable or an argument."""
    variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    assert settle(presets.production(), **{variable: "SPAN_ONLY"}).capture_content is True
    assert settle(presets.development(), **{variable: "NO_CONTENT"}).capture_content is False
    assert settle(presets.production(capture_content=False), **{variable: "SPAN_ONLY"}).capture_content is False


def test_a_configuration_file_decides_the_pipelines(tmp_path):
    """Beside a file other variables of the pipelines are not even read, what is ours still counts, and the explanation says so."""
    file = tmp_path / "otel.yaml"
    file.write_text("file_format: '1.0'\n")
    environ = {"OTEL_CONFIG_FILE": str(file), "OTEL_TRACES_SAMPLER": "nonsense", "LANGSWARM_OTEL_SHUTDOWN_TIMEOUT_S": "3"}
    resolved = resolve(presets.production(log_level="DEBUG"), environ)
    assert (resolved.config.config_file, resolved.config.shutdown_timeout_s, resolved.config.log_level) == (str(file), 3.0, "DEBUG")
    explanation = resolved.explain()
    assert (explanation.get("sampler").value, explanation.get("sampler").source) == (IN_FILE, f"file {file}")
    assert explanation.get("traces.endpoint").source == f"file {file}"
    assert explanation.get("log_level").source == "argument"


@pytest.mark.parametrize(
    "override",
    [{"endpoint": "http://c:4318"}, {"service_name": "desk"}, {"traces": SignalConfig(exporters=())}, {"headers": {"a": "hunter2"}}],
)
def test_arguments_for_the_pipelines_beside_a_file_are_refused(tmp_path, override):
    """An argument that the file would silently override is an error that names it and the file."""
    file = tmp_path / "otel.yaml"
    file.write_text("file_format: '1.0'\n")
    with pytest.raises(ConfigurationError, match="OTEL_CONFIG_FILE") as caught:
        settle(presets.production(**override), OTEL_CONFIG_FILE=str(file))
    assert caught.value.field == next(iter(override))
    assert "hunter2" not in str(caught.value)


def test_a_resolved_configuration_can_be_changed():
    """``dataclasses.replace`` on what is in effect gives a configuration that resolves to the change and nothing else."""
    config = settle(presets.production(endpoint="http://c:4318"), OTEL_SERVICE_NAME="desk")
    changed = settle(replace(config, sample_ratio=0.5))
    assert changed == replace(config, sample_ratio=0.5)
    assert changed.service_name == "desk"


def test_signals_inherit_until_they_are_set():
    """A signal's own settings are None where the general ones count, and the explanation says inherited."""
    resolved = resolve(presets.production(compression="gzip"), {"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "none"})
    assert resolved.config.traces.compression is None, "an argument for all signals wins over the variable of one"
    assert resolved.explain().get("traces.compression").source == INHERITED
    assert resolved.config.otlp("traces").compression == "gzip"


def test_the_environment_is_read_when_asked_and_not_before(monkeypatch):
    """``os.environ`` is what counts by default, as it is at the time of the call."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "first")
    assert resolve(presets.production()).config.service_name == "first"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "second")
    assert resolve(presets.production()).config.service_name == "second"


LIGHT = """
import os, sys
import opentelemetry._logs, opentelemetry.baggage, opentelemetry.metrics, opentelemetry.propagate, opentelemetry.trace

class Watched(dict):
    def __getattribute__(self, name):
        raise AssertionError("the environment was read at import")

real, os.environ = os.environ, Watched()
from langswarm_otel import environment, environment_variables, explain, presets
os.environ = real
before = set(sys.modules)
print(environment.resolve(presets.production(endpoint="c"), {"OTEL_TRACES_SAMPLER": "always_on"}).config.endpoint)
heavy = ("opentelemetry.sdk", "structlog", "wrapt", "requests", "urllib3", "grpc", "google", "pydantic", "asyncio", "langswarm", "rich")
print([name for name in heavy if name in sys.modules], sorted(set(sys.modules) - before))
"""


def test_importing_and_resolving_is_light():
    """Configuration loads neither the SDK nor anything else heavy, reads no environment at import, and looks up no plug-ins in vain."""
    script = f"import sys; sys.path[:0] = {sys.path!r}\n{LIGHT}"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["http://c:4318", "[] []"]
