"""The pytest plugin: a fixture ``telemetry`` that captures what a test emits. It imports nothing but pytest until it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from langswarm_otel.testing import Captured


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that gives the fixture its options."""
    config.addinivalue_line("markers", "telemetry(**options): options of langswarm_otel.testing.capture() for the fixture `telemetry`")


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[Captured]:
    """Spans, metrics and logs that this test emits, in memory and apart from every other test's.

    ``@pytest.mark.telemetry(content=True)`` passes options to ``langswarm_otel.testing.capture``.
    """
    from langswarm_otel.testing import capture  # noqa: PLC0415 - the SDK is loaded when a test asks for it

    marker = request.node.get_closest_marker("telemetry")
    with capture(**(marker.kwargs if marker is not None else {})) as captured:
        yield captured
