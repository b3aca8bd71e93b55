"""Whether the settings of a resolved configuration fit together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from langswarm_otel.endpoints import SIGNALS
from langswarm_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.endpoints import SignalName


def check_together(config: ObservabilityConfig) -> None:
    """Refuse combinations that cannot work.

    Raises:
        ConfigurationError: an endpoint and its protocol do not fit, the protocol cannot compress so, a file is missing, or log lines
            shall go to a file that is not named.
    """
    for signal in SIGNALS:
        if config.config_file is None and "otlp" in config.exporters(signal):
            _check_otlp(config, signal)
    if config.log_output in ("file", "both") and config.log_file is None:
        raise ConfigurationError("log_output", config.log_output, "name the file with log_file= (LANGSWARM_OTEL_LOG_FILE)")
    if config.spool_directory is not None:
        _check_spool(config)
    if config.config_file is not None and not Path(config.config_file).is_file():
        raise ConfigurationError("config_file", config.config_file, "there is no such file")


def _check_spool(config: ObservabilityConfig) -> None:
    if config.otlp_exporter == "official":
        raise ConfigurationError(
            "otlp_exporter", "official", "OpenTelemetry's own exporters keep nothing on disk; leave spool_directory out"
        )
    for signal in SIGNALS:
        if "otlp" in config.exporters(signal) and config.otlp(signal).protocol == "grpc":
            own = config.signal(signal).protocol is not None
            field = f"{signal}.protocol" if own else "protocol"
            raise ConfigurationError(
                field, "grpc", "only OTLP over HTTP is kept on disk; write 'http/protobuf', or leave spool_directory out"
            )


def _check_otlp(config: ObservabilityConfig, signal: SignalName) -> None:
    target = config.otlp(signal)
    own = config.signal(signal)

    def field(name: str) -> str:
        return name if getattr(own, name) is None else f"{signal}.{name}"

    if target.protocol == "grpc" and target.compression == "deflate":
        raise ConfigurationError(field("compression"), "deflate", "gRPC compresses with gzip or none")
    for name in ("certificate_file", "client_certificate_file", "client_key_file"):
        path = getattr(target, name)
        if path is not None and not Path(path).exists():
            raise ConfigurationError(field(name), path, "there is no such file")
    if target.client_key_file is not None and target.client_certificate_file is None:
        raise ConfigurationError(
            field("client_key_file"), target.client_key_file, "a key needs its certificate; name it in client_certificate_file"
        )
