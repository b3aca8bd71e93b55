"""Sends one empty export request over gRPC, the way the exporter would, and explains the answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.cli.address_checks import Address, speaks_http1, speaks_tls, within
from langswarm_otel.cli.findings import ENDPOINT_SETTINGS, HEADER_SETTINGS, PROTOCOL_SETTINGS, Finding, bad, good

if TYPE_CHECKING:
    from langswarm_otel.config import OtlpTarget, SignalName

_GRPC_METHOD: Final = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_GRPC_STATUS: Final = {
    "UNIMPLEMENTED": ("has no pipeline for it", "add the otlp receiver to a pipeline of this signal there, or write exporter none for it"),
    "UNAUTHENTICATED": ("wants credentials", f"give them in {HEADER_SETTINGS}"),
    "PERMISSION_DENIED": ("refuses these credentials", f"correct {HEADER_SETTINGS}"),
    "RESOURCE_EXHAUSTED": ("takes no more for now", "raise the quota there, or lower sample_ratio"),
    "DEADLINE_EXCEEDED": ("did not answer in time", "look at the load of the receiver"),
}


def check_grpc(signal: SignalName, target: OtlpTarget, timeout_s: float) -> Finding:
    """Send an empty request of one signal and require OK; no text of the server is repeated, for it may hold a header's value."""
    try:
        import grpc  # noqa: PLC0415 - on use
    except ModuleNotFoundError:
        mend = f"pip install 'langswarm-otel[grpc]', or write http/protobuf in {PROTOCOL_SETTINGS}"
        return bad(signal, "protocol grpc needs a package that is not installed", mend)
    address = Address.of(target.url)
    begun = time.monotonic()
    try:
        within(timeout_s + 1, lambda: _call(grpc, signal, target, address, timeout_s))
    except TimeoutError:
        return _explain_grpc(signal, address, "DEADLINE_EXCEEDED", timeout_s)
    except grpc.RpcError as error:
        return _explain_grpc(signal, address, error.code().name, timeout_s)
    except (OSError, ValueError) as error:
        return bad(signal, f"the request cannot be sent ({type(error).__name__})", f"look at the certificate files and {HEADER_SETTINGS}")
    return good(signal, f"gRPC OK from {address} ({(time.monotonic() - begun) * 1000:.0f} ms)")


def _call(grpc: Any, signal: SignalName, target: OtlpTarget, address: Address, timeout_s: float) -> None:
    if address.tls:
        files = (target.certificate_file, target.client_key_file, target.client_certificate_file)
        channel = grpc.secure_channel(str(address), grpc.ssl_channel_credentials(*map(_content, files)))
    else:
        channel = grpc.insecure_channel(str(address))
    with channel:
        headers = tuple((name.lower(), value) for name, value in target.headers.items())
        channel.unary_unary(_GRPC_METHOD[signal])(b"", timeout=timeout_s, metadata=headers)


def _content(path: str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def _explain_grpc(signal: SignalName, address: Address, status: str, timeout_s: float) -> Finding:
    if status in ("UNAVAILABLE", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED") and not address.tls and speaks_http1(address, timeout_s):
        other = f"{address.host}:4317" if address.port == 4318 else "the gRPC port (4317)"  # noqa: PLR2004 - OTLP/HTTP's port
        mend = f"write http/protobuf in {PROTOCOL_SETTINGS}, or {other} in {ENDPOINT_SETTINGS}"
        return bad(signal, f"{address} speaks HTTP/1.1, not gRPC", mend)
    if status == "UNAVAILABLE" and not address.tls and speaks_tls(address, timeout_s):
        return bad(signal, f"{address} speaks TLS only", f"write https:// in {ENDPOINT_SETTINGS}")
    cause, mend = _GRPC_STATUS.get(status, ("did not take it", "look at the log of the receiver"))
    return bad(signal, f"gRPC {status}: {address} {cause}", mend)
