"""The explanation: every setting, its value and its exact source, for programs and for people."""

from __future__ import annotations

import pickle
from dataclasses import fields

import pytest

from langswarm_otel import environment, presets
from langswarm_otel.config import FIELD_NAMES, SIGNALS, SignalConfig
from langswarm_otel.explain import INHERITED, Explanation, Setting


def explain(config=None, **environ):
    return environment.resolve(config or presets.production(), environ).explain()


def test_every_field_is_explained_once():
    """There is one row for each field, and for each field of each signal, in the order of the configuration."""
    names = [setting.name for setting in explain()]
    own = {signal: [f"{signal}.{field.name}" for field in fields(SignalConfig)] for signal in SIGNALS}
    assert sorted(names) == sorted([name for name in FIELD_NAMES if name not in SIGNALS] + [name for rows in own.values() for name in rows])
    assert names[0] == "preset"


def test_sources_are_exact():
    """Argument, environment (with the variable's name) and preset are told apart."""
    explanation = explain(
        presets.serverless(endpoint="http://collector:4318"), OTEL_SERVICE_NAME="desk", OTEL_EXPORTER_OTLP_LOGS_TIMEOUT="3"
    )
    assert explanation.get("preset") == Setting("preset", "serverless", "argument")
    assert explanation.get("endpoint") == Setting("endpoint", "http://collector:4318", "argument")
    assert explanation.get("service_name") == Setting("service_name", "desk", "environment OTEL_SERVICE_NAME")
    assert explanation.get("queue_max_bytes") == Setting("queue_max_bytes", 16 * 1024 * 1024, "preset serverless")
    assert explanation.get("logs.timeout_s") == Setting("logs.timeout_s", 3.0, "environment OTEL_EXPORTER_OTLP_LOGS_TIMEOUT")
    assert explanation.get("traces.timeout_s").source == INHERITED


def test_the_table_is_aligned_and_leaves_out_what_is_inherited():
    """One line a setting, three columns that begin at the same place, and no row for a signal's setting that is not set."""
    explanation = explain(presets.production(service_name="desk"), OTEL_TRACES_EXPORTER="console")
    lines = str(explanation).splitlines()
    column = lines[0].index("value")
    assert lines[0].split() == ["setting", "value", "source"]
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)
    assert any(line.split() == ["service_name", "desk", "argument"] for line in lines)
    assert any(line.split() == ["traces.exporters", "console", "environment", "OTEL_TRACES_EXPORTER"] for line in lines)
    assert not any(line.startswith("traces.endpoint") for line in lines)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        ("", "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (0.25, "0.25"),
        (60.0, "60"),
        ((), "none"),
        (("a", "b"), "a, b"),
        ({"k": "***"}, "k=***"),
        ({}, "-"),
    ],
)
def test_values_are_written_for_people(value, text):
    """Values read well, and 0 is not taken for False."""
    assert Explanation([Setting("x", value, "argument")]).rows() == [("x", text, "argument")]


def test_it_is_a_sequence_and_a_value():
    """It has a length, can be indexed, sliced and looked up, compares by its rows, and can be pickled."""
    one, two = Setting("a", 1, "argument"), Setting("b", {"k": "v"}, "default")
    explanation = Explanation([one, two])
    assert (len(explanation), explanation[0], explanation[1:], list(explanation)) == (2, one, (two,), [one, two])
    assert explanation == Explanation((one, two)) != Explanation([one])
    assert hash(explanation) == hash(Explanation((one, two)))
    assert pickle.loads(pickle.dumps(explanation)) == explanation  # noqa: S301 - our own bytes
    with pytest.raises(KeyError):
        explanation.get("c")


def test_secrets_are_masked_everywhere():
    """Header values, the salt and a query are in no row, no table and no representation; header names and hosts are."""
    config = presets.production(
        headers={"Authorization": "Bearer canary-1"},
        user_hash_salt="canary-2",
        traces=SignalConfig(endpoint="http://collector/v1/traces?key=canary-3", headers={"x-key": "canary-4"}),
    )
    resolved = environment.resolve(
        config, {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=canary-5", "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "b=canary-6"}
    )
    explanation = resolved.explain()
    shown = f"{explanation} {explanation!r} {resolved!r} {config!r} {resolved.config.otlp('traces')!r} {list(explanation)}"
    assert "canary" not in shown
    assert all(word in shown for word in ("authorization", "api-key", "x-key", "http://collector/v1/traces"))
