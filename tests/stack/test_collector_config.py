"""What people start on their machine is sound: the Collector reads its file, every port is local, every mounted file exists."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_the_collector_accepts_its_configuration(collector_binary):
    """The real program, built of exactly the components in builder.yaml, validates local.yaml."""
    done = subprocess.run(
        [collector_binary, "validate", f"--config=file:{ROOT / 'collector-config' / 'local.yaml'}"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_every_published_port_is_bound_to_this_machine():
    """Nothing of the local stack can be reached from outside."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) >= 6
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_every_image_is_pinned():
    """A tag with a version, never a moving one."""
    for service in SERVICES.values():
        tag = service["image"].rpartition(":")[2].lstrip("v")
        assert tag[0].isdigit()
        assert tag.count(".") == 2


def test_every_mounted_file_exists():
    """A missing file would be mounted as an empty folder, without an error."""
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ()) if volume.startswith("./")]
    assert mounted
    assert [path for path in mounted if not (ROOT / path).is_file()] == []


def test_the_collector_sends_where_its_neighbours_listen():
    """The endpoints in the environment of the Collector name services of the file."""
    environment = SERVICES["collector"]["environment"]
    assert environment["TRACES_ENDPOINT"] == "http://jaeger:4318"
    assert environment["METRICS_ENDPOINT"].startswith("http://prometheus:9090/")
    assert {"jaeger", "prometheus", "grafana", "collector"} == set(SERVICES)


def test_the_collector_listens_where_its_ports_are_published():
    """Each published port of the Collector is one that its environment opens to the container's network."""
    opened = {value.rpartition(":")[2] for value in SERVICES["collector"]["environment"].values() if value.startswith("0.0.0.0:")}
    assert {port.rpartition(":")[2] for port in SERVICES["collector"]["ports"]} == opened
