"""The settings of one signal, and where its OTLP goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal

from langswarm_otel.settings.fields import SIGNAL_RULES
from langswarm_otel.settings.masking import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.endpoints import Protocol

Compression = Literal["none", "gzip", "deflate"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignalConfig:
    """Settings of traces, metrics or logs alone; None inherits what the configuration says for all three."""

    exporters: tuple[str, ...] | None = None
    """Where it goes: ``otlp``, ``console``, ``memory``, for metrics also ``prometheus``, or an installed exporter's name; ``()`` or
    ``("none",)`` for nowhere. None is the preset's choice."""

    endpoint: str | None = None
    """Full URL of this signal over HTTP, used exactly as it is: nothing is added to it and nothing cut off."""

    protocol: Protocol | None = None
    """How OTLP travels: ``http/protobuf`` or ``grpc``."""

    headers: Mapping[str, str] | None = None
    """Headers of its requests, in place of the general ones. Values are secret."""

    timeout_s: float | None = None
    """Longest time of one request, in seconds."""

    compression: Compression | None = None
    """How requests are compressed."""

    certificate_file: str | None = None
    """PEM file of the authorities that the server's certificate is checked against."""

    client_certificate_file: str | None = None
    """PEM file of the certificate that we show the server."""

    client_key_file: str | None = None
    """PEM file of its private key."""

    insecure: bool | None = None
    """Whether an endpoint without a scheme is not encrypted."""

    def __post_init__(self) -> None:
        """Check each field and keep its canonical form."""
        for name, rule in SIGNAL_RULES.items():
            object.__setattr__(self, name, rule(name, getattr(self, name)))

    def __repr__(self) -> str:
        given = [(field.name, getattr(self, field.name)) for field in fields(self)]
        return f"SignalConfig({', '.join(f'{name}={shown(name, value)!r}' for name, value in given if value is not None)})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class OtlpTarget:
    """Everything an OTLP exporter of one signal needs to know, with nothing left to inherit."""

    url: str
    """Full URL over HTTP; scheme, host and port over gRPC."""

    protocol: Protocol
    """How OTLP travels."""

    headers: Mapping[str, str]
    """Headers of each request. Values are secret."""

    timeout_s: float
    """Longest time of one request, in seconds."""

    compression: Compression
    """How requests are compressed."""

    certificate_file: str | None
    """PEM file of the authorities that the server's certificate is checked against; None for those of the system."""

    client_certificate_file: str | None
    """PEM file of the certificate that we show the server."""

    client_key_file: str | None
    """PEM file of its private key."""

    insecure: bool
    """Whether the connection is not encrypted."""

    def __repr__(self) -> str:
        items = ((field.name, getattr(self, field.name)) for field in fields(self))
        parts = (f"{name}={shown('endpoint' if name == 'url' else name, value)!r}" for name, value in items)
        return f"OtlpTarget({', '.join(parts)})"
