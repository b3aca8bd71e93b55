"""The instrumentor on real LangSwarm, and LangSwarm as an import leaves it after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import langswarm_warnings
import pytest


def pytest_collection_modifyitems(items) -> None:
    langswarm_warnings.tolerate(items, Path(__file__).parent)


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
