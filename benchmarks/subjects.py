"""What is measured: ours, the raw SDK that the ratios are to, the program without telemetry, and the peers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One library, in an environment of its own."""

    name: str
    """Its name in tables; also of its environment."""
    adapter: str
    """Module in ``benchmarks.adapters``."""
    requirements: tuple[str, ...]
    """What pip installs for it."""
    distribution: str | None = None
    """The distribution whose version is reported."""


OURS = Subject(name="langswarm-otel", adapter="ours", requirements=("--editable", "."), distribution="langswarm-otel")
RAW = Subject(
    name="raw-sdk",
    adapter="raw_sdk",
    requirements=("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "opentelemetry-instrumentation-logging", "structlog"),
    distribution="opentelemetry-sdk",
)
PLAIN = Subject(name="without", adapter="plain", requirements=())
PEERS = (
    Subject(name="logfire", adapter="logfire_sdk", requirements=("logfire", "structlog"), distribution="logfire"),
    # traceloop-sdk 0.62.4 imports httpx and does not require it.
    Subject(name="traceloop-sdk", adapter="traceloop", requirements=("traceloop-sdk", "structlog", "httpx"), distribution="traceloop-sdk"),
    Subject(name="openlit", adapter="openlit_sdk", requirements=("openlit", "structlog"), distribution="openlit"),
    Subject(name="langfuse", adapter="langfuse_sdk", requirements=("langfuse", "structlog"), distribution="langfuse"),
    Subject(
        name="arize-phoenix-otel", adapter="phoenix", requirements=("arize-phoenix-otel", "structlog"), distribution="arize-phoenix-otel"
    ),
)
