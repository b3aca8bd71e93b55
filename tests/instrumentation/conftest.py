"""The instrumentor on real LangSwarm, and LangSwarm as an import leaves it after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent


DEPRECATED = (
    r"ignore:datetime\.datetime\.utcnow\(\) is deprecated:DeprecationWarning",  # from Python 3.12 on
    r"ignore:The `dict` method is deprecated:DeprecationWarning",  # from pydantic 2 on
    r"ignore:'asyncio\.iscoroutinefunction' is deprecated:DeprecationWarning",  # from Python 3.14 on
)
"""What LangSwarm 0.1.0 calls and newer releases of Python warn of."""


def pytest_collection_modifyitems(items) -> None:
    """Warnings are errors in our tests, but for those that LangSwarm earns."""
    for item in items:
        if HERE in item.path.parents:
            for deprecated in DEPRECATED:
                item.add_marker(pytest.mark.filterwarnings(deprecated))


@pytest.fixture
def instrumented() -> Iterator[None]:
    """LangSwarm is instrumented for this test."""
    from langswarm_otel.instrumentation import LangSwarmInstrumentor

    instrumentor = LangSwarmInstrumentor()
    instrumentor.instrument()
    yield
    instrumentor.uninstrument()


@pytest.fixture(autouse=True)
def _langswarm_as_imported() -> Iterator[None]:
    """LangSwarm's registries, engine and provider slots leak from test to test; they are emptied, and the hooks are off.

    Before the test too: one of another folder may have configured a handle, which instruments LangSwarm for the rest of the process.
    """
    _forget_langswarm()
    yield
    _forget_langswarm()


def _forget_langswarm() -> None:
    if "swarm" in sys.modules:
        from langswarm_otel.instrumentation import LangSwarmInstrumentor

        LangSwarmInstrumentor().uninstrument()
        sys.modules["swarm"].forget_everything()
