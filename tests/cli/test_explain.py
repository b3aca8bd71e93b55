"""``explain`` shows what would hold here: value and source of each setting, secrets masked."""

from __future__ import annotations

import pytest

from langswarm_otel.cli import main


def rows(capsys, *arguments):
    assert main(["explain", *arguments]) == 0
    return {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}


def test_each_setting_has_its_source(capsys, monkeypatch):
    """Argument, environment and preset, in this order of precedence."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-environment")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    shown = rows(capsys, "--preset", "serverless", "--service-name", "given", "--endpoint", "http://collector:4318")
    assert shown["service_name"].split() == ["service_name", "given", "argument"]
    assert shown["endpoint"].split()[1:] == ["http://collector:4318", "argument"]
    assert shown["queue_max_bytes"].endswith("preset serverless")
    assert "from-environment" not in "".join(shown.values())


def test_what_the_environment_says_is_shown_with_its_variable(capsys, monkeypatch):
    """A person finds the variable to change."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cr3t")
    shown = rows(capsys, "--changed")
    assert shown["endpoint"].endswith("environment OTEL_EXPORTER_OTLP_ENDPOINT")
    assert "OTEL_EXPORTER_OTLP_HEADERS" in shown["headers"]
    assert "s3cr3t" not in "".join(shown.values())
    assert "queue_max_bytes" not in shown


def test_nothing_starts_and_nothing_is_sent(otlp_server, capsys):
    """Explaining is looking only."""
    rows(capsys, "--endpoint", otlp_server.endpoint)
    assert otlp_server.requests == []


@pytest.mark.parametrize("arguments", [["--preset", "prodution"], ["--endpoint", "http://user:s3cr3t@x"], ["--sample-ratio", "2"]])
def test_wrong_settings_are_one_line_and_exit_1(capsys, arguments):
    """The message of the configuration, without a traceback."""
    assert main(["explain", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("langswarm-otel: ")
    assert error.count("\n") == 1
    assert "s3cr3t" not in error
