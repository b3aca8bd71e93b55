"""What several tests of the stack need."""

from __future__ import annotations

import pytest
from stack_commands import command
from stack_processes import program


@pytest.fixture
def directory(tmp_path):
    """A folder for a stack that is stopped in the end, whatever happened."""
    for name in ("otelcol-langswarm", "jaeger", "prometheus", "victoria-logs"):
        program(name)
    yield tmp_path / "stack"
    command("down", "--directory", tmp_path / "stack")
