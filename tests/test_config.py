"""The configuration: a frozen value that refuses what is wrong and shows no secret."""

from __future__ import annotations

import ast
import copy
import inspect
import itertools
import math
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langswarm_otel import presets
from langswarm_otel.config import FIELD_NAMES, SIGNALS, FrozenMapping, ObservabilityConfig, SignalConfig
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.fields import LIMITS, OUTSIDE_FILE, RULES, SIGNAL_RULES

FULL = presets.serverless(
    service_name="desk",
    endpoint="collector:4318/v1/traces",
    headers={"Authorization": "Bearer hunter2"},
    resource_attributes={"team": "a", "zones": ["x", "y"], "replicas": 2},
    traces=SignalConfig(exporters=["console", "otlp"], headers={"k": "hunter2"}),
    user_hash_salt="hunter2",
    price_table={"m": {"input": 1.0, "output": 2.0}, "free/*": "free"},
    instrument=["langswarm"],
)

WRONG = {
    "service_name": ["", "  ", 5, "a\nb"],
    "service_version": [1.0],
    "environment": [True],
    "resource_attributes": [{"k": None}, {"k": object}, {"k": ["a", 1]}, {5: "a"}, {"": "a"}, "k=v", {"k": {"a": 1}}],
    "resource_detectors": ["process", ["no-such-detector"], [1]],
    "endpoint": ["", "ftp://x", 4318],
    "protocol": ["http/json", "http", 1, None],
    "timeout_s": [0, -1, "10", True, math.nan, math.inf, 10**400],
    "compression": ["zip", None],
    "certificate_file": ["", 5, b"x", "a\0b"],
    "insecure": ["true", 1],
    "sampler": ["alway_on", "", 1.0],
    "sampler_argument": [0.5],
    "sample_ratio": ["0.5", 1.01, -0.1, True, math.nan, None],
    "keep_errors": ["true", 1, None],
    "keep_slower_than_s": [0, -1, "5", True],
    "keep_costlier_than": [-0.01, "1", math.nan, math.inf],
    "keep_max_bytes": [0, 1.5, None],
    "keep_for_s": [0, None],
    "id_generator": ["no-such-generator", None],
    "tracer_configurator": ["no-such-configurator"],
    "export_interval_s": [0, -5, "60", math.inf],
    "export_timeout_s": [0, None],
    "metrics_temporality": ["sometimes", 1],
    "histogram_aggregation": ["exponential"],
    "exemplar_filter": ["all"],
    "cardinality_limit": [0, 1.5, "2000", True],
    "prometheus_host": ["", 1],
    "prometheus_port": [-1, 65_536, "9464", True, 9464.0],
    "schedule_delay_s": [0, -1],
    "max_export_batch_size": [0],
    "queue_max_bytes": [0, -1, 1.0],
    "max_queued_spans": [0],
    "shutdown_timeout_s": [-0.1, "5", math.nan],
    "max_attribute_length": [-1, "8192"],
    "max_span_events": [-1, True],
    "configure_structlog": ["yes", 1, None],
    "log_level": ["LOUD", 15, True, None],
    "log_format": ["xml"],
    "log_output": ["syslog"],
    "log_file": ["", 5],
    "capture_content": ["true", None, 1],
    "user_hash_salt": [None, 5],
    "semconv": ["g3"],
    "price_table": [5, {"m": 1.0}, {1: "free"}, {"m": {"input": -1, "output": 1}}],
    "propagators": ["tracecontext", ["b4"], ["none", "baggage"]],
    "instrument": ["langswarm", None, [5]],
    "on_foreign": ["merge"],
    "handle_signals": ["on"],
    "disabled": ["false"],
    "traces": [("console",), "console", {"exporters": ("console",)}, None],
    "logs": [SignalConfig(exporters=("prometheus",))],
    "metrics": [SignalConfig(exporters=("stdout",))],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [pytest.param(field, value, id=f"{field}-{index}") for field, values in WRONG.items() for index, value in enumerate(values)],
)
def test_a_wrong_value_is_refused_by_name(field, value):
    """A wrong type, bound or name raises an error that names the field and the mend, in every preset."""
    with pytest.raises(ConfigurationError) as caught:
        presets.development(**{field: value})
    assert caught.value.field.split("[")[0].split(".")[0] == field
    assert caught.value.mend


@pytest.mark.parametrize(
    ("field", "value"), [("exporters", "otlp"), ("endpoint", "x y"), ("protocol", "http"), ("timeout_s", 0), ("insecure", 1)]
)
def test_a_wrong_value_of_one_signal_is_refused(field, value):
    """The settings of one signal are checked like the general ones."""
    with pytest.raises(ConfigurationError, match=field):
        SignalConfig(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("log_level", "warn", "WARNING"),
        ("log_level", 10, "DEBUG"),
        ("protocol", "GRPC", "grpc"),
        ("sampler", "Always_On", "always_on"),
        ("propagators", ["none"], ()),
        ("propagators", ("baggage", "baggage", "tracecontext"), ("baggage", "tracecontext")),
        ("log_file", Path("a/b.log"), str(Path("a/b.log"))),
        ("sample_ratio", 1, 1.0),
        ("instrument", {"b", "a"}, ("a", "b")),
        ("endpoint", "HTTP://Collector:4318/v1/logs/", "http://collector:4318"),
        ("service_name", " desk ", "desk"),
        ("shutdown_timeout_s", 0, 0.0),
        ("max_span_events", 0, 0),
    ],
)
def test_equal_meanings_have_one_form(field, value, kept):
    """What means the same is kept the same, so that equal configurations are equal."""
    config = presets.production(**{field: value})
    assert getattr(config, field) == kept
    assert config == presets.production(**{field: kept})
    assert hash(config) == hash(presets.production(**{field: kept}))


def test_it_cannot_be_changed():
    """Neither a field nor anything in a mapping or a list of it can be changed, and what the caller gave stays the caller's."""
    given = {"team": "a", "zones": ["x"]}
    config = presets.production(resource_attributes=given)
    given["team"] = "b"
    given["zones"].append("y")
    assert config.resource_attributes == {"team": "a", "zones": ("x",)}
    with pytest.raises(FrozenInstanceError):
        config.endpoint = "http://x"
    for change in (
        lambda m: m.__setitem__("a", 1),
        lambda m: m.__delitem__("team"),
        lambda m: m.update(a=1),
        lambda m: setattr(m, "_items", {}),
    ):
        with pytest.raises((TypeError, AttributeError)):
            change(config.resource_attributes)


@pytest.mark.parametrize("same", [copy.copy, copy.deepcopy, lambda config: pickle.loads(pickle.dumps(config)), replace], ids=["copy", "deepcopy", "pickle", "replace"])  # noqa: E501, S301  # fmt: skip
def test_it_survives_copying(same):
    """A copied, pickled or replaced configuration equals the first, hashes alike, and remembers what the caller chose."""
    other = same(FULL)
    assert other == FULL
    assert hash(other) == hash(FULL)
    assert other.explicit == FULL.explicit
    assert other.otlp("traces") == FULL.otlp("traces")


def test_a_replaced_field_counts_as_chosen():
    """``dataclasses.replace`` changes one field, and the change wins over the environment like any argument."""
    config = replace(presets.development(), export_interval_s=3.0)
    assert config.explicit == {"preset", "export_interval_s"}
    assert config != presets.development()
    with pytest.raises(ConfigurationError, match="sample_ratio"):
        replace(config, sample_ratio=2)


def test_what_the_caller_chose_is_no_part_of_equality():
    """A value given that is the preset's own makes no other configuration."""
    assert presets.production(sample_ratio=1.0) == presets.production()
    assert hash(presets.production(sample_ratio=1.0)) == hash(presets.production())


def test_no_representation_holds_a_secret():
    """Header values and the salt are masked in every representation; names of headers are shown."""
    shown = f"{FULL!r} {FULL} {FULL.traces!r} {FULL.otlp('traces')!r} {FULL.otlp('logs')!r}"
    assert "hunter2" not in shown
    assert "'authorization': '***'" in shown
    assert "'k': '***'" in shown


def test_the_representation_is_what_differs_from_the_preset():
    """The preset and what was changed are shown, the rest is not."""
    assert repr(presets.testing(service_name="desk")) == "ObservabilityConfig(preset='testing', service_name='desk')"


@pytest.mark.parametrize(
    "headers",
    [
        "authorization=hunter2",
        ["hunter2"],
        {"authorization": b"hunter2"},
        {"authorization": "hunter2\r\nx: y"},
        {"authorization": "hunter2\u20ac"},
        {"hunter2 hunter2": "x"},
        {"": "hunter2"},
        {5: "hunter2"},
        5,
    ],
)
def test_wrong_headers_are_refused_without_their_value(headers):
    """An error about headers names the header, never what it holds."""
    for make in (presets.production, SignalConfig):
        with pytest.raises(ConfigurationError) as caught:
            make(headers=headers)
        assert caught.value.field == "headers"
        assert "hunter2" not in str(caught.value)


def test_an_error_about_the_salt_does_not_show_it():
    """A salt of the wrong type is refused without being repeated."""
    with pytest.raises(ConfigurationError, match="bytes") as caught:
        presets.production(user_hash_salt=b"hunter2")
    assert "hunter2" not in str(caught.value)


def test_otlp_is_filled_in_for_each_signal():
    """General settings are inherited, a signal's own ones win, and its endpoint is used as it is."""
    config = presets.production(
        endpoint="https://collector/otlp",
        headers={"A": "1"},
        timeout_s=4,
        compression="gzip",
        certificate_file="ca.pem",
        traces=SignalConfig(endpoint="http://other:4318/x/", headers={"B": "2"}, timeout_s=2, compression="none"),
        metrics=SignalConfig(protocol="grpc", endpoint="metrics:4317", insecure=True),
    )
    traces, metrics, logs = (config.otlp(signal) for signal in SIGNALS)
    assert (traces.url, traces.headers, traces.timeout_s, traces.compression) == ("http://other:4318/x/", {"b": "2"}, 2.0, "none")
    assert (traces.insecure, traces.certificate_file) == (True, "ca.pem")
    assert (metrics.url, metrics.protocol, metrics.insecure, metrics.headers) == ("http://metrics:4317", "grpc", True, {"a": "1"})
    assert (logs.url, logs.timeout_s, logs.compression, logs.insecure) == ("https://collector/otlp/v1/logs", 4.0, "gzip", False)


def test_a_timeout_left_open_keeps_to_the_exit_deadline():
    """Without a time of its own, a request takes at most OpenTelemetry's 10 s, and no longer than the end of the process may."""
    assert presets.production().otlp("logs").timeout_s == 10.0
    assert presets.production(timeout_s=None).otlp("logs").timeout_s == 5.0
    assert presets.production(timeout_s=None, shutdown_timeout_s=60).otlp("logs").timeout_s == 10.0
    assert presets.production(timeout_s=None, shutdown_timeout_s=0).otlp("logs").timeout_s == 10.0


def test_every_field_has_a_rule_and_a_docstring():
    """No field is left unchecked or undocumented, and the lists of fields name only fields."""
    names = {field.name for field in fields(ObservabilityConfig)}
    assert names == set(RULES) | set(SIGNALS)
    assert {field.name for field in fields(SignalConfig)} == set(SIGNAL_RULES)
    assert not OUTSIDE_FILE - names
    assert not {*LIMITS, *LIMITS.values()} - set(FIELD_NAMES)
    for owner in (ObservabilityConfig, SignalConfig):
        body = ast.parse(inspect.getsource(owner)).body[0].body
        for statement, following in itertools.pairwise(body):
            if isinstance(statement, ast.AnnAssign):
                assert isinstance(following, ast.Expr), f"{owner.__name__}.{statement.target.id} has no docstring"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_a_frozen_mapping_equals_hashes_and_pickles_at_any_depth(items):
    """Whatever is nested in it, two of equal items are equal, hash alike, and come out of a pickle the same."""
    one, two = FrozenMapping(items), FrozenMapping(copy.deepcopy(items))
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301 - our own bytes
    assert copy.deepcopy(one) == one
    assert list(one) == list(items)
    assert len(one) == len(items)
    assert repr(FrozenMapping({"a": 1})) == "{'a': 1}"
