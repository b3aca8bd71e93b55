"""The variables: each keeps OpenTelemetry's meaning and units, and a malformed one is an error that names it."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import environment_variables as api_variables
from opentelemetry.sdk import environment_variables as sdk_variables
from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.resources import OTELResourceDetector
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.util.re import parse_env_headers

from langswarm_otel import environment_variables as ours
from langswarm_otel import presets
from langswarm_otel.config import ObservabilityConfig
from langswarm_otel.environment import resolve
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.reading import headers as read_headers
from langswarm_otel.settings.variables import LEFT_ALONE, SDK_DISABLED, VARIABLES


def settle(config: ObservabilityConfig | None = None, **environ: str):
    return resolve(config or presets.production(), environ).config


AGGREGATION = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"

# Every variable: its text, the field, and the value there.
MEANINGS = [
    ("OTEL_SDK_DISABLED", "TRUE", "disabled", True),
    ("LANGSWARM_OTEL_DISABLED", "true", "disabled", True),
    ("OTEL_SERVICE_NAME", "desk", "service_name", "desk"),
    ("OTEL_RESOURCE_ATTRIBUTES", "team=a%2Cb, tier = gold ,", "resource_attributes", {"team": "a,b", "tier": "gold"}),
    ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process, os", "resource_detectors", ("process", "os")),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/", "endpoint", "http://c:4318"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "protocol", "grpc"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "Api-Key=a%20b,x=Bearer c d=", "headers", {"api-key": "a b", "x": "Bearer c d="}),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "2.5", "timeout_s", 2.5),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP", "compression", "gzip"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/null", "certificate_file", "/dev/null"),
    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/dev/null", "client_certificate_file", "/dev/null"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "True", "insecure", True),
    ("OTEL_TRACES_EXPORTER", "console, otlp", "traces.exporters", ("console", "otlp")),
    ("OTEL_METRICS_EXPORTER", "none", "metrics.exporters", ()),
    ("OTEL_LOGS_EXPORTER", "otlp_proto_grpc", "logs.protocol", "grpc"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/x", "traces.endpoint", "http://c:4318/x"),
    ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc", "metrics.protocol", "grpc"),
    ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "a=b", "logs.headers", {"a": "b"}),
    ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "3", "logs.timeout_s", 3.0),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "deflate", "traces.compression", "deflate"),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false", "traces.insecure", False),
    ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "/dev/null", "metrics.certificate_file", "/dev/null"),
    ("OTEL_TRACES_SAMPLER", "ALWAYS_OFF", "sampler", "always_off"),
    ("OTEL_PYTHON_ID_GENERATOR", "random", "id_generator", "random"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "1500", "export_interval_s", 1.5),
    ("OTEL_METRIC_EXPORT_INTERVAL", "inf", "export_interval_s", None),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "2000", "export_timeout_s", 2.0),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "DELTA", "metrics_temporality", "delta"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "LowMemory", "metrics_temporality", "lowmemory"),
    (AGGREGATION, "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM", "histogram_aggregation", "base2_exponential_bucket_histogram"),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off", "exemplar_filter", "always_off"),
    ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0", "prometheus_host", "0.0.0.0"),
    ("OTEL_BSP_SCHEDULE_DELAY", "250", "schedule_delay_s", 0.25),
    ("OTEL_BLRP_SCHEDULE_DELAY", "750", "schedule_delay_s", 0.75),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "7", "max_export_batch_size", 7),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "9", "max_export_batch_size", 9),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "100", "max_queued_spans", 100),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "200", "max_queued_logs", 200),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "0", "max_span_events", 0),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "", "max_span_links", None),
    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_and_event", "capture_content", True),
    ("OTEL_PROPAGATORS", "baggage,tracecontext", "propagators", ("baggage", "tracecontext")),
    ("OTEL_PROPAGATORS", "none", "propagators", ()),
    ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "requests, langswarm", "instrument", False),
    ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "requests", "instrument", True),
    ("LANGSWARM_OTEL_CAPTURE_USER_ID", "true", "capture_user_id", True),
    ("LANGSWARM_OTEL_LOOKUP_SPANS", "true", "lookup_spans", True),
    ("LANGSWARM_OTEL_USER_HASH_SALT", "pepper", "user_hash_salt", "pepper"),
    ("LANGSWARM_OTEL_SEMCONV", "both", "semconv", "both"),
    ("LANGSWARM_OTEL_INSTRUMENT", "false", "instrument", False),
    ("LANGSWARM_OTEL_INSTRUMENT", "a, b", "instrument", ("a", "b")),
    ("LANGSWARM_OTEL_ON_FOREIGN", "private", "on_foreign", "private"),
    ("LANGSWARM_OTEL_HANDLE_SIGNALS", "true", "handle_signals", True),
    ("LANGSWARM_OTEL_SHUTDOWN_TIMEOUT_S", "0", "shutdown_timeout_s", 0.0),
    ("LANGSWARM_OTEL_QUEUE_MAX_BYTES", "1024", "queue_max_bytes", 1024),
    ("LANGSWARM_OTEL_CARDINALITY_LIMIT", "10", "cardinality_limit", 10),
    ("LANGSWARM_OTEL_CONFIGURE_STRUCTLOG", "false", "configure_structlog", False),
    ("LANGSWARM_OTEL_LOG_LEVEL", "debug", "log_level", "DEBUG"),
    ("LANGSWARM_OTEL_LOG_FORMAT", "console", "log_format", "console"),
    ("LANGSWARM_OTEL_LOG_OUTPUT", "none", "log_output", "none"),
    ("LANGSWARM_OTEL_LOG_FILE", "/tmp/a.log", "log_file", "/tmp/a.log"),  # noqa: S108 - only a name
]  # fmt: skip


@pytest.mark.parametrize(("variable", "text", "field", "value"), MEANINGS)
def test_a_variable_means_what_it_says(variable, text, field, value):
    """Each variable sets its field, in its own units and spelling, and is named as the source."""
    resolved = resolve(presets.production(), {variable: f" {text} " if text else text})
    owner, _, name = field.rpartition(".")
    assert getattr(getattr(resolved.config, owner) if owner else resolved.config, name) == value
    expected = "preset production" if (variable, value) == ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", True) else f"environment {variable}"
    assert resolved.explain().get(field).source == expected


MALFORMED = [
    ("OTEL_SDK_DISABLED", "yes", "true or false"),
    ("LANGSWARM_OTEL_DISABLED", "1", "true or false"),
    ("OTEL_RESOURCE_ATTRIBUTES", "team", "name=value"),
    ("OTEL_RESOURCE_ATTRIBUTES", "=a", "name=value"),
    ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "procezz", "'process'"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:port", "port"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317", "4318"),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "c:4318", "http://"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "'http/protobuf'"),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http", "'http/protobuf'"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization", "name=value"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a b=c", "spaces"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d%0ac", "line breaks"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "seconds"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "seconds"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "nan", "seconds"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "'gzip'"),
    ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/no/such/file", "no such file"),
    ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/dev/null", "certificate"),
    ("OTEL_EXPORTER_OTLP_INSECURE", "on", "true or false"),
    ("OTEL_TRACES_EXPORTER", "consoles", "'console'"),
    ("OTEL_TRACES_EXPORTER", "prometheus", "nothing is installed"),
    ("OTEL_TRACES_EXPORTER", "none,otlp", "'none'"),
    ("OTEL_LOGS_EXPORTER", "otlp_proto_http,otlp_proto_grpc", "one protocol"),
    ("OTEL_TRACES_SAMPLER", "alwayson", "'always_on'"),
    ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote", "nothing is installed"),
    ("OTEL_PYTHON_ID_GENERATOR", "xray", "'random'"),
    ("OTEL_PYTHON_TRACER_CONFIGURATOR", "mine", "nothing is installed"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "1m", "milliseconds"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "-1", "milliseconds"),
    ("OTEL_METRIC_EXPORT_TIMEOUT", "inf", "at most"),
    ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "deltas", "'delta'"),
    (AGGREGATION, "exponential", "'base2_exponential_bucket_histogram'"),
    ("OTEL_METRICS_EXEMPLAR_FILTER", "none", "'trace_based'"),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "http", "whole number"),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "70000", "65535"),
    ("OTEL_BSP_SCHEDULE_DELAY", "0", "milliseconds"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "12.5", "whole number"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "0", "at least 1"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "whole number"),
    ("OTEL_ATTRIBUTE_COUNT_LIMIT", "-1", "not negative"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "x", "whole number"),
    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true", "SPAN_ONLY"),
    ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "EVENT_ONLY", "SPAN_AND_EVENT"),
    ("OTEL_PROPAGATORS", "tracecontext,b33", "nothing is installed"),
    ("OTEL_CONFIG_FILE", "/no/such/otel.yaml", "no such file"),
    ("LANGSWARM_OTEL_PRESET", "prod", "'production'"),
    ("LANGSWARM_OTEL_LOG_OUTPUT", "file", "LANGSWARM_OTEL_LOG_FILE"),
    ("LANGSWARM_OTEL_LOG_LEVEL", "verbose", "DEBUG"),
    ("LANGSWARM_OTEL_SHUTDOWN_TIMEOUT_S", "-0.5", "seconds"),
    ("LANGSWARM_OTEL_SEMCONV", "g3", "'g1'"),
]


@pytest.mark.parametrize(("variable", "text", "mend"), MALFORMED)
def test_a_malformed_variable_is_an_error_that_names_it(variable, text, mend):
    """What cannot be understood raises, names the variable and the mend, and is never replaced by a default."""
    config = presets.by_name(None)
    with pytest.raises(ConfigurationError) as caught:
        resolve(config, {variable: text})
    assert caught.value.field == variable
    assert mend in caught.value.mend
    assert "***" in str(caught.value) if "HEADERS" in variable else repr(text.split(",")[0])[1:-1] in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "variable", [variable for variable in (*VARIABLES, SDK_DISABLED) if not variable.takes_empty], ids=lambda v: v.name
)
@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_variable_is_an_unset_one(variable, text):
    """OpenTelemetry defines an empty variable as unset; only the limits, where the SDK takes it for no limit, are different."""
    assert resolve(presets.production(), {variable.name: text}) == resolve(presets.production(), {})


def test_every_variable_of_the_sdk_is_known():
    """Each variable that the SDK or the API declares either sets a field or is left alone for a written reason."""
    modules = (sdk_variables, api_variables)
    declared = {value for module in modules for name, value in vars(module).items() if name.lstrip("_").startswith("OTEL_")}
    known = {variable.name for variable in VARIABLES} | {SDK_DISABLED.name} | set(LEFT_ALONE)
    assert declared <= known, f"not handled: {sorted(declared - known)}"
    assert not {variable.name for variable in VARIABLES} & set(LEFT_ALONE)


def test_every_variable_of_ours_is_declared_and_read():
    """The module of the entry point lists exactly the variables that are read, and none that OpenTelemetry has a name for."""
    declared = {name: value for name, value in vars(ours).items() if name.startswith("LANGSWARM_OTEL_")}
    assert all(name == value for name, value in declared.items())
    assert set(declared) == {variable.name for variable in VARIABLES if variable.name.startswith("LANGSWARM_OTEL_")}
    assert not [name for name in vars(ours) if name.startswith("OTEL_")], "opentelemetry-instrument would declare its flags twice"


LIMIT_NAMES = sorted(variable.name for variable in VARIABLES if variable.name.endswith("_LIMIT") and variable.name.startswith("OTEL_"))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(LIMIT_NAMES), st.sampled_from(["", "0", "3", "17", "500"])))
def test_limits_are_those_of_the_sdk(environ):
    """For any set of limit variables, ours are what the SDK makes of them; only our default length stands where it has none."""
    config = settle(presets.production(max_attribute_length=None), **environ)
    with pytest.MonkeyPatch.context() as patch:
        for name in LIMIT_NAMES:
            patch.delenv(name, raising=False)
        for name, text in environ.items():
            if name != "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT":
                patch.setenv(name, text)
        spans, logs = SpanLimits(), LogRecordLimits()
    assert config.max_span_attributes == spans.max_span_attributes
    assert config.max_event_attributes == spans.max_event_attributes
    assert config.max_link_attributes == spans.max_link_attributes
    assert config.max_span_events == spans.max_events
    assert config.max_span_links == spans.max_links
    assert config.max_log_record_attributes == logs.max_log_record_attributes


@pytest.mark.parametrize(
    ("given_limits", "environ", "lengths"),
    [
        ({}, {}, (8192, 8192, 8192)),
        ({}, {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, (100, 100, 100)),
        ({}, {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ""}, (None, None, None)),
        ({}, {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "50"}, (100, 50, 100)),
        ({"max_attribute_length": 10}, {"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "50"}, (10, 10, 10)),
        ({"max_span_attribute_length": 5}, {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "100"}, (100, 5, 100)),
    ],
)
def test_length_limits_follow_the_general_one(given_limits, environ, lengths):
    """A special limit follows the general one until it is set itself, and an argument wins over both variables."""
    config = settle(presets.production(**given_limits), **environ)
    assert (config.max_attribute_length, config.max_span_attribute_length, config.max_log_record_attribute_length) == lengths


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9._]{0,8}", fullmatch=True), st.text("abcXYZ019 %-_.,=\u00e9", max_size=8), max_size=4))
def test_resource_attributes_are_those_of_the_sdk(attributes):
    """Percent-encoded as the specification asks, attributes are read as the SDK's own detector reads them."""
    from urllib.parse import quote

    text = ",".join(f"{name}={quote(value, safe='')}" for name, value in attributes.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", text)
        patch.delenv("OTEL_SERVICE_NAME", raising=False)
        expected = dict(OTELResourceDetector().detect().attributes) if text else {}
    assert settle(OTEL_RESOURCE_ATTRIBUTES=text).resource_attributes == expected


HEADER_NAME = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,8}", fullmatch=True)


@settings(deadline=None)
@given(st.lists(st.tuples(HEADER_NAME, st.text("abcXYZ019 %+-_.=:/@", max_size=12)), max_size=4), st.booleans())
def test_headers_are_those_of_opentelemetry(pairs, encode):
    """Percent-encoded or plain, headers are read as OpenTelemetry's own parser reads them."""
    from urllib.parse import quote

    text = ", ".join(f"{name}={quote(value, safe='') if encode else value}" for name, value in pairs)
    assert read_headers(text) == dict(parse_env_headers(text, liberal=True))


def test_a_malformed_header_is_refused_without_its_value():
    """The error says which item is wrong and repeats none of the text."""
    for text in ("good=canary-1,canary-2", "=canary-1", "a=canary%0a1-canary"):
        with pytest.raises(ConfigurationError) as caught:
            settle(OTEL_EXPORTER_OTLP_HEADERS=text)
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["2", "-0.1", "half", "nan"])
def test_a_wrong_ratio_is_an_error(text):
    """The SDK logs a wrong ratio and samples everything; here it names the variable."""
    with pytest.raises(ConfigurationError, match="OTEL_TRACES_SAMPLER_ARG"):
        settle(OTEL_TRACES_SAMPLER="traceidratio", OTEL_TRACES_SAMPLER_ARG=text)


@settings(deadline=None)
@given(
    st.sampled_from(["development", "testing", "production", "serverless"]),
    st.dictionaries(st.sampled_from(range(len(MEANINGS))), st.just(None), max_size=8),
)
def test_resolving_again_changes_nothing(preset, chosen):
    """A resolved configuration is settled: resolved again, in whatever environment, it stays the same."""
    environ = {MEANINGS[index][0]: MEANINGS[index][1] for index in chosen if MEANINGS[index][0] != "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION"}
    try:
        config = resolve(presets.by_name(preset), environ).config
    except ConfigurationError as error:
        assert error.mend  # noqa: PT017 - some combinations do not fit together
        return
    assert resolve(config, {}).config == config
    assert resolve(config, {"OTEL_SERVICE_NAME": "later", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://later:4318"}).config == config
    assert hash(resolve(config, {}).config) == hash(config)


def test_a_timeout_meant_in_milliseconds_is_pointed_out(caplog):
    """The variable is in milliseconds in other languages: a value above five minutes is taken as seconds, with one warning."""
    with caplog.at_level(logging.WARNING, "langswarm_otel"):
        assert settle(OTEL_EXPORTER_OTLP_TIMEOUT="10000").timeout_s == 10_000.0
        assert settle(OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="60").otlp("logs").timeout_s == 60.0
    assert [record.getMessage() for record in caplog.records] == [
        "OTEL_EXPORTER_OTLP_TIMEOUT=10000 is in seconds in Python, and in milliseconds elsewhere"
    ]


def test_a_misspelt_variable_of_ours_is_pointed_out(caplog):
    """A variable that nothing reads and that nearly is one of ours gets a warning with the right name."""
    with caplog.at_level(logging.WARNING, "langswarm_otel"):
        settle(LANGSWARM_OTEL_LOGLEVEL="debug", LANGSWARM_OTEL_ZZZ="1", LANGSWARM_OTEL_LOG_LEVEL="debug")
    assert [record.getMessage() for record in caplog.records] == [
        "nothing reads the variable LANGSWARM_OTEL_LOGLEVEL (did you mean 'LOG_LEVEL'?)"
    ]
