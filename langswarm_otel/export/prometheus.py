"""A page for Prometheus to scrape; needs the extra ``prometheus``."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.fork import follow_fork
from langswarm_otel.guard import logger, record_fault

if TYPE_CHECKING:
    from langswarm_otel.export.prometheus_reader import ScrapeReader

_MAX_PORT = 65535

IDLE_S = 10.0
"""How long a scraper may take to ask, in seconds."""

MOST_SCRAPERS = 16
"""How many may ask at once; a further connection is closed."""


class PrometheusEndpoint:
    """A metric reader and a server that shows what it reads, to this process's own numbers only.

    Several workers behind one port would show the numbers of one of them by chance; so the port belongs to the process that opened it.
    A second process that asks for it gets an error, and a forked child does not serve and says so.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 9464) -> None:
        """Open the page at ``http://host:port/metrics``.

        Args:
            host: address to listen at; loopback unless you mean to show the numbers to the network.
            port: port to listen at; 0 takes any that is free.

        Raises:
            ConfigurationError: the extra is not installed, or the address cannot be listened at.
        """
        if not 0 <= port <= _MAX_PORT:
            raise ConfigurationError("prometheus_port", port, f"write a port from 0 to {_MAX_PORT}")
        try:
            from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415 - an extra, imported on use

            from langswarm_otel.export.prometheus_reader import ScrapeReader  # noqa: PLC0415
        except ImportError as error:
            mend = "this needs the Prometheus exporter: pip install langswarm-otel[prometheus]"
            raise ConfigurationError("prometheus_port", port, mend) from error
        registry = CollectorRegistry(auto_describe=False)
        try:
            self._server, self._thread = start_http_server(port, addr=host, registry=registry)
        except OSError as error:
            raise _cannot_listen(host, port, error) from error
        _bound(self._server)
        self._reader = ScrapeReader(registry)
        self._host = host
        self._port: int = self._server.server_port
        self._pid = os.getpid()
        self._closed = False
        follow_fork(self)

    @property
    def reader(self) -> ScrapeReader:
        """The reader to add to a ``MeterProvider``."""
        return self._reader

    @property
    def port(self) -> int:
        """The port that is listened at."""
        return self._port

    @property
    def is_serving(self) -> bool:
        """Whether this process serves the page; False after ``close`` and in a forked child."""
        return not self._closed and self._pid == os.getpid()

    def close(self) -> None:
        """Stop serving and free the port. A second call changes nothing."""
        if self._closed:
            return
        serving = self.is_serving
        self._closed = True
        if serving:
            _stop(self._server, self._thread)
        try:
            self._reader.shutdown()
        except Exception as error:  # noqa: BLE001 - there is nothing left to do for it
            record_fault("PrometheusEndpoint.close", error)

    def after_fork_in_child(self) -> None:
        """Leave the port to the parent, and say so once."""
        if self._closed or self._pid == os.getpid():
            return
        self._closed = True
        # The child's copy of the socket would keep the port taken, with nobody to answer, when the parent has gone.
        self._server.socket.close()
        # Not here: a handler may wait for a lock that another thread of the parent held, and the child would never leave `os.fork`.
        threading.Thread(target=self._say_so, daemon=True).start()

    def _say_so(self) -> None:
        logger.warning(
            "telemetry: http://%s:%d/metrics shows the parent process %d only, not this one (%d); "
            "configure after the fork with a port for each worker, or send metrics by OTLP",
            self._host, self._port, self._pid, os.getpid(),
        )  # fmt: skip


def _bound(server: Any) -> None:
    """Let no scraper hold a thread for longer than ``IDLE_S``, and no more than ``MOST_SCRAPERS`` hold one at all."""
    open_now = threading.BoundedSemaphore(MOST_SCRAPERS)
    serve = server.process_request_thread

    def process_request_thread(request: Any, client_address: Any) -> None:
        try:
            serve(request, client_address)
        finally:
            open_now.release()

    server.RequestHandlerClass = type("_Handler", (server.RequestHandlerClass,), {"timeout": IDLE_S})
    server.verify_request = lambda _request, _client_address: open_now.acquire(blocking=False)
    server.process_request_thread = process_request_thread


def _stop(server: Any, thread: threading.Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join(1.0)


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigurationError:
    if isinstance(error, OSError) and error.errno is not None and error.strerror and "in use" in error.strerror.lower():
        mend = (
            f"port {port} at {host} is taken, perhaps by another worker of this program; give each process a port of its own, "
            "or send metrics by OTLP and let the Collector show them"
        )
    else:
        mend = f"{host} port {port} cannot be listened at ({error.strerror or error}); choose another address or port"
    return ConfigurationError("prometheus_port", port, mend)
