"""Version hell: an update of the SDK, of protobuf or of requests breaks the application.

Libraries reach into private names of the SDK in many places and put upper bounds on everything, so that no two of them can be installed
together (open-telemetry/opentelemetry-python#4563, a2aproject/a2a-python#198, vllm-project/vllm#17174).
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from scripts import run

import langswarm_otel

PACKAGE = Path(langswarm_otel.__file__).parent
PLAIN_IMPORTS = """
    import sys
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1] + "/v1/traces")))
    provider.get_tracer("t").start_span("one").end()
    print([name for name in ("google.protobuf", "requests", "grpc") if name in sys.modules])
"""

OUR_EXPORT = """
    import sys
    from langswarm_otel import configure_observability
    obs = configure_observability("production", endpoint=sys.argv[1], log_output="none")
    with obs.agent("a"), obs.tool("t"):
        obs.log.info("line")
    assert obs.flush(5)
    print([name for name in ("google.protobuf", "requests", "grpc") if name in sys.modules])
"""


def test_the_official_exporter_brings_protobuf_and_requests(otlp_server, verdict):
    """Whoever exports with it has both in the process, in the versions that it wants."""
    assert "google.protobuf" in run(PLAIN_IMPORTS, otlp_server.endpoint).stdout
    verdict.plain("its exporter imports protobuf, and requests where that is installed")


def test_ours_needs_neither(otlp_server, verdict):
    """All three signals are exported without them."""
    ended = run(OUR_EXPORT, otlp_server.endpoint)
    assert ended.stdout.strip() == "[]", ended.stderr
    assert otlp_server.spans
    assert otlp_server.metrics
    assert otlp_server.log_records
    verdict.ours("all three signals leave without protobuf and requests")


def test_private_names_stand_in_one_file(verdict):
    """Modules of the SDK whose name begins with an underscore, and private attributes of its objects, are known to one file only."""
    private = re.compile(r"^\s*(?:from|import) +opentelemetry(?:\.\w+)*\.(_(?!logs|events|log_exporter|log_encoder)\w+)", re.MULTILINE)
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if private.search(path.read_text())}
    assert found <= {"export/sdk_private.py"}
    verdict.ours("private names of the SDK stand in one file, with a fallback")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the metadata of an editable install differs on 3.10")
def test_core_dependencies_have_no_cap_but_the_next_major_of_opentelemetry(verdict):
    """Ranges without upper bounds, but for the SDK's own next major version, and a release of grpcio that is proved to break."""
    core = [requirement for requirement in requires("langswarm-otel") or [] if "extra ==" not in requirement]
    capped = [requirement for requirement in core if re.search(r"<|==", requirement) and not requirement.startswith("opentelemetry")]
    assert core
    assert capped == []
    verdict.ours("no upper caps; the suite runs on the oldest and the newest SDK")
