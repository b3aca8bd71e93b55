"""The parts of a log record, compared with what the SDK makes of the same."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
import structlog
from opentelemetry.sdk._logs._internal import std_to_otel

from langswarm_otel.signals import log_fields


def test_severity_numbers_are_the_sdks():
    """Every stdlib level, also those between and beyond the named ones, has the severity that the SDK gives it."""
    for level in range(-5, 120):
        assert log_fields.severity_number(level) is std_to_otel(level)


@pytest.mark.parametrize(
    ("level", "text"), [("DEBUG", "DEBUG"), ("INFO", "INFO"), ("WARNING", "WARN"), ("ERROR", "ERROR"), ("CRITICAL", "FATAL")]
)
def test_severity_texts_are_opentelemetrys(level, text):
    """WARNING is WARN and CRITICAL is FATAL, as the data model's short names have it."""
    assert log_fields.severity_text(logging.getLevelName(level), level) == text


def test_a_level_of_the_applications_own_keeps_its_name():
    """A level that OpenTelemetry has no name for goes by the application's."""
    assert log_fields.severity_text(25, "notice") == "NOTICE"


MOMENT = dt.datetime(2026, 11, 22, 10, 20, 30, 123456, tzinfo=dt.timezone.utc)
NANOSECONDS = 1795342830_123456_000


@pytest.mark.parametrize(
    "value",
    [
        MOMENT,
        MOMENT.astimezone(dt.timezone(dt.timedelta(hours=2))),
        "2026-11-22T10:20:30.123456Z",
        "2026-11-22T12:20:30.123456+02:00",
    ],
)
def test_certain_times_are_kept_to_the_microsecond(value):
    """Aware datetimes and ISO texts with a zone arrive exactly."""
    assert log_fields.unix_nanoseconds(value) == NANOSECONDS


def test_unix_seconds_are_times():
    """What structlog's TimeStamper writes by default is a time; float has microseconds at best."""
    assert log_fields.unix_nanoseconds(1795342830.5) == 1795342830_500_000_000
    assert log_fields.unix_nanoseconds(1795342830) == 1795342830_000_000_000


@pytest.mark.parametrize(
    "value", ["2026-11-22T10:20:30", "10:20", "", None, True, -1, 1795342830123, dt.datetime(2026, 1, 1), [], float("nan"), float("inf")]
)
def test_uncertain_times_are_none(value):
    """Without a zone, in milliseconds, or no time at all: nothing is guessed."""
    assert log_fields.unix_nanoseconds(value) is None


class OddError(Exception):
    """An exception that cannot even be written down."""

    def __str__(self):
        raise RuntimeError("no")


def test_an_exception_becomes_the_three_standard_attributes():
    """Type with module (none for builtins), message, and a stack trace that shows where it was raised."""
    try:
        raise ValueError("broken")
    except ValueError as error:
        found = log_fields.exception_attributes(error)
    assert found["exception.type"] == "ValueError"
    assert found["exception.message"] == "broken"
    assert "raise ValueError" in found["exception.stacktrace"]
    assert log_fields.exception_type(OddError).endswith(".OddError")


def test_an_exception_whose_text_raises_is_recorded_all_the_same():
    """The type is known whatever ``__str__`` does."""
    try:
        raise OddError
    except OddError as error:
        found = log_fields.exception_attributes(error)
    assert found["exception.type"].endswith(".OddError")
    assert found["exception.message"] == ""
    assert "OddError" in found["exception.stacktrace"]


def test_exc_info_is_understood_in_all_its_forms():
    """An exception, a triple, and true inside an except block mean the same exception; true outside of one means none."""
    try:
        raise KeyError("k")
    except KeyError as error:
        forms = [error, (type(error), error, error.__traceback__), True, 1]
        meant = {id(log_fields.exception_of(form)) for form in forms}
        expected = {id(error)}
    assert meant == expected
    assert log_fields.exception_of(True) is None
    assert log_fields.exception_of((None, None, None)) is None
    assert log_fields.exception_of(None) is None


@pytest.mark.parametrize("transform", [structlog.processors.format_exc_info, structlog.processors.dict_tracebacks])
def test_what_a_chain_has_rendered_of_an_exception_is_read_again(transform):
    """Type and message come from the rendered text or tree, not from the live exception, which may hold what was redacted."""
    password = str(10**9 + 7)  # in a local variable, which dict_tracebacks holds
    try:
        raise LookupError("gone: today\nand tomorrow") from KeyError(len(password))
    except LookupError:
        rendered = transform(None, "error", {"event": "x", "exc_info": True})["exception"]
    found = log_fields.rendered_exception_attributes(rendered)
    assert found["exception.type"] == "LookupError"
    assert found["exception.message"] == "gone: today\nand tomorrow"
    assert "Traceback (most recent call last):\n  File " in found["exception.stacktrace"]
    assert "in test_what_a_chain" in found["exception.stacktrace"]
    assert password not in found["exception.stacktrace"]


def test_a_redacted_traceback_stays_redacted():
    """Text that ends in no exception line has no type and no message."""
    assert log_fields.rendered_exception_attributes("[left out on purpose]") == {"exception.stacktrace": "[left out on purpose]"}
    assert log_fields.rendered_exception_attributes(7) == {}
    assert log_fields.rendered_exception_attributes([{"odd": 1}]) == {"exception.stacktrace": "[{'odd': 1}]"}


def test_an_exception_under_its_own_key_is_one():
    """``log.error("x", exception=error)`` is an exception like any other, so the content gate knows its message."""
    assert log_fields.rendered_exception_attributes(ValueError("broken"))["exception.message"] == "broken"
