"""The official OTLP/gRPC exporters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.delivery import Delivery, overheard_fault
from langswarm_otel.export.noise import headers_unspoken
from langswarm_otel.export.partial_success import taken
from langswarm_otel.export.sdk_private import GrpcAnswers
from langswarm_otel.export.shut_down_once import ShutDownOnce

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.otlp import OtlpSettings


class _Delivers(GrpcAnswers):
    """Says more than success or failure: how many records were rejected."""

    export: Any

    def deliver(self, batch: Any, /) -> Delivery:
        """Export a batch and say what became of it."""
        answers = self.answers
        answers.clear()
        if getattr(self.export(batch), "name", None) != "SUCCESS":
            return overheard_fault()
        told = [taken(answer.SerializeToString()) for answer in self.answers]
        cause = next((one.cause for one in told if one.cause), None)
        return Delivery(rejected=sum(one.rejected for one in told), cause=cause)


class GrpcSpanExporter(_Delivers, ShutDownOnce, OTLPSpanExporter):
    """OTLP/gRPC exporter of spans."""


class GrpcLogExporter(_Delivers, ShutDownOnce, OTLPLogExporter):
    """OTLP/gRPC exporter of log records."""


class GrpcMetricExporter(_Delivers, ShutDownOnce, OTLPMetricExporter):
    """OTLP/gRPC exporter of metrics."""


_EXPORTERS: Final[Mapping[Signal, Any]] = {"traces": GrpcSpanExporter, "metrics": GrpcMetricExporter, "logs": GrpcLogExporter}


def build(signal: Signal, settings: OtlpSettings) -> Any:
    """Build the exporter of a signal; see ``otlp.build_otlp``."""
    insecure = settings.url.startswith("http://") if settings.insecure is None else settings.insecure
    with headers_unspoken():
        return _EXPORTERS[signal](
            endpoint=settings.url,
            insecure=insecure,
            credentials=None if insecure else _credentials(settings),
            headers=tuple((name.lower(), value) for name, value in settings.headers.items()),
            timeout=settings.timeout_s,
            compression=grpc.Compression.Gzip if settings.compression == "gzip" else grpc.Compression.NoCompression,
        )


def _credentials(settings: OtlpSettings) -> Any:
    if not (settings.certificate_file or settings.client_certificate_file):
        return None  # the exporter's own: a credential provider, else what the system trusts
    return grpc.ssl_channel_credentials(
        root_certificates=_content("certificate_file", settings.certificate_file),
        private_key=_content("client_key_file", settings.client_key_file),
        certificate_chain=_content("client_certificate_file", settings.client_certificate_file),
    )


def _content(name: str, path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(name, path, f"this file cannot be read ({error.strerror})") from error
