"""Presets: the table of the design, keyword overrides, names, and errors that help."""

from __future__ import annotations

import pytest

from langswarm_otel import environment, presets
from langswarm_otel.config import FIELD_NAMES, SIGNALS, ObservabilityConfig
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.overrides import Overrides
from langswarm_otel.settings.preset_values import DIFFERENCES, EXPORTERS, PRESET_NAMES

MIB = 1024 * 1024
TABLE = {
    #               exporters of traces, content, user id, log format, interval, queue,    deadline, signals
    "development": (("console",), True, True, "console", 10.0, 8 * MIB, 2.0, False),
    "testing": (("memory",), False, False, "console", None, 8 * MIB, 1.0, False),
    "production": (("otlp",), False, False, "json", 60.0, 64 * MIB, 5.0, False),
    "serverless": (("otlp",), False, False, "json", None, 16 * MIB, 2.0, True),
}


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_each_preset_is_as_the_table_says(name):
    """The values of the design's table, for each preset, made by function and by name."""
    config = getattr(presets, name)()
    assert config == presets.by_name(name)
    assert TABLE[name] == (
        config.exporters("traces"),
        config.capture_content,
        config.capture_user_id,
        config.log_format,
        config.export_interval_s,
        config.queue_max_bytes,
        config.shutdown_timeout_s,
        config.handle_signals,
    )
    assert (config.preset, config.sample_ratio, config.sampler) == (name, 1.0, None)


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_a_preset_is_ready_as_it_is(name):
    """Each preset resolves in an empty environment, and every setting then comes from the preset."""
    resolved = environment.resolve(presets.by_name(name), {})
    assert {setting.source for setting in resolved.settings} == {"argument", f"preset {name}", "inherited"}
    assert [setting.name for setting in resolved.settings if setting.source == "argument"] == ["preset"]


@pytest.mark.parametrize("name", ["production", "serverless"])
def test_otlp_presets_go_to_this_machine_by_default(name):
    """Without an endpoint OTLP goes to the Collector's default port on this machine."""
    config = environment.resolve(presets.by_name(name), {}).config
    assert [config.otlp(signal).url for signal in SIGNALS] == [f"http://localhost:4318/v1/{signal}" for signal in SIGNALS]
    assert config.endpoint == "http://localhost:4318"


def test_development_sends_nothing_without_an_endpoint():
    """The console is all there is, until an endpoint is given by argument, for all signals, or for one."""
    quiet = environment.resolve(presets.development(), {}).config
    assert {signal: quiet.exporters(signal) for signal in SIGNALS} == {"traces": ("console",), "metrics": (), "logs": ()}
    given = presets.development(endpoint="http://collector:4318")
    by_environment = environment.resolve(presets.development(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}).config
    for config in (environment.resolve(given, {}).config, by_environment):
        assert {signal: config.exporters(signal) for signal in SIGNALS} == {
            "traces": ("console", "otlp"),
            "metrics": ("otlp",),
            "logs": ("otlp",),
        }
    one = environment.resolve(presets.development(), {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://collector:4318/v1/logs"}).config
    assert {signal: one.exporters(signal) for signal in SIGNALS} == {"traces": ("console",), "metrics": (), "logs": ("otlp",)}


def test_testing_sends_nothing_even_with_an_endpoint():
    """Tests stay in memory, whatever endpoint the machine has in its environment."""
    config = environment.resolve(presets.testing(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}).config
    assert {config.exporters(signal) for signal in SIGNALS} == {("memory",)}


def test_the_defaults_of_the_class_are_production():
    """A configuration made directly equals the preset ``production``."""
    assert ObservabilityConfig() == presets.production()
    assert DIFFERENCES["production"] == {}


def test_overrides_win_and_are_remembered():
    """What the caller gives is used and noted, also where it equals the preset's own value."""
    config = presets.production(service_name="desk", sample_ratio=1.0)
    assert (config.service_name, config.sample_ratio) == ("desk", 1.0)
    assert config.explicit == {"preset", "service_name", "sample_ratio"}


def test_none_where_nothing_is_the_default_means_not_given():
    """An optional value can be passed on as it is: None leaves the say to the environment, but None that means something does not."""
    config = presets.production(endpoint=None, export_interval_s=None, max_attribute_length=None)
    assert config.explicit == {"preset", "export_interval_s", "max_attribute_length"}
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
        "OTEL_METRIC_EXPORT_INTERVAL": "5000",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9",
    }
    resolved = environment.resolve(config, environ).config
    assert (resolved.endpoint, resolved.export_interval_s, resolved.max_attribute_length) == ("http://c:4318", None, None)


@pytest.mark.parametrize("make", [presets.production, lambda **overrides: presets.by_name(None, **overrides)])
def test_an_unknown_keyword_is_an_error_with_a_hint(make):
    """A misspelt keyword is refused with the nearest name, and its value, which may be a secret, is not repeated."""
    with pytest.raises(ConfigurationError, match="did you mean 'headers'") as caught:
        make(haeders={"authorization": "hunter2"})
    assert caught.value.field == "haeders"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("keyword", ["preset", "explicit"])
def test_what_is_no_setting_is_no_override(keyword):
    """The preset's name and the book-keeping are not for the caller to set."""
    with pytest.raises(ConfigurationError, match=keyword):
        presets.production(**{keyword: "testing"})


@pytest.mark.parametrize("name", ["prodution", "PRODUCTION ", "", 5, ("production",), {}])
def test_an_unknown_preset_is_an_error(name):
    """An unknown name is refused, and the names there are stand in the message."""
    with pytest.raises(ConfigurationError, match="'production'"):
        presets.by_name(name)


def test_the_name_alone_is_no_preset():
    """The class refuses a preset's name whose values it was not given."""
    with pytest.raises(ConfigurationError, match=r"presets\.development"):
        ObservabilityConfig(preset="development")


def test_the_types_of_keywords_are_those_of_the_fields():
    """What editors and type checkers are told is what the configuration has."""
    annotations = {name: kind for name, kind in ObservabilityConfig.__annotations__.items() if name not in ("preset", "explicit")}
    described = {name: getattr(kind, "__forward_arg__", kind) for name, kind in Overrides.__annotations__.items()}
    assert described == annotations


def test_the_table_of_presets_is_sound():
    """Every preset has exporters for every signal, and changes only settings that exist."""
    assert set(DIFFERENCES) == set(EXPORTERS) == set(PRESET_NAMES)
    assert all(set(values) <= set(FIELD_NAMES) for values in DIFFERENCES.values())
    assert all(set(values) == set(SIGNALS) for values in EXPORTERS.values())
