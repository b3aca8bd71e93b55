"""docker-compose.yml is sound without an engine: what one file names, another has; what should be closed is closed."""

from __future__ import annotations

import json
import re

import pytest
from stack_processes import CONFIG, ROOT

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DEPLOY = ROOT / "deploy" / "compose"
DATASOURCES = {
    one["uid"]: one for one in yaml.safe_load((DEPLOY / "grafana" / "datasources" / "langswarm.yaml").read_text())["datasources"]
}
DASHBOARDS = [json.loads(path.read_text()) for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")]
COLLECTORS = {name for name, one in SERVICES.items() if "opentelemetry-collector" in one["image"]}
# What an image listens on by itself; Collector and Jaeger listen where their files and environment say.
OF_IMAGES = {
    "prometheus": {9090},
    "grafana": {3000},
    "elasticsearch": {9200},
    "kibana": {5601},
    "alertmanager": {9093},
    "kafka": {9092, 9093},
}


def config_of(name):
    """The Collector's file of a service."""
    return (CONFIG / re.search(r"--config=/etc/otelcol/(\w+\.yaml)", " ".join(SERVICES[name]["command"])).group(1)).read_text()


def listening(name):
    """The ports that a service opens to the other containers."""
    if name in COLLECTORS:
        environment = SERVICES[name]["environment"]
        opened = {value for key, value in environment.items() if value and value.startswith("0.0.0.0:") and f"env:{key}" in config_of(name)}
        own = re.search(r"SELF_METRICS_PORT:-(\d+)", config_of(name))
        return {int(value.rpartition(":")[2]) for value in opened} | {int(own.group(1))}
    if name == "jaeger":
        return {int(port) for port in re.findall(r"_PORT:-(\d+)", (DEPLOY / "jaeger.yaml").read_text())}
    return OF_IMAGES.get(name, set())


def texts_with_addresses():
    """Every text that names another service by host and port."""
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            yield f"{name}: {key}", str(value)
    for path in ("prometheus.yml", "alertmanager.yml", "grafana/datasources/langswarm.yaml"):
        yield path, "\n".join(line for line in (DEPLOY / path).read_text().splitlines() if not line.lstrip().startswith("#"))
    for path in CONFIG.glob("*.yaml"):
        # What stands after `:-` holds on one machine without containers, except for names that only containers have.
        yield path.name, " ".join(re.findall(r":-(?!localhost|127|0\.)([a-z-]+:\d+)", path.read_text()))


ADDRESS = re.compile(r"(?:://|[\s\[\"@])([a-z][a-z-]*):(\d{2,5})\b")


def test_every_address_is_one_where_somebody_listens():
    """Host and port of each address are a service of the file and a port that it opens."""
    found = [(where, host, int(port)) for where, text in texts_with_addresses() for host, port in ADDRESS.findall(f" {text} ")]
    assert len(found) > 15
    for where, host, port in found:
        assert host in SERVICES, f"{where}: {host}"
        assert port in listening(host), f"{where}: {host}:{port}, which opens {sorted(listening(host))}"


def test_every_published_port_is_bound_to_this_machine_and_leads_to_a_listener():
    """Nothing of the stack can be reached from outside, and no port leads nowhere; no two services want the same."""
    taken = []
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            host, published, target = port.rsplit(":", 2)
            assert host == "127.0.0.1"
            assert int(target) in listening(name)
            first, _, last = published.partition("-")
            taken += range(int(first), int(last or first) + 1)
    assert len(taken) == len(set(taken)) >= 10


def test_prometheus_finds_the_collectors_of_both_tiers():
    """The name that it asks for is one that each of them has, besides the one that is named by itself."""
    jobs = {job["job_name"]: job for job in yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"]}
    (name,) = jobs["collector-tiers"]["dns_sd_configs"][0]["names"]
    having = {one for one, service in SERVICES.items() if name in service.get("networks", {}).get("default", {}).get("aliases", ())}
    assert having == COLLECTORS - {"collector"}
    assert {jobs["collector-tiers"]["dns_sd_configs"][0]["port"]} == {8888}


def test_the_gateways_that_publish_have_a_port_each():
    """As many host ports as replicas, or the second would not start."""
    for service in SERVICES.values():
        replicas = service["deploy"].get("replicas", 1)
        for port in service.get("ports", ()):
            first, _, last = port.rsplit(":", 2)[1].partition("-")
            assert int(last or first) - int(first) + 1 == replicas


def test_every_mounted_file_exists_and_is_read_only():
    """A missing file would be mounted as an empty folder, without an error."""
    mounted = [volume for service in SERVICES.values() for volume in service.get("volumes", ()) if volume.startswith("./")]
    assert len(mounted) >= 8
    for volume in mounted:
        path, _, mode = volume.split(":")
        assert (ROOT / path).exists(), path
        assert mode == "ro"


def test_every_volume_is_declared_and_used():
    """A queue or a store without a volume would be gone with its container."""
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ()) if not volume.startswith("./")}
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_can_do_no_more_than_it_must(name):
    """No capability, no new privilege, no root, a limit; written to only where that is said."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"memory", "cpus"} <= set(service["deploy"]["resources"]["limits"])
    assert re.fullmatch(r".+:v?\d+\.\d+\.\d+", service["image"]), "a tag with a version, never a moving one"
    assert not service.get("privileged")
    if name == "queue-owner":  # gives the volumes of the queues to the Collector's user, and ends
        assert (service["user"], service["cap_add"], service["network_mode"]) == ("0:0", ["CHOWN"], "none")
    else:
        assert int(service["user"].partition(":")[0]) > 0
        assert "cap_add" not in service
    assert service["read_only"] is (name not in {"elasticsearch", "kibana", "kafka"})


@pytest.mark.parametrize("name", sorted(COLLECTORS))
def test_a_collector_has_room_for_what_it_may_take(name):
    """Its limits of memory and, where that is memory too, its queues fit into what the container may have."""
    service, environment = SERVICES[name], SERVICES[name]["environment"]
    limit = service["deploy"]["resources"]["limits"]["memory"]
    mib = int(limit[:-1]) * {"M": 1, "G": 1024}[limit[-1]]
    in_memory = [int(re.search(r"size=(\d+)m", one).group(1)) for one in service.get("tmpfs", ())]
    assert int(environment["GOMEMLIMIT"].removesuffix("MiB")) + sum(in_memory) <= 0.9 * mib
    assert int(environment.get("MEMORY_LIMIT_MIB", 400)) <= int(environment["GOMEMLIMIT"].removesuffix("MiB"))
    queues = config_of(name).count("queue_size:")
    for size in in_memory:
        assert queues * int(environment["QUEUE_BYTES"]) < size * 2**20


TRACE_KIB = 24  # a dozen spans with a dozen attributes, as measured on Jaeger's memory


def test_traces_that_wait_for_their_decision_fit_below_the_memory_limit():
    """Or a gateway would refuse the roots on whose arrival it would be free, until DECISION_WAIT is over."""
    files = "\n".join(path.read_text() for path in CONFIG.rglob("*.yaml"))

    def default(name):
        return re.search(rf"env:{name}:-(\d+)", files).group(1)

    stateful = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "gateway.yaml").read_text())
    pod = next(one for one in stateful if one["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    in_kubernetes = {one["name"]: one["value"] for one in pod["containers"][0]["env"]}
    for given in ({}, SERVICES["gateway"]["environment"], SERVICES["gateway-kafka"]["environment"], in_kubernetes):
        traces, limit, spike = (
            int(re.search(r"\d+", str(given.get(name) or default(name))).group())
            for name in ("TRACES_IN_MEMORY", "MEMORY_LIMIT_MIB", "MEMORY_SPIKE_MIB")
        )
        assert traces * TRACE_KIB / 1024 < 0.8 * (limit - spike)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - COLLECTORS - {"queue-owner"}))
def test_every_image_with_a_shell_has_a_health_check_on_a_port_of_its_own(name):
    """The Collector's image has no shell; its health is asked from outside, on 13133."""
    command = " ".join(SERVICES[name]["healthcheck"]["test"])
    assert int(re.search(r"localhost:(\d+)", command).group(1)) in listening(name)


def test_dependencies_wait_for_what_can_be_waited_for():
    """On a service with a health check one waits until it is healthy."""
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if other == "queue-owner" else "service_healthy"
            assert how["condition"] == (expected if "healthcheck" in SERVICES[other] or other == "queue-owner" else "service_started")


def test_what_a_service_depends_on_is_there_in_each_of_its_profiles():
    """A service of a profile depends on services of that profile or of none."""
    for service in SERVICES.values():
        for other in service.get("depends_on", {}):
            assert not SERVICES[other].get("profiles") or set(service.get("profiles", ())) <= set(SERVICES[other]["profiles"])


def test_every_variable_that_a_collector_gets_is_read():
    """A misspelt name would change nothing, without a word."""
    read_by_all = {"GOMEMLIMIT"}
    files = "\n".join(path.read_text() for path in CONFIG.rglob("*.yaml"))
    for name in COLLECTORS:
        for variable in SERVICES[name]["environment"]:
            assert f"${{env:{variable}" in files or variable in read_by_all, f"{name}: {variable}"


def test_what_the_documentation_lets_people_set_reaches_every_collector():
    """Each variable of the table that is not an address of the container itself is passed on from the shell or .env."""
    table = re.findall(
        r"^\| (`.+?`) \|", (ROOT / "docs" / "stack.md").read_text().partition("### Settings")[2].partition("\n## ")[0], re.MULTILINE
    )
    settable = {name for row in table for name in re.findall(r"`([A-Z_]+)`", row)}
    own = {name for name in settable if name.endswith(("_ENDPOINT", "_LISTEN"))} | {
        *("SELF_METRICS_HOST", "SELF_METRICS_PORT", "QUEUE_DIRECTORY", "QUEUE_BYTES", "CONFIG_DIRECTORY", "MEMORY_LIMIT_MIB"),
        *("MEMORY_SPIKE_MIB", "GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_INTERVAL", "GATEWAY_INSECURE", "KAFKA_BROKER", "KAFKA_CLIENT_ID"),
    }
    for name in COLLECTORS:
        assert settable - own <= set(SERVICES[name]["environment"]), name


def test_what_the_files_read_inside_a_container_is_mounted_there():
    """Jaeger's page settings, Prometheus' rules, the key of PagerDuty: the path in the file is the target of a mount or a secret."""
    mounted = {volume.split(":")[1] for service in SERVICES.values() for volume in service.get("volumes", ())}
    mounted |= {f"/run/secrets/{name}" for service in SERVICES.values() for name in service.get("secrets", ())}
    read = {
        path
        for file in DEPLOY.glob("*.y*ml")
        for path in re.findall(r"(?:[:-]|^) ?-?(/(?:etc|run)/[\w./-]+\w)", file.read_text(), re.MULTILINE)
    }
    assert len(read) >= 3
    for path in read:
        assert any(path == target or path.startswith(f"{target}/") for target in mounted), path


def test_data_sources_lead_to_one_another():
    """Every data source that one names is provisioned, and the way leads from metric to trace to log line and back."""
    named = re.findall(r"datasourceUid: (\S+)", (DEPLOY / "grafana" / "datasources" / "langswarm.yaml").read_text())
    assert set(named) == set(DATASOURCES) == {"prometheus", "jaeger", "logs"}
    metrics, traces, logs = (DATASOURCES[uid]["jsonData"] for uid in ("prometheus", "jaeger", "logs"))
    assert metrics["exemplarTraceIdDestinations"][0] == {"name": "trace_id", "datasourceUid": "jaeger"}
    assert traces["tracesToLogsV2"]["datasourceUid"] == "logs"
    assert traces["tracesToMetrics"]["datasourceUid"] == "prometheus"
    assert logs["dataLinks"][0]["datasourceUid"] == "jaeger"


def test_dashboards_are_whole():
    """Panels with ids of their own that do not overlap, queries on provisioned data sources, variables that are defined."""
    assert DASHBOARDS
    for dashboard in DASHBOARDS:
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        places = [
            (x, y)
            for panel in panels
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        ]
        assert len(places) == len(set(places))
        assert max(x for x, _ in places) < 24
        defined = {variable["name"] for variable in dashboard["templating"]["list"]} | {"__rate_interval", "__all"}
        assert set(re.findall(r"\$(\w+)", json.dumps(panels))) <= defined
        for panel in panels:
            for target in panel["targets"]:
                assert target["datasource"]["uid"] in DATASOURCES


def test_a_secret_is_a_file_outside_of_the_repository():
    """Read from a mount where it is used, ignored by git, and in no folder that goes into the wheel."""
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"].startswith("./deploy/compose/secrets/")
        assert f"/run/secrets/{name}" in (DEPLOY / "alertmanager.yml").read_text()
    assert "deploy/compose/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    packaged = re.findall(r'^"(deploy/compose\S*)" = ', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packaged
    assert not [path for path in packaged if "deploy/compose/secrets/key".startswith(path)]
