"""Which loggers stay out of the log pipeline."""

from __future__ import annotations

import pytest

from langswarm_otel.guard import logger
from langswarm_otel.log_sources import is_excluded


@pytest.mark.parametrize(
    "name",
    [
        "langswarm_otel",
        "langswarm_otel.export",
        "opentelemetry",
        "opentelemetry.sdk._logs",
        "urllib3.connectionpool",
        "requests",
        "grpc._channel",
    ],
)
def test_what_speaks_while_exporting_is_excluded(name):
    """Our own loggers, OpenTelemetry's and the exporters' clients are out, at any depth."""
    assert is_excluded(name)


@pytest.mark.parametrize(
    "name", ["", "root", "opentelemetry_shop", "urllib3x", "requests_cache", "langswarm", "httpx", "my.opentelemetry", "grpcio"]
)
def test_names_are_compared_whole(name):
    """A name that only begins alike, or that an application uses for its own calls, is not excluded."""
    assert not is_excluded(name)


def test_our_only_logger_is_excluded():
    """The logger that the whole distribution writes to never reaches its own pipeline."""
    assert is_excluded(logger.name)
