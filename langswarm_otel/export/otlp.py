"""OTLP exporters, built from settings: ours over HTTP, the official ones on demand, gRPC where the extra is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, overload

from langswarm_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.breaker import Breaker
    from langswarm_otel.export.spool_settings import SpoolSettings

Official = Literal["watched", "alone"]
"""How the official exporter is used, where it is."""


class OtlpSettings(Protocol):
    """Where and how one signal is sent; nothing is taken from the environment beyond this."""

    @property
    def url(self) -> str:
        """Complete URL of the signal: with ``/v1/traces`` for HTTP, without a path for gRPC."""
        ...

    @property
    def protocol(self) -> str:
        """``http/protobuf`` or ``grpc``."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers (gRPC: metadata) of each request."""
        ...

    @property
    def timeout_s(self) -> float:
        """How long one export with its retries may take, in seconds."""
        ...

    @property
    def compression(self) -> str:
        """``gzip``, ``deflate`` (HTTP only) or ``none``."""
        ...

    @property
    def certificate_file(self) -> str | None:
        """Certificates to trust, a PEM file; None trusts what the system does."""
        ...

    @property
    def client_certificate_file(self) -> str | None:
        """Our own certificate chain, a PEM file, for mutual TLS."""
        ...

    @property
    def client_key_file(self) -> str | None:
        """Its key."""
        ...

    @property
    def insecure(self) -> bool | None:
        """Of gRPC: whether to talk without TLS; None goes by the scheme of the URL."""
        ...


@overload
def build_otlp(
    signal: Literal["traces"],
    settings: OtlpSettings,
    *,
    official: Official | None = None,
    breaker: Breaker | None = None,
    spool: SpoolSettings | None = None,
) -> SpanExporter: ...
@overload
def build_otlp(
    signal: Literal["metrics"],
    settings: OtlpSettings,
    *,
    official: Official | None = None,
    breaker: Breaker | None = None,
    spool: SpoolSettings | None = None,
) -> MetricExporter: ...
@overload
def build_otlp(
    signal: Literal["logs"],
    settings: OtlpSettings,
    *,
    official: Official | None = None,
    breaker: Breaker | None = None,
    spool: SpoolSettings | None = None,
) -> LogRecordExporter: ...
def build_otlp(
    signal: Signal,
    settings: OtlpSettings,
    *,
    official: Official | None = None,
    breaker: Breaker | None = None,
    spool: SpoolSettings | None = None,
) -> SpanExporter | MetricExporter | LogRecordExporter:
    """Build the exporter of a signal.

    Args:
        signal: which signal.
        settings: where and how; ``config.OtlpTarget`` is one of these.
        official: for OTLP over HTTP, the official exporter in the place of ours. ``watched`` gives it a session of ours, which notices
            redirects and partial success; ``alone`` leaves the session to it, so that it honours
            ``OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER``.
        breaker: the circuit of the endpoint, which its signals share; the official exporters have none.
        spool: where ours keep on disk what is not taken; the official exporters do not.

    Raises:
        ConfigurationError: gRPC is not installed, or a setting does not go with the protocol.
    """
    if settings.protocol == "grpc":
        return _build_grpc(signal, settings)
    if settings.protocol != "http/protobuf":
        raise ConfigurationError("protocol", settings.protocol, "write 'http/protobuf' or 'grpc'")
    exporter: SpanExporter | MetricExporter | LogRecordExporter
    if official is not None:
        from langswarm_otel.export import official_http  # noqa: PLC0415 - `requests` and protobuf take long to import

        exporter = official_http.build(signal, settings, own_session=official == "watched")
    else:
        from langswarm_otel.export import otlp_http  # noqa: PLC0415 - imported on use

        exporter = otlp_http.build(signal, settings, breaker=breaker, spool=spool)
    return exporter


def _build_grpc(signal: Signal, settings: OtlpSettings) -> SpanExporter | MetricExporter | LogRecordExporter:
    if settings.compression == "deflate":
        raise ConfigurationError("compression", "deflate", "gRPC knows 'gzip' and 'none'")
    try:
        from langswarm_otel.export import otlp_grpc  # noqa: PLC0415 - an extra, imported on use
    except ImportError as error:
        raise ConfigurationError(
            "protocol", "grpc", "this needs gRPC: pip install 'langswarm-otel[grpc]', or write protocol='http/protobuf' with port 4318"
        ) from error
    exporter: SpanExporter | MetricExporter | LogRecordExporter = otlp_grpc.build(signal, settings)
    return exporter
