"""What importing this package may cost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from scripts import run

import langswarm_otel

HEAVY = (
    *(
        "opentelemetry.sdk",
        "structlog",
        "wrapt",
        "opentelemetry.instrumentation",
        "opentelemetry.util.genai",
        "requests",
        "urllib3",
        "grpc",
    ),
    *("google.protobuf", "prometheus_client", "genai_prices", "pydantic", "asyncio", "langswarm", "langswarm_memory", "rich", "pytest"),
)


def imported_by(code: str) -> list[str]:
    """Run code in a fresh interpreter and return the modules that it loaded."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    modules: list[str] = json.loads(result.stdout)
    return modules


def test_import_is_light():
    """Importing the package loads none of the heavy modules: who only decorates functions pays for the API alone."""
    modules = imported_by("import langswarm_otel")
    assert [name for name in HEAVY if name in modules] == []
    modules = imported_by("from langswarm_otel import agent, tool, presets, propagating, ObservabilityConfig")
    assert "langswarm_otel.components.operations" in modules
    assert [name for name in HEAVY if name in modules] == []


def test_plugin_imports_only_pytest():
    """The pytest plugin loads nothing of ours, nor the SDK, until its fixture is used."""
    modules = imported_by("import langswarm_otel.pytest_plugin")
    assert "pytest" in modules
    ours = [name for name in modules if name.startswith(("langswarm_otel", "opentelemetry"))]
    assert ours == ["langswarm_otel", "langswarm_otel.pytest_plugin"]
    assert [name for name in HEAVY if name in modules and name not in {"pytest", "asyncio"}] == []


def test_import_starts_nothing():
    """Importing starts no thread, sets no global provider and reads no setting."""
    script = (
        "import os, threading\nos.environ['OTEL_EXPORTER_OTLP_ENDPOINT'] = 'not an endpoint'\nimport langswarm_otel\n"
        "from opentelemetry import trace\n"
        "print(threading.active_count(), type(trace.get_tracer_provider()).__name__)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.split() == ["1", "ProxyTracerProvider"]


@pytest.mark.parametrize("name", langswarm_otel.__all__)
def test_every_public_name_exists(name):
    """Each name in ``__all__`` can be imported and carries a docstring of its own or is a plain value."""
    value = getattr(langswarm_otel, name)
    assert isinstance(value, str) or value.__doc__


def test_all_is_sorted_and_unknown_names_are_refused():
    """``__all__`` is in order, ``dir()`` shows it, and a wrong name says so."""
    assert sorted(langswarm_otel.__all__) == sorted(set(langswarm_otel.__all__))
    assert set(langswarm_otel.__all__) <= set(dir(langswarm_otel))
    with pytest.raises(AttributeError, match="no attribute 'configure'"):
        _ = langswarm_otel.configure


def test_exporting_needs_neither_protobuf_nor_requests(otlp_server):
    """Traces, metrics and logs arrive, and of the libraries that the official exporter needs none has been imported."""
    ended = run(
        """
        import sys
        from langswarm_otel import configure_observability
        obs = configure_observability("production", service_name="light", endpoint=sys.argv[1], instrument=False)
        with obs.agent("a", provider="openai", model="gpt-4o"), obs.inference() as call:
            call.usage(input_tokens=1, output_tokens=1)
            obs.log.info("line")
        assert obs.flush(10)
        print([name for name in ("google.protobuf", "opentelemetry.proto", "requests", "pydantic", "grpc") if name in sys.modules])
        """,
        otlp_server.endpoint,
    )
    assert ended.stdout.splitlines()[-1] == "[]", ended.stdout + ended.stderr
    assert otlp_server.span_names()
    assert otlp_server.log_records
    assert otlp_server.metrics
