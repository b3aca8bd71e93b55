"""The manifests are what Kubernetes accepts, say what collector-config says, and let through what must get through.

Plain manifests are checked against the schemas of Kubernetes. The operator's resources have no schema here: their configuration is
validated by the Collector, their own fields against the list of those that the operator's API (v1beta1) has and that are used.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from stack_processes import CONFIG, ROOT, program

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

FOLDER = ROOT / "deploy" / "kubernetes"
PLAIN = [FOLDER / name for name in yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]]
OPERATOR = [FOLDER / "operator" / "agent.yaml", FOLDER / "operator" / "gateway.yaml"]
RESOURCES = [resource for path in PLAIN for resource in yaml.safe_load_all(path.read_text())]
TIERS = {"otel-agent": "DaemonSet", "otel-gateway": "StatefulSet"}


def resource(kind, name):
    return next(one for one in RESOURCES if (one["kind"], one["metadata"]["name"]) == (kind, name))


def pod_of(name):
    return resource(TIERS[name], name)["spec"]["template"]["spec"]


def validate(path):
    return subprocess.run(
        [str(Path(sys.executable).parent / "kubernetes-validate"), "--strict", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("path", PLAIN, ids=lambda path: path.stem)
def test_kubernetes_accepts_it(path):
    """Against the schema of each kind, with no field that it does not know."""
    pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    done = validate(path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_does_not_accept_everything(tmp_path):
    """A misspelt field is refused, so the test above can fail."""
    pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((FOLDER / "gateway.yaml").read_text().replace("terminationGracePeriodSeconds", "terminationGraceSeconds"))
    assert validate(wrong).returncode != 0


def test_what_is_written_from_the_configuration_is_up_to_date():
    """`make kubernetes` would change nothing."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "kubernetes.py"), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", TIERS)
def test_the_collector_of_a_pod_finds_its_configuration(name, tmp_path):
    """The files of the ConfigMap, laid out as the pod mounts them, are validated with the pod's own variables."""
    pod = pod_of(name)
    data = resource("ConfigMap", "otelcol-config")["data"]
    for item in pod["volumes"][0]["configMap"]["items"]:
        file = tmp_path / item["path"]
        file.parent.mkdir(exist_ok=True)
        file.write_text(data[item["key"]])
    (container,) = pod["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]} | resource("ConfigMap", "otelcol-endpoints")["data"]
    config = container["args"][0].removeprefix("--config=/etc/otelcol/")
    done = subprocess.run(
        [program("otelcol-langswarm"), "validate", f"--config={tmp_path / config}"],
        env={**os.environ, **variables, "CONFIG_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = "\n".join(path.read_text() for path in CONFIG.rglob("*.yaml"))
    assert {variable for variable in variables if f"${{env:{variable}" not in read} <= {"GOMEMLIMIT"}


@pytest.mark.parametrize("path", OPERATOR, ids=lambda path: path.stem)
def test_the_operators_resource_has_a_configuration_that_the_collector_accepts(path, tmp_path):
    """Whole in itself, without another file; listening where the operator can read it."""
    given = yaml.safe_load(path.read_text())
    assert (given["apiVersion"], given["kind"]) == ("opentelemetry.io/v1beta1", "OpenTelemetryCollector")
    known = {
        *("image", "mode", "autoscaler", "env", "envFrom", "resources", "podSecurityContext", "securityContext", "tolerations"),
        *("terminationGracePeriodSeconds", "lifecycle", "volumes", "volumeMounts", "volumeClaimTemplates", "config"),
    }
    assert set(given["spec"]) <= known
    assert given["spec"]["mode"] == {"agent": "daemonset", "gateway": "statefulset"}[path.stem]
    assert given["spec"]["config"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] == "0.0.0.0:4317"
    text = json.dumps(given["spec"]["config"])
    assert "${file:" not in text
    assert ": null" not in text, "a null may be dropped on the way, and what it is the value of with it"
    (tmp_path / "config.yaml").write_text(text)
    done = subprocess.run(
        [program("otelcol-langswarm"), "validate", f"--config={tmp_path / 'config.yaml'}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_it_is_the_image_that_is_proved():
    """The same as in docker-compose.yml, which a test compares with what is built here."""
    compose = (ROOT / "docker-compose.yml").read_text()
    images = {pod_of(name)["containers"][0]["image"] for name in TIERS} | {
        yaml.safe_load(path.read_text())["spec"]["image"] for path in OPERATOR
    }
    (image,) = images
    assert f"image: {image}\n" in compose


@pytest.mark.parametrize("name", TIERS)
def test_a_pod_can_do_no_more_than_it_must(name):
    """The restricted standard of the namespace, limits, probes, and room for the runtime below the limit of memory."""
    pod = pod_of(name)
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= set(container["resources"]["limits"])
    ports = {port["name"] for port in container["ports"]}
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} <= ports
    limit = container["resources"]["limits"]["memory"]
    mib = int(limit[:-2]) * {"Mi": 1, "Gi": 1024}[limit[-2:]]
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert int(variables.get("MEMORY_LIMIT_MIB", 400)) <= 0.8 * mib
    assert int(variables["GOMEMLIMIT"].removesuffix("MiB")) <= 0.8 * mib


def test_a_gateway_that_ends_has_left_the_name_before_and_has_time_to_deliver():
    """It waits for agents to look again, for the roots of runs and for the delivery of what is decided, all within its grace period."""
    pod = pod_of("otel-gateway")
    (container,) = pod["containers"]
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    defaults = dict(re.findall(r"\$\{env:(\w+):-(\d+)s\}", "\n".join(path.read_text() for path in CONFIG.rglob("*.yaml"))))
    assert waits > int(defaults["GATEWAY_INTERVAL"]) + int(defaults["ROOT_WAIT"]) + 10
    assert pod["terminationGracePeriodSeconds"] > waits + 20
    assert "replicas" not in resource("StatefulSet", "otel-gateway")["spec"], "the autoscaler's number"


def test_an_agent_is_on_every_node():
    """The service leads to the agent on the same node, so a node without one could send nowhere."""
    assert pod_of("otel-agent")["tolerations"] == [{"operator": "Exists"}]
    assert resource("Service", "otel-agent")["spec"]["internalTrafficPolicy"] == "Local"


def test_agents_find_the_gateways_by_their_headless_service():
    """The name that the agent resolves is a service without an address of its own, of the pods of the gateway."""
    service = resource("Service", "otel-gateway")
    assert service["spec"]["clusterIP"] == "None"
    (container,) = pod_of("otel-agent")["containers"]
    host = next(one["value"] for one in container["env"] if one["name"] == "GATEWAY_HOST")
    assert host == "{name}.{namespace}.svc.cluster.local".format(**service["metadata"])
    assert service["spec"]["selector"] == resource("StatefulSet", "otel-gateway")["spec"]["template"]["metadata"]["labels"]


def test_selectors_select():
    """Services, budgets, the autoscaler and the policies are about pods that there are."""
    labels = {name: resource(kind, name)["spec"]["template"]["metadata"]["labels"] for name, kind in TIERS.items()}
    for one in RESOURCES:
        spec = one.get("spec", {})
        selector = spec.get("podSelector") or (spec.get("selector", {}) if one["kind"] == "Service" else spec.get("selector"))
        if one["kind"] in {"Service", "NetworkPolicy", "PodDisruptionBudget"}:
            assert (selector.get("matchLabels") or selector).items() <= labels[one["metadata"]["name"]].items()
    target = resource("HorizontalPodAutoscaler", "otel-gateway")["spec"]["scaleTargetRef"]
    assert resource(target["kind"], target["name"])


def test_the_policies_let_through_what_is_sent():
    """Each endpoint of endpoints.yaml is allowed to the tier that uses it, agents reach gateways, and nothing may go anywhere else."""
    used = {"otel-agent": ("METRICS_ENDPOINT", "LOGS_ENDPOINT"), "otel-gateway": ("TRACES_ENDPOINT", "METRICS_ENDPOINT")}
    endpoints = resource("ConfigMap", "otelcol-endpoints")["data"]
    for name, variables in used.items():
        rules = resource("NetworkPolicy", name)["spec"]["egress"]
        allowed = {
            (peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name"), port["port"])
            for rule in rules
            for peer in rule["to"]
            for port in rule["ports"]
        }
        needed = {(urlsplit(endpoints[one]).hostname.partition(".")[0], urlsplit(endpoints[one]).port) for one in variables}
        if name == "otel-agent":
            needed.add(("otel-gateway", 4317))
        assert allowed == needed | {(None, 53)}
        config = (CONFIG / f"{name.removeprefix('otel-')}.yaml").read_text()
        assert set(re.findall(r"env:(\w+_ENDPOINT)", config)) == set(variables)
