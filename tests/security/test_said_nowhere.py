"""Headers, keys and passwords are in no log, explanation, health, repr or error of ours, whatever goes wrong."""

from __future__ import annotations

import logging

import pytest
from scripts import DEAD, run

from langswarm_otel import environment, presets
from langswarm_otel.errors import ConfigurationError

SECRET = "s3cr3t-value-7f3a"

PROGRAM = """
    import logging, pickle, sys
    logging.basicConfig(level=logging.DEBUG)
    from langswarm_otel import configure_observability
    try:
        obs = configure_observability("production", log_output="none", shutdown_timeout_s=0.5, timeout_s=0.3, **eval(sys.argv[1]))
        with obs.tool("t"):
            obs.log.info("line")
        obs.flush(1.0)
        print(obs.health(), obs.explain(), repr(obs), repr(obs.config), str(obs.config), obs.statistics())
    except Exception as error:
        import traceback
        traceback.print_exc()
"""

SETTINGS = {
    "header": {"endpoint": DEAD, "headers": {"authorization": f"Bearer {SECRET}"}},
    "header of a signal": {"endpoint": DEAD, "headers": {"x-api-key": SECRET}},
    "salt": {"endpoint": DEAD, "user_hash_salt": SECRET},
    "header that cannot be sent": {"endpoint": DEAD, "headers": {"authorization": f"{SECRET}\n"}},
    "header with a bad name": {"endpoint": DEAD, "headers": {"bad name": SECRET}},
    "password in the endpoint": {"endpoint": f"http://bob:{SECRET}@127.0.0.1:9"},
    "key in the query": {"endpoint": f"http://127.0.0.1:9/?key={SECRET}"},
    "setting under another name": {"endpoint": DEAD, "api_key": SECRET},
}

VARIABLES = {
    "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": f"x-api-key={SECRET},broken",
    "LANGSWARM_OTEL_USER_HASH_SALT": SECRET,
    "HTTP_PROXY": f"http://bob:{SECRET}@127.0.0.1:9",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_of_settings(name):
    """With every logger at DEBUG, and the endpoint dead."""
    ended = run(PROGRAM, repr(SETTINGS[name]))
    assert SECRET not in ended.stdout + ended.stderr
    assert ended.stdout or "ConfigurationError" in ended.stderr


@pytest.mark.parametrize("name", VARIABLES)
def test_of_variables(name):
    """The same from the environment."""
    ended = run(PROGRAM, repr({"endpoint": "http://localhost.invalid:4318" if name == "HTTP_PROXY" else DEAD}), **{name: VARIABLES[name]})
    assert SECRET not in ended.stdout + ended.stderr


def test_of_the_commands():
    """``explain`` and ``doctor`` show that there is a header, and not what it is."""
    for command in ("explain", "doctor"):
        program = f"import sys; sys.argv[1:] = ['{command}']; from langswarm_otel.cli import main; main()"
        variables = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{SECRET}", "OTEL_EXPORTER_OTLP_ENDPOINT": DEAD}
        ended = run(program, **variables)
        assert SECRET not in ended.stdout + ended.stderr
        assert ended.stdout


def test_an_error_names_field_and_mend_but_not_the_value(caplog):
    """Of a wrong header the name is told, never the value."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ConfigurationError) as caught:
        environment.resolve(presets.production(headers={"authorization": f"Bearer {SECRET}\r\nx: y"}), {})
    assert SECRET not in str(caught.value) + repr(caught.value) + caplog.text
    assert "authorization" in str(caught.value)
