"""The addresses on which the servers of the stack listen, all on loopback."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from langswarm_otel.stack import StackError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["HOST", "Ports"]

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """One port for each server socket of the stack; the defaults are those that everybody knows.

    Attributes:
        otlp_grpc: where programs send over gRPC.
        otlp_http: where programs send over HTTP.
        health: health of the Collector.
        collector_metrics: the Collector's own metrics.
        jaeger: Jaeger's API and page.
        jaeger_grpc: Jaeger's API over gRPC.
        jaeger_otlp: where the Collector sends traces.
        jaeger_health: health of Jaeger.
        prometheus: Prometheus' API and page.
        logs: VictoriaLogs' API and page.
    """

    otlp_grpc: int = 4317
    otlp_http: int = 4318
    health: int = 13133
    collector_metrics: int = 8888
    jaeger: int = 16686
    jaeger_grpc: int = 16685
    jaeger_otlp: int = 14318
    jaeger_health: int = 13134
    prometheus: int = 9090
    logs: int = 9428

    @classmethod
    def free(cls) -> Ports:
        """Return ports that nobody listened on a moment ago."""
        names = [field.name for field in fields(cls)]
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in names]
            for one in sockets:
                one.bind((HOST, 0))
            return cls(**{name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)})

    def __post_init__(self) -> None:
        for name, port in asdict(self).items():
            if type(port) is not int or not 0 < port < 2**16:
                raise ValueError(f"{name} {port!r} is no port")

    def check_free(self, names: Iterable[str]) -> None:
        """Make sure that nobody listens on those of these names.

        Raises:
            StackError: somebody does; names the port, what it is for, and the mend.
        """
        for name in names:
            port = getattr(self, name)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise StackError(f"port {port} ({name}): {error.strerror}") from error
                    mend = "stop what listens there, or give --free-ports"
                    raise StackError(f"port {port} ({name}) is in use; {mend}") from error
