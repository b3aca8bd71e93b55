"""`langswarm-otel stack` when something is wrong: each a clear word, a status of 1, and nothing left running."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from stack_commands import command, is_running, servers
from stack_processes import program, until

pytestmark = pytest.mark.timeout(240)
NEEDED = ("bash", "env")


def test_a_server_that_was_killed_is_named_and_started_again(directory):
    """`status` says which and where its log is; `up` starts that one alone, on the same ports, with its data."""
    assert command("up", "--free-ports", "--directory", directory).returncode == 0
    assert command("status", "--directory", directory).returncode == 0
    before = servers(directory)
    victim = next(server for server in before if server["name"] == "VictoriaLogs")
    os.kill(victim["pid"], 9)
    assert until(lambda: not is_running(victim["pid"]))
    ill = command("status", "--directory", directory)
    assert ill.returncode == 1
    assert re.search(r"FAIL  VictoriaLogs .* has ended; see \S+victoria-logs.log", ill.stdout)
    assert command("up", "--directory", directory).returncode == 0
    after = servers(directory)
    assert [one["pid"] for one in after if one["name"] != "VictoriaLogs"] == [one["pid"] for one in before if one["name"] != "VictoriaLogs"]
    assert next(one for one in after if one["name"] == "VictoriaLogs")["health"] == victim["health"]


def test_up_twice_is_one_stack_and_down_twice_is_none(directory):
    """The second says the same and starts nothing; what is stopped answers no more; with --delete-data its data is gone."""
    first = command("up", "--free-ports", "--directory", directory)
    second = command("up", "--directory", directory)
    assert (first.returncode, second.returncode) == (0, 0)
    assert second.stdout == first.stdout
    running = servers(directory)
    assert command("down", "--directory", directory).stdout.count("stopped") == 4
    assert not any(is_running(server["pid"]) for server in running)
    again = command("down", "--directory", directory, "--delete-data")
    assert (again.returncode, again.stdout) == (0, "nothing runs\n")
    assert not any((directory / name).exists() for name in ("logs", "metrics", "queue"))
    status = command("status", "--directory", directory)
    assert (status.returncode, status.stdout) == (1, "the stack is not up; start it with `langswarm-otel stack up`\n")


def test_two_ups_at_once_start_one_stack(directory):
    """The second waits for the first, then finds it."""
    arguments = [sys.executable, "-m", "langswarm_otel", "stack", "up", "--free-ports", "--directory", str(directory)]
    both = [subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=150) for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert printed[0] == printed[1]


def test_a_port_that_is_taken_is_named_with_its_use_and_the_mend(directory):
    """Nothing is started then."""
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 16686))
        except OSError:
            pytest.skip("something listens on 16686 already")
        taken.listen()
        done = command("up", "--directory", directory)
    assert done.returncode == 1
    assert re.fullmatch(
        r"langswarm-otel stack: port \d+ \(\w+\) is in use; stop what listens there, or give --free-ports\n", done.stderr
    ), done.stderr
    assert not (directory / "stack.json").exists()


def test_a_server_that_does_not_start_stops_the_others_and_shows_its_log(directory):
    """Here Prometheus, whose data folder is a file."""
    directory.mkdir()
    (directory / "stack.lock").write_text("")
    (directory / "metrics").write_text("in the way")
    done = command("up", "--free-ports", "--directory", directory)
    assert done.returncode == 1
    assert "Prometheus ended as it started:" in done.stderr
    assert "metrics" in done.stderr
    assert not (directory / "stack.json").exists()
    left = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(directory) not in left


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("after_s", [0.2, 0.4])
def test_a_signal_in_the_middle_of_up_leaves_nothing(directory, after_s, number):
    """What was started until then is stopped again, or was written down, so that `down` stops it."""
    arguments = [sys.executable, "-m", "langswarm_otel", "stack", "up", "--free-ports", "--directory", str(directory)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(after_s)
    process.send_signal(number)
    printed, _ = process.communicate(timeout=60)
    left = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
    if "send to it" in printed:  # it was quicker, and the signal came as it ended
        assert (directory / "stack.json").exists()
    else:
        assert process.returncode in {128 + number, -number}
        assert str(directory) not in left
        assert not (directory / "stack.json").exists()


def test_a_state_file_that_cannot_be_read_is_named(tmp_path):
    """With what to do about it."""
    (tmp_path / "stack.json").write_text("{")
    for action in ("status", "down", "up"):
        done = command(action, "--directory", tmp_path)
        assert done.returncode == 1
        assert f"{tmp_path / 'stack.json'} does not say what runs" in done.stderr


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """Here one below a file."""
    for name in ("otelcol-langswarm", "jaeger", "prometheus", "victoria-logs"):
        program(name)
    (tmp_path / "file").write_text("")
    done = command("up", "--free-ports", "--directory", tmp_path / "file" / "stack")
    assert done.returncode == 1
    assert re.fullmatch(r"langswarm-otel stack: .*Not a directory: '.*/file/stack'\n", done.stderr), done.stderr


def test_another_process_of_the_same_number_is_left_alone(directory):
    """After a reboot a number may be somebody else's: `down` must not stop that."""
    directory.mkdir()
    server = {"name": "Jaeger", "pid": os.getpid(), "born": "1", "health": "http://127.0.0.1:1", "page": "", "about": "", "log": "x"}
    ports = dict.fromkeys(("otlp_grpc", "otlp_http"), 1)
    (directory / "stack.json").write_text(json.dumps({"ports": ports, "servers": [server]}))
    done = command("down", "--directory", directory)
    assert (done.returncode, done.stdout) == (0, "nothing runs\n")


@pytest.fixture
def without_go(tmp_path):
    """A PATH with no Go, and an empty cache."""
    (tmp_path / "bin").mkdir()
    for name in NEEDED:
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    return {"PATH": str(tmp_path / "bin"), "LANGSWARM_OTEL_STACK_CACHE": str(tmp_path / "cache")}


def test_without_go_the_tests_are_skipped_not_failed(without_go, tmp_path):
    """`make test` goes on: --optional says what is missing and what follows from it. Without it, and for `up`, that is a failure."""
    optional = command("build", "--optional", **without_go)
    assert (optional.returncode, optional.stdout) == (0, "")
    says = "Go is not on PATH (https://go.dev/dl); put it there, or use docker compose\n"
    maven = "Maven is not on PATH (https://maven.apache.org/install.html)\n"
    names = "alertmanager, amtool, docker-compose, jaeger, kafka, otelcol-langswarm, prometheus, promtool, victoria-logs"
    without = f"without {names}; the tests that need them are skipped by name\n"
    assert optional.stderr == says + maven + without
    needed = command("build", **without_go)
    assert (needed.returncode, needed.stderr) == (1, f"langswarm-otel stack: {says}{maven}{without}")
    up = command("up", "--directory", tmp_path / "stack", **without_go)
    assert (up.returncode, up.stderr) == (1, f"langswarm-otel stack: {says}")


def test_what_is_built_is_not_built_again():
    """A repeated `make stack-tools` says nothing."""
    for name in ("otelcol-langswarm", "jaeger", "prometheus", "victoria-logs", "docker-compose", "alertmanager"):
        program(name)
    done = command("build")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_build_that_fails_says_why(tmp_path, monkeypatch):
    """The last lines of Go's own words; nothing half-built is left in the cache."""
    from langswarm_otel.stack import StackError, building, places
    from langswarm_otel.stack.programs import Build

    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    monkeypatch.setenv("LANGSWARM_OTEL_STACK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "modules", lambda: tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "go.mod").write_text("module broken.invalid/x\n\ngo 1.21\n\nrequire example.invalid/a v1.0.0\n")
    (tmp_path / "broken" / "go.sum").write_text("")
    said = []
    with pytest.raises(StackError, match=r"go build failed with status 1:\n.*example\.invalid"):
        building.build(Build(tool="go", name="broken", packages={"a": "example.invalid/a"}), say=said.append)
    assert said == ["building a 1.0.0 (once; some minutes)"]
    assert list((tmp_path / "cache" / "broken").iterdir()) == []


def test_a_build_waits_for_the_same_build_of_another_process(tmp_path, monkeypatch):
    """Two runs at once build one program: the lock of the build is held meanwhile."""
    from langswarm_otel.stack import building
    from langswarm_otel.stack.programs import Build

    monkeypatch.setenv("LANGSWARM_OTEL_STACK_CACHE", str(tmp_path))
    with building._only_one(Build(tool="go", name="one", packages={"a": "x"})), (tmp_path / "one.lock").open("w") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_edit_of_the_manifest_is_another_build(tmp_path, monkeypatch):
    """The key is made of the content, so a program built from something else is not found."""
    from langswarm_otel.stack import building, places
    from langswarm_otel.stack.programs import build_of

    program("otelcol-langswarm")
    (tmp_path / "builder.yaml").write_text((places.collector_config() / "builder.yaml").read_text())
    monkeypatch.setattr(places, "collector_config", lambda: tmp_path)
    assert building.find("otelcol-langswarm") is not None
    (tmp_path / "builder.yaml").write_text((tmp_path / "builder.yaml").read_text() + "# edited\n")
    assert building.find("otelcol-langswarm") is None
    assert build_of("otelcol-langswarm") in building.missing()


def test_a_program_that_nobody_knows():
    """Named, with those that there are."""
    from langswarm_otel.stack import StackError
    from langswarm_otel.stack.programs import build_of

    with pytest.raises(StackError, match="'loki' is no program of the stack; there are alertmanager, "):
        build_of("loki")


def test_the_stack_outlives_the_command_and_its_terminal(directory):
    """Its servers are in sessions of their own, so Ctrl-C in the shell that started them does not reach them."""
    assert command("up", "--free-ports", "--directory", directory).returncode == 0
    for server in servers(directory):
        assert os.getsid(server["pid"]) == server["pid"]
        with urllib.request.urlopen(server["health"], timeout=5) as answer:
            assert answer.status == 200
