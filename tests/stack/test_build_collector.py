"""Building the Collector: instant when it is there, and a clear word instead of a failure where Go is absent."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "build_collector.sh"
NEEDED = ("bash", "cat", "cut", "dirname", "flock", "mkdir", "mktemp", "rm", "sed", "sha256sum", "tail")


@pytest.fixture
def path_without_go(tmp_path):
    """A PATH with what the script needs, and no Go."""
    for name in NEEDED:
        (tmp_path / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    return str(tmp_path)


def build(*arguments, path):
    return subprocess.run(
        [SCRIPT, *arguments], capture_output=True, text=True, timeout=60, check=False, env={"PATH": path, "HOME": "/nowhere"}
    )


def test_without_go_the_tests_are_skipped_not_failed(path_without_go):
    """``make test`` goes on; one line says what is missing and what follows from it."""
    done = build(path=path_without_go)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == ("Go is not installed (https://go.dev/dl); the tests that need the OpenTelemetry Collector will be skipped\n")
    assert build("--require", path=path_without_go).returncode == 1
    assert build("--path", path=path_without_go).returncode == 1


def test_a_collector_that_is_there_is_not_built_again(collector_binary):
    """A repeated ``make collector`` says nothing and takes no time."""
    begun = time.monotonic()
    done = subprocess.run([SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - begun < 20
    assert Path(collector_binary).is_file()
