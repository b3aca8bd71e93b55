"""A root logger without pytest's own handlers, for tests that ask for ``root``."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from log_records import bare_root


@pytest.fixture
def root() -> logging.Logger:
    """Return the root logger, which is bare while the test itself runs."""
    return logging.getLogger()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Bare it here: pytest adds its handlers after the fixtures have run."""
    if "root" not in pyfuncitem.fixturenames:
        return (yield)
    with bare_root():
        return (yield)
