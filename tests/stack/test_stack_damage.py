"""What may stand in the folder of a stack, in its environment and on its ports: each is named, nothing of somebody else's is touched."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from stack_commands import command, is_running, servers
from stack_processes import RawServer, free_ports, program, until

from langswarm_otel.stack import StackError, settings
from langswarm_otel.stack.addresses import Ports
from langswarm_otel.stack.processes import RunningServer

pytestmark = pytest.mark.timeout(240)
SERVER = {"name": "Jaeger", "pid": 4_000_000, "born": "1", "health": "http://127.0.0.1:1", "page": "", "about": "", "log": "x"}


@pytest.mark.parametrize(
    "changes",
    [
        {"pid": -1, "born": None},
        {"pid": -1, "born": ""},
        {"pid": 0},
        {"pid": 1},
        {"pid": "7"},
        {"pid": True},
        {"born": None},
        {"health": "h"},
    ],
    ids=str,
)
def test_a_damaged_state_file_is_refused_and_no_process_is_looked_for(tmp_path, changes):
    """Minus one would be every process of the user. Nothing is signalled: the description itself is refused."""
    with pytest.raises((ValueError, TypeError)):
        RunningServer(**{**SERVER, **changes})
    (tmp_path / "stack.json").write_text(json.dumps({"ports": {}, "servers": [{**SERVER, **changes}]}))
    for action in ("status", "down"):
        done = command(action, "--directory", tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "does not say what runs" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_process_that_is_gone_was_never_alive_by_being_unknown():
    """No process and no time of its birth are not the same thing twice."""
    assert not RunningServer(**{**SERVER, "born": ""}).is_alive()
    with pytest.raises(ValueError, match="otlp_http -5 is no port"):
        Ports(otlp_http=-5)


@pytest.mark.parametrize("action", [("up", "--free-ports"), ("down", "--delete-data")])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, action):
    """Its `logs` and `metrics` are not ours to delete, its prometheus.yml not to be written over."""
    for name in ("logs", "metrics", "queue"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").write_text("mine")
    (tmp_path / "prometheus.yml").write_text("mine")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    for wanted in ("otelcol-langswarm", "jaeger", "prometheus", "victoria-logs"):
        program(wanted)
    done = command(*action, "--directory", tmp_path)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert (tmp_path / "prometheus.yml").read_text() == "mine"
    if action[0] == "up":
        assert (done.returncode, done.stderr) == (
            1,
            f"langswarm-otel stack: {tmp_path} holds files that are not of a stack; give --directory a new or empty folder\n",
        )
    else:
        assert (done.returncode, done.stdout) == (0, "nothing runs\n")


@pytest.mark.parametrize("action", ["up", "status", "down"])
def test_an_empty_folder_name_and_a_file_are_refused(tmp_path, action):
    """An unset variable of a shell would mean the present folder."""
    empty = command(action, "--directory", "")
    assert empty.returncode == 2
    assert "is empty; name a folder" in empty.stderr
    file = tmp_path / "file"
    file.write_text("")
    done = command(action, "--directory", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"langswarm-otel stack: {file} is a file; give the folder of a stack\n"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("REDACTION", "nonsense", "REDACTION='nonsense' is not redaction/content or redaction/credentials"),
        ("SPAN_METRICS_INTERVAL", "15", "SPAN_METRICS_INTERVAL='15' is not a time with its unit, such as 15s"),
        ("SPAN_METRICS_INTERVAL", "0s", "SPAN_METRICS_INTERVAL='0s' is not a time"),
        ("QUEUE_BYTES", "abc", "QUEUE_BYTES='abc' is not a number of bytes from 10000 on"),
        ("QUEUE_BYTES", "-1", "QUEUE_BYTES='-1' is not a number of bytes"),
        ("MEMORY_LIMIT_MIB", "50", "MEMORY_SPIKE_MIB=80 is not below MEMORY_LIMIT_MIB=50; set both"),
    ],
)
def test_a_wrong_setting_names_variable_value_and_mend(variable, value, says):
    """Before anything starts."""
    with pytest.raises(StackError, match=re.escape(says)):
        settings.read({variable: value})


def test_settings_that_are_empty_are_not_set():
    """As OpenTelemetry has it for every variable; the others are as they were given."""
    assert settings.read({"REDACTION": "", "SPAN_METRICS_INTERVAL": "500ms", "PATH": "/bin"}) == {"SPAN_METRICS_INTERVAL": "500ms"}


def test_other_settings_need_a_restart_and_the_same_do_not(directory):
    """Saying "ok" to a setting that does nothing would be a lie; an empty variable is none. What runs, runs on."""
    first = command("up", "--free-ports", "--directory", directory, REDACTION="")
    assert first.returncode == 0, first.stderr
    before = servers(directory)
    other = command("up", "--directory", directory, REDACTION="redaction/credentials")
    assert (other.returncode, other.stderr) == (
        1,
        "langswarm-otel stack: Collector runs with other settings or another version; `langswarm-otel stack down` first\n",
    )
    wrong = command("up", "--directory", directory, SPAN_METRICS_INTERVAL="15")
    assert wrong.returncode == 1
    assert "SPAN_METRICS_INTERVAL='15'" in wrong.stderr
    assert command("up", "--directory", directory).returncode == 0
    assert servers(directory) == before


@pytest.mark.parametrize("answer", [b"HTTP/1.0 200 OK\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"], ids=["200", "no HTTP"])
def test_another_program_in_the_place_of_a_dead_server_is_no_server_of_ours(directory, answer):
    """`status` says that it has ended and exits 1, `up` names the port that is taken."""
    assert command("up", "--free-ports", "--directory", directory).returncode == 0
    victim = next(server for server in servers(directory) if server["name"] == "Collector")
    os.kill(victim["pid"], signal.SIGKILL)
    assert until(lambda: not is_running(victim["pid"]))
    port = int(victim["health"].rpartition(":")[2])
    with until(lambda: RawServer(port, answer)):  # its sockets are closed a little later
        status = command("status", "--directory", directory)
        assert (status.returncode, status.stderr) == (1, "")
        assert re.search(r"FAIL  Collector .* has ended", status.stdout)
        up = command("up", "--directory", directory)
        assert up.returncode == 1
        assert re.search(r"port \d+ \(health\) is in use; stop what listens there", up.stderr), up.stderr
    again = command("up", "--directory", directory)
    assert again.returncode == 0, again.stderr
    assert (directory / "otelcol-langswarm.log.1").exists(), "what the dead one said"


def test_prometheus_of_a_stack_has_nothing_of_containers(directory):
    """A host that is called alertmanager in somebody's network gets no alert of ours."""
    assert command("up", "--free-ports", "--directory", directory).returncode == 0
    config = directory / "prometheus.yml"
    text = config.read_text()
    assert "alertmanager:9093" not in text
    assert "dns_sd_configs" not in text
    assert "job_name: collector\n" in text
    done = subprocess.run([program("promtool"), "check", "config", str(config)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "8 rules found" in done.stdout


@pytest.mark.parametrize("ending", ["| true", ">&-"])
def test_a_reader_that_is_gone_is_no_error(tmp_path, ending):
    """`| head`, or a standard output that was closed."""
    (tmp_path / "stack.json").write_text(json.dumps({"ports": {}, "servers": [SERVER] * 50}))
    line = f'"{sys.executable}" -m langswarm_otel stack status --directory "{tmp_path}" {ending}'
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.returncode in {0, 1}


def test_without_go_what_is_built_is_found(tmp_path, monkeypatch):
    """As in cron, an IDE or sudo, whose PATH has no Go: what any Go has made of the same sources runs."""
    from langswarm_otel.stack import building
    from langswarm_otel.stack.programs import build_of

    monkeypatch.setenv("LANGSWARM_OTEL_STACK_CACHE", str(tmp_path))
    wanted = build_of("victoria-logs")
    for name, made_of in (("other", "other"), ("same", building._digest(wanted).hexdigest())):
        folder = tmp_path / wanted.name / name
        folder.mkdir(parents=True)
        (folder / "victoria-logs").write_text("")
        (folder / "sources").write_text(made_of)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert building.find("victoria-logs") == tmp_path / wanted.name / "same" / "victoria-logs"
    assert building.find("jaeger") is None


def test_the_cache_of_nobody_is_named(tmp_path):
    """A home that there is not."""
    done = command("status", LANGSWARM_OTEL_STACK_CACHE="~nobody-of-this-name/x")
    assert done.returncode == 1
    assert done.stderr.startswith("langswarm-otel stack: LANGSWARM_OTEL_STACK_CACHE='~nobody-of-this-name/x': ")


def test_a_port_beside_those_of_the_stack_is_nobodys_page():
    """The demo names pages only where they are."""
    from langswarm_otel.cli import demo

    (port,) = free_ports(1)
    assert demo._local_pages(port, "0" * 32) is None
    assert demo._local_pages(4318, "0" * 32) is not None
    with socket.socket() as nobody:
        assert nobody.connect_ex(("127.0.0.1", port)) != 0
