"""Where the application configures logging after us and takes our processors or handlers away, health says so, with the mend."""

from __future__ import annotations

import pytest
from scripts import run

PROGRAM = """
    import logging, logging.config, sys
    import structlog
    from langswarm_otel import configure_observability
    if sys.argv[1] == "own first":
        structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
    obs = configure_observability("production", endpoint="http://127.0.0.1:9", shutdown_timeout_s=0.1, log_output="none")
    if sys.argv[1] == "dictConfig":
        logging.config.dictConfig({"version": 1, "root": {"handlers": [], "level": "INFO"}})
    if sys.argv[1] == "basicConfig":
        logging.basicConfig(force=True)
    if sys.argv[1] == "structlog":
        structlog.configure(processors=[structlog.processors.JSONRenderer()])
    if sys.argv[1] == "structlog with ours":
        from langswarm_otel import OTelLogProcessor
        structlog.configure(processors=[OTelLogProcessor(), structlog.processors.JSONRenderer()])
    print(obs.health().notes)
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("dictConfig", "stdlib log lines are no telemetry any more"),
        ("basicConfig", "stdlib log lines are no telemetry any more"),
        ("structlog", "structlog's lines are no telemetry any more"),
    ],
)
def test_what_was_taken_away_is_noticed(what, said):
    """One note each, that says what to do."""
    notes = run(PROGRAM, what).stdout
    assert said in notes
    assert "configure_observability()" in notes


@pytest.mark.parametrize("what", ["nothing", "own first", "structlog with ours"])
def test_nothing_is_said_where_all_is_in_place(what):
    """Also where the application came first, or brought our processor itself."""
    assert run(PROGRAM, what).stdout.strip() == "()"
