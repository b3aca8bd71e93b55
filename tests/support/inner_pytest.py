"""Runs of pytest inside a test, in a process of their own, with the plugin of this package."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import langswarm_otel

PLUGIN = "langswarm_otel.pytest_plugin"
ROOTS = [str(Path(langswarm_otel.__file__).parents[1]), str(Path(__file__).parent)]


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, with no other plugins than ours and those that the tests use."""
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "OTEL_"))}
    environment["PYTHONPATH"] = os.pathsep.join(ROOTS)
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = [option for name in (PLUGIN, "pytest_asyncio.plugin", "xdist.plugin") for option in ("-p", name)]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *plugins, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)
