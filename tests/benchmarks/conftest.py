"""The benchmark is no part of the wheel: it is found in the checkout, without putting the checkout's package beside the one under test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "benchmarks"

if "benchmarks" not in sys.modules:
    spec = importlib.util.spec_from_file_location("benchmarks", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)])
    module = importlib.util.module_from_spec(spec)
    sys.modules["benchmarks"] = module
    spec.loader.exec_module(module)
