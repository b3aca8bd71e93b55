"""The command as people start it: in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

from langswarm_otel.version import __version__


def run(*arguments, **options):
    command = [sys.executable, "-m", "langswarm_otel", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def test_help_names_every_command():
    """``--help`` is the way in."""
    done = run("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("demo", "doctor", "explain", "names"))


def test_the_version_is_that_of_the_package():
    """``--version`` says what is installed."""
    assert run("--version").stdout.strip() == f"langswarm-otel {__version__}"


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["demo", "--bogus"], ["names", "--format", "xml"], ["doctor", "--protocol", "smoke"]])
def test_a_command_line_that_makes_no_sense_exits_with_2(arguments):
    """The usage goes to stderr, nothing to stdout, and no traceback."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: langswarm-otel")


def test_a_reader_that_goes_away_is_no_error():
    """``langswarm-otel names | head`` ends quietly."""
    code = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'langswarm_otel', 'names'], stdout=subprocess.PIPE, "
    code += "stderr=subprocess.PIPE); p.stdout.close(); sys.stderr.write(p.stderr.read().decode()); sys.exit(p.wait())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""


def test_looking_at_names_loads_neither_the_sdk_nor_rich():
    """Each command imports what it uses when it runs."""
    code = "import sys; from langswarm_otel.cli import main; main(['names']); "
    code += (
        "sys.stderr.write(','.join(m for m in ('opentelemetry.sdk', 'rich', 'requests', 'grpc', 'google.protobuf') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_piped_output_has_no_colour():
    """What goes into a file is plain text."""
    done = run("doctor", "--endpoint", "http://collector.invalid:4318")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
