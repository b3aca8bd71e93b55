"""Write what Kubernetes gets of ``collector-config``: a ConfigMap with the files, and the operator's resources with them inside.

    python tools/kubernetes.py [--check]

The tests run it with ``--check``, which writes nothing and exits 1 when a file differs from what it would write.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "collector-config"
KUBERNETES = ROOT / "deploy" / "kubernetes"
IMAGE = re.findall(r"image: (otel/opentelemetry-collector-contrib:\S+)", (ROOT / "docker-compose.yml").read_text())[0]
GENERATED = "# Written by tools/kubernetes.py (make kubernetes) from collector-config; do not edit.\n"
FILES = ("agent.yaml", "gateway.yaml")
# The operator reads ports out of the configuration for its services, so there they stand as they are.
LISTEN = {
    "OTLP_GRPC_LISTEN": "0.0.0.0:4317",
    "OTLP_HTTP_LISTEN": "0.0.0.0:4318",
    "HEALTH_LISTEN": "0.0.0.0:13133",
    "SELF_METRICS_HOST": "0.0.0.0",
    "SELF_METRICS_PORT": 8888,
}
VARIABLE = re.compile(r"^\$\{env:(\w+):-[^}]*\}$")
PART = re.compile(r"^\$\{file:\$\{env:CONFIG_DIRECTORY:-/etc/otelcol\}/(parts/\w+\.yaml)\}$")


class _Text(str):
    """Text that is written as a block, line by line."""

    __slots__ = ()


yaml.SafeDumper.add_representer(_Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def config_map() -> str:
    """Return the ConfigMap that agents and gateways mount at /etc/otelcol; its keys are the names of the files."""
    paths = [*(CONFIG / name for name in FILES), *sorted((CONFIG / "parts").glob("*.yaml"))]
    data = {path.name: _Text(path.read_text(encoding="utf-8")) for path in paths}
    metadata = {"name": "otelcol-config", "namespace": "observability"}
    return GENERATED + dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def operator_resource(name: str, template: dict[str, Any]) -> str:
    """Return the operator's resource of one tier: what is its own from the template, the configuration with every part in its place."""
    config = with_parts(yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8")))
    template["spec"] = {"image": IMAGE, **template["spec"], "config": config}
    return GENERATED + dump(template)


def with_parts(value: Any) -> Any:
    """Return a configuration with ``${file:...}`` replaced by what the file says, and listeners by their addresses."""
    if isinstance(value, dict):
        # A component without settings is an empty mapping, because what handles resources may drop a null, and the component with it.
        return {key: {} if item is None else with_parts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_parts(item) for item in value]
    part = PART.match(value) if isinstance(value, str) else None
    variable = VARIABLE.match(value) if isinstance(value, str) else None
    if variable and variable.group(1) in LISTEN:
        return LISTEN[variable.group(1)]
    return with_parts(yaml.safe_load((CONFIG / part.group(1)).read_text(encoding="utf-8"))) if part else value


def dump(value: Any) -> str:
    """Return YAML in the order in which it was made."""
    return yaml.safe_dump(value, sort_keys=False, width=4000, allow_unicode=True)


def outputs() -> dict[Path, str]:
    """Return every file that is written, and its content."""
    templates = yaml.safe_load_all((KUBERNETES / "operator" / "templates.yaml").read_text(encoding="utf-8"))
    resources = {template["metadata"]["name"].removeprefix("otel-"): template for template in templates}
    made = {KUBERNETES / "operator" / f"{name}.yaml": operator_resource(name, template) for name, template in resources.items()}
    return {KUBERNETES / "config.yaml": config_map(), **made}


def main() -> int:
    """Write the files, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something differs")
    check = parser.parse_args().check
    stale = [path for path, content in outputs().items() if not path.is_file() or path.read_text(encoding="utf-8") != content]
    for path in stale:
        if check:
            print(f"{path.relative_to(ROOT)} is not what collector-config says; run make kubernetes", file=sys.stderr)
        else:
            path.write_text(outputs()[path], encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
