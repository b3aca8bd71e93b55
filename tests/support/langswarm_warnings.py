"""Warnings are errors in our tests, but for those that LangSwarm 0.1.0 earns."""

from __future__ import annotations

from pathlib import Path

import pytest

DEPRECATED = (
    r"ignore:datetime\.datetime\.utcnow\(\) is deprecated:DeprecationWarning",  # from Python 3.12 on
    r"ignore:The `dict` method is deprecated:DeprecationWarning",  # from pydantic 2 on
    r"ignore:'asyncio\.iscoroutinefunction' is deprecated:DeprecationWarning",  # from Python 3.14 on
)
"""What LangSwarm calls, and newer releases of Python and pydantic warn of."""


def tolerate(items: list[pytest.Item], folder: Path) -> None:
    """Let the tests of a folder pass over them."""
    for item in items:
        if folder in item.path.parents:
            for deprecated in DEPRECATED:
                item.add_marker(pytest.mark.filterwarnings(deprecated))
