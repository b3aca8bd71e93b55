"""The common beginning of a work: the adapter, configured."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

LOG_FILE = "bench.log"
"""In the working directory, which is the measurement's own."""


def start(adapter: str, endpoint: str, *, sampled: bool = True) -> ModuleType:
    """Import the adapter and configure its library."""
    module = importlib.import_module(adapter)
    module.configure(endpoint, LOG_FILE, sampled=sampled)
    return module
