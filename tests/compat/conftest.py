"""The drop-in on real LangSwarm, and LangSwarm as an import leaves it after each test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import langswarm_warnings
import pytest


def pytest_collection_modifyitems(items) -> None:
    langswarm_warnings.tolerate(items, Path(__file__).parent)


@pytest.fixture(autouse=True)
def _as_imported() -> Iterator[None]:
    """Slots, registries and hooks leak from test to test; they are emptied, before the test too."""
    _forget()
    yield
    _forget()


def _forget() -> None:
    from langswarm_otel.compat import notes, slots
    from langswarm_otel.instrumentation import LangSwarmInstrumentor

    slots._installed = None
    notes.say_once.cache_clear()
    LangSwarmInstrumentor().uninstrument()
    if "swarm" in sys.modules:
        sys.modules["swarm"].forget_everything()


@pytest.fixture
def provider(telemetry):
    """A provider in LangSwarm's slots, reporting into the capture of the test; the hooks are off."""
    from langswarm_otel.compat import ObservabilityProvider, set_observability_provider

    made = ObservabilityProvider()
    set_observability_provider(made)
    return made


@pytest.fixture
def instrumented() -> Iterator[None]:
    """The other door is open too."""
    from langswarm_otel.instrumentation import LangSwarmInstrumentor

    LangSwarmInstrumentor().instrument()
    yield
    LangSwarmInstrumentor().uninstrument()
