"""Every file of the stack is accepted by the program that reads it, and the versions that are proved are those that people start."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from stack_processes import CONFIG, ROOT, program

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

COMPOSE = ROOT / "docker-compose.yml"
DEPLOY = ROOT / "deploy" / "compose"
MODULES = ROOT / "langswarm_otel" / "stack" / "modules"
SERVICES = yaml.safe_load(COMPOSE.read_text())["services"]
PROFILES = sorted({profile for service in SERVICES.values() for profile in service.get("profiles", ())})
CONFIGS = sorted(path.name for path in CONFIG.glob("*.yaml") if path.name != "builder.yaml")


def run(*command, **options):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=50, check=False, **options)


@pytest.mark.parametrize("names", [*([name] for name in CONFIGS), ["local.yaml", "logs.yaml"]], ids="+".join)
def test_the_collector_accepts_it(names, monkeypatch):
    """The real program, built of exactly the components in builder.yaml, validates it, parts included."""
    monkeypatch.setenv("CONFIG_DIRECTORY", str(CONFIG))
    done = run(program("otelcol-langswarm"), "validate", *(f"--config={CONFIG / name}" for name in names))
    assert done.returncode == 0, done.stderr


def test_the_collector_does_not_accept_everything(monkeypatch):
    """A processor that is nowhere defined is refused, so the test above can fail."""
    monkeypatch.setenv("CONFIG_DIRECTORY", str(CONFIG))
    done = run(
        program("otelcol-langswarm"),
        "validate",
        f"--config={CONFIG / 'local.yaml'}",
        "--config=yaml:service::pipelines::logs::processors: [nobody]",
    )
    assert done.returncode != 0
    assert "nobody" in done.stderr


def test_component_names_are_present_ones():
    """Every type is one that the built program lists under its present name, not a deprecated alias; and every component built is used."""
    listed = yaml.safe_load(run(program("otelcol-langswarm"), "components").stdout)
    used = set()
    for name in CONFIGS:
        config = yaml.safe_load((CONFIG / name).read_text())
        for kind in ("receivers", "processors", "exporters", "connectors", "extensions"):
            present = {component["name"] for component in listed[kind]}
            for identity in config.get(kind, {}):
                component = identity.partition("/")[0]
                assert component in present, f"{name}: {kind} {identity}"
                used.add((kind, component))
    built = {(kind, one["name"]) for kind in ("receivers", "processors", "exporters", "connectors", "extensions") for one in listed[kind]}
    assert built == used


def test_memory_limiter_is_the_first_processor_and_nothing_batches_before_the_queue():
    """Except in pipelines that begin at a connector of the same Collector, whose data has passed one already."""
    for name in CONFIGS:
        config = yaml.safe_load((CONFIG / name).read_text())
        for pipeline in config["service"]["pipelines"].values():
            if set(pipeline["receivers"]) & {"otlp", "kafka"}:
                assert pipeline["processors"][0] == "memory_limiter"
        assert "batch" not in config["processors"]
        for exporter, settings in config["exporters"].items():
            if exporter != "debug":
                assert settings["sending_queue"]["storage"] == "file_storage", f"{name}: {exporter}"


def test_no_identity_and_no_content_is_a_dimension():
    """A conversation, a user or a response would each be a series of its own."""
    from langswarm_otel import semconv

    dimensions = {one["name"] for one in yaml.safe_load((CONFIG / "parts" / "span_metrics.yaml").read_text())["dimensions"]}
    assert {semconv.OPERATION_NAME, semconv.PROVIDER_NAME, semconv.REQUEST_MODEL, semconv.AGENT_NAME, semconv.TOOL_NAME} <= dimensions
    assert not {name for name in dimensions if re.search(r"conversation|session|user|response|\.id$|messages|arguments|result", name)}


def test_prometheus_accepts_its_configuration(tmp_path):
    """Promtool 3, with the rules where the container has them."""
    text = (DEPLOY / "prometheus.yml").read_text().replace("/etc/prometheus/rules", str(DEPLOY / "rules"))
    (tmp_path / "prometheus.yml").write_text(text)
    done = run(program("promtool"), "check", "config", "--lint-fatal", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 rules found" in done.stdout
    wrong = run(program("promtool"), "check", "config", tmp_path / "none.yml")
    assert wrong.returncode != 0


def test_the_rules_fire_when_the_pipeline_is_ill(tmp_path):
    """Promtool runs each rule on series of a healthy and of an ill Collector."""
    labels = 'instance="collector:8888",job="collector"'
    ill = [
        {"series": f"up{{{labels}}}", "values": "1 1 0x20"},
        {"series": 'up{instance="10.0.0.7:8888",job="collector-tiers"}', "values": "1x10 stale"},
        {"series": f'otelcol_receiver_refused_spans{{{labels},receiver="otlp"}}', "values": "0+10x20"},
        {"series": f'otelcol_exporter_send_failed_spans{{{labels},exporter="otlp_http/traces"}}', "values": "0+10x20"},
        {"series": f'otelcol_exporter_sent_spans{{{labels},exporter="otlp_http/traces"}}', "values": "7x20"},
        {"series": f"otelcol_processor_tail_sampling_sampling_trace_dropped_too_early{{{labels}}}", "values": "0+10x20"},
        {"series": f'otelcol_exporter_queue_size{{{labels},exporter="otlp_http/traces"}}', "values": "90x20"},
        {"series": f'otelcol_exporter_queue_capacity{{{labels},exporter="otlp_http/traces"}}', "values": "100x20"},
    ]
    well = [
        {"series": f"up{{{labels}}}", "values": "1x20"},
        {"series": 'up{instance="10.0.0.7:8888",job="collector-tiers"}', "values": "1x20"},
        {"series": f'otelcol_receiver_refused_spans{{{labels},receiver="otlp"}}', "values": "5x20"},
        {"series": f'otelcol_exporter_sent_spans{{{labels},exporter="otlp_http/traces"}}', "values": "0+10x20"},
        {"series": f'otelcol_exporter_queue_size{{{labels},exporter="otlp_http/traces"}}', "values": "10x20"},
        {"series": f'otelcol_exporter_queue_capacity{{{labels},exporter="otlp_http/traces"}}', "values": "100x20"},
    ]
    rules = yaml.safe_load((DEPLOY / "rules" / "pipeline.yml").read_text())["groups"][0]["rules"]
    names = [rule["alert"] for rule in rules if rule["alert"] != "Watchdog"]

    def fired(series):
        """Which alerts fire, by asking promtool to expect none."""
        expected = [{"eval_time": "15m", "alertname": name, "exp_alerts": []} for name in names]
        tests = [{"interval": "1m", "input_series": series, "alert_rule_test": expected}]
        content = {"rule_files": [str(DEPLOY / "rules" / "pipeline.yml")], "evaluation_interval": "1m", "tests": tests}
        (tmp_path / "test.yml").write_text(json.dumps(content))
        done = run(program("promtool", installed="promtool"), "test", "rules", tmp_path / "test.yml")
        return {name for name in names if re.search(rf"alertname: ?{name}\b", done.stdout + done.stderr)}

    assert fired(well) == set()
    assert fired(ill) == set(names)


def test_alertmanager_accepts_its_configuration_and_pages_for_what_is_critical():
    """Amtool reads the file and says where an alert goes."""
    file = DEPLOY / "alertmanager.yml"
    amtool = program("amtool", installed="amtool")
    done = run(amtool, "check-config", file)
    assert done.returncode == 0, done.stdout + done.stderr
    for severity, receiver in (("critical", "page"), ("warning", "look"), ("none", "look")):
        routed = run(amtool, "config", "routes", "test", f"--config.file={file}", f"severity={severity}")
        assert routed.stdout.strip() == receiver


@pytest.mark.parametrize("profile", [None, *PROFILES, "*"])
def test_docker_compose_accepts_it(profile, tmp_path):
    """The real `docker compose`, which needs no engine for that; with each profile, and with all."""
    arguments = ["--profile", profile] if profile else []
    done = run(program("docker-compose"), "-f", COMPOSE, *arguments, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    services = set(json.loads(done.stdout)["services"])
    assert {"collector", "jaeger", "prometheus", "grafana"} <= services
    assert services == {name for name, one in SERVICES.items() if profile == "*" or not one.get("profiles") or profile in one["profiles"]}


def test_what_is_set_for_compose_reaches_the_collectors(monkeypatch):
    """From the shell, as from .env; what nobody sets is not there, so that the default of the file holds."""
    monkeypatch.setenv("SAMPLE_PERCENT", "77")
    monkeypatch.delenv("ROOT_WAIT", raising=False)
    done = run(program("docker-compose"), "-f", COMPOSE, "--profile", "*", "config", "--format", "json")
    collectors = [one for one in json.loads(done.stdout)["services"].values() if "collector" in one["image"]]
    assert [one["environment"]["SAMPLE_PERCENT"] for one in collectors] == ["77"] * 4
    assert {one["environment"].get("ROOT_WAIT") for one in collectors} == {None}


def test_the_schema_of_compose_files_accepts_it():
    """The Compose Specification, as check-jsonschema carries it."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    import sys

    done = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE)
    assert done.returncode == 0, done.stdout


def test_the_images_are_of_the_versions_that_are_proved():
    """What runs here is built of the same versions as the images that people pull."""
    manifest = yaml.safe_load((CONFIG / "builder.yaml").read_text())

    def module_version(folder, module):
        return re.search(rf"{re.escape(module)} v(\S+)", (MODULES / folder / "go.mod").read_text()).group(1)

    major, minor, patch = module_version("prometheus", "github.com/prometheus/prometheus").split(".")
    expected = {
        "collector": "otel/opentelemetry-collector-contrib:" + manifest["dist"]["version"],
        "prometheus": f"prom/prometheus:v3.{int(minor) % 100}.{patch}",
        "alertmanager": "prom/alertmanager:v" + module_version("alertmanager", "github.com/prometheus/alertmanager"),
        "kafka": "apache/kafka:"
        + re.search(r"<version>([\d.]+)</version>\s*</dependency>", (MODULES / "kafka" / "pom.xml").read_text()).group(1),
        # Jaeger tags each release twice since 2.0, and only v1's is a Go version: v1.76.0 is the commit of v2.13.0.
        "jaeger": {"1.76.0": "jaegertracing/jaeger:2.13.0"}[module_version("jaeger", "github.com/jaegertracing/jaeger")],
    }
    assert {name: SERVICES[name]["image"] for name in expected} == expected
    assert (major, minor[:1]) == ("0", "3")
    collectors = {one["image"] for one in SERVICES.values() if "collector" in one["image"]}
    assert collectors == {expected["collector"]}


def test_every_file_of_the_stack_says_what_it_is_for():
    """A comment stands at the top of each, and above each block of the Collector's configurations."""
    for path in [COMPOSE, *CONFIG.rglob("*.yaml"), *DEPLOY.rglob("*.y*ml")]:
        assert path.read_text().startswith("#"), path
    for name in CONFIGS:
        block = None
        previous = ""
        for line in (CONFIG / name).read_text().splitlines():
            if re.match(r"\w", line):
                block = line.rstrip(":")
            if (
                block in {"processors", "exporters", "connectors"}
                and re.match(r"  [\w/]+:", line)
                and not line.startswith("  redaction/credentials")
            ):
                assert previous.lstrip().startswith("#") or "free_text" in line, f"{name}: {line}"
            previous = line


def test_the_folder_of_a_container_has_what_its_collector_reads():
    """`CONFIG_DIRECTORY` is where docker-compose.yml mounts collector-config, unless it says otherwise."""
    for service in SERVICES.values():
        if "collector" in service["image"]:
            assert "./collector-config:/etc/otelcol:ro" in service["volumes"]
    parts = {part for name in CONFIGS for part in re.findall(r"/parts/(\w+\.yaml)", (CONFIG / name).read_text())}
    nested = {part for path in (CONFIG / "parts").iterdir() for part in re.findall(r"/parts/(\w+\.yaml)", path.read_text())}
    assert parts | nested == {path.name for path in Path(CONFIG / "parts").iterdir()}


def test_every_variable_is_documented_with_its_default():
    """The table of settings in docs/stack.md says what the files read, no more and no less, with the default that stands there."""
    text = "\n".join(path.read_text() for path in CONFIG.rglob("*.yaml"))
    read = dict(re.findall(r"\$\{env:(\w+):-([^}]*)\}", text))
    rows = re.findall(r"^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \| .* \| (.+) \|$", (ROOT / "docs" / "stack.md").read_text(), re.MULTILINE)
    documented = {}
    for names, defaults in rows:
        values = ["" if value == "none" else value.strip("`") for value in defaults.split(", ")]
        documented |= dict(zip(re.findall(r"`(\w+)`", names), values, strict=True))
    assert documented == read


def test_one_variable_has_one_default():
    """The same name means the same in every file."""
    found = {}
    for path in CONFIG.rglob("*.yaml"):
        for name, default in re.findall(r"\$\{env:(\w+):-([^}]*)\}", path.read_text()):
            assert found.setdefault(name, default) == default, f"{path.name}: {name}"
        assert "${env:" not in re.sub(r"\$\{env:\w+:-[^}]*\}", "", path.read_text()), "a variable without a default stops the Collector"
