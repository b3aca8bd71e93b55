"""What type checkers see of operations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import opentelemetry.sdk.metrics.export
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_types_are_kept():
    """Mypy, strict, agrees with every type that ``tests/typing/operations.py`` asserts, and finds the mistakes planted there."""
    pytest.importorskip("mypy")
    if not hasattr(opentelemetry.sdk.metrics.export, "CardinalityLimits"):
        pytest.skip("before opentelemetry-api 1.45.2 AnyValue is no type to mypy, so strict checks fail in OpenTelemetry's own annotations")
    command = [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", "tests/typing/operations.py"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
