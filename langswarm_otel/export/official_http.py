"""The official OTLP/HTTP exporters with an eye on what goes over the wire; ours are in ``otlp_http.py``.

The exporter takes any ``requests`` session. Ours sees each attempt, so that a redirect counts as the failure that it is (the exporter
takes any 3xx for success and follows none), partial success is read, a batch that was never sent is known to be unencodable, requests end
by a deadline whatever the server does, and no more is read of an answer than an answer needs.
"""

from __future__ import annotations

# These two are loaded during the first request otherwise, in a worker. A child that is forked meanwhile finds the lock of the module taken
# and waits for it for ever: CPython does not renew such locks (as in iloveitaly/celery-healthcheck#45; seen here with `netrc`).
import encodings.idna  # noqa: F401
import http.client
import io
import netrc  # noqa: F401
import time
from typing import TYPE_CHECKING, Any, Final

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from langswarm_otel.export.causes import cause_of, shorten
from langswarm_otel.export.delivery import Delivery, overheard_fault
from langswarm_otel.export.exchange import POOLS, read_answer, until
from langswarm_otel.export.noise import headers_unspoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.otlp import OtlpSettings

_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_TOO_LARGE: Final = 413
_OF_THE_PROTOCOL: Final = frozenset(("content-type", "content-encoding", "user-agent"))


class RedirectedError(requests.RequestException):
    """The server wants the request elsewhere."""


class BrokenAnswerError(requests.RequestException):
    """The server began to say that it took the request, and did not end. Not a connection error: the exporter would send it all again."""


class NoRetryError(requests.RequestException):
    """There is no time for another attempt. Not a connection error, which the exporter would retry after a pause."""


class TimedAdapter(HTTPAdapter):
    """Makes connections that keep the deadline of ``until``; beyond a SOCKS proxy the timeouts of ``requests`` hold alone."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = POOLS
        return manager


class WatchedSession(requests.Session):
    """Sees every attempt of one exporter."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Make a session.

        Args:
            headers: what each request carries beside the headers of the protocol. The exporter adds those of the environment to the ones
                it is given; here the settings alone decide.
        """
        super().__init__()
        self._own_headers = dict(headers)
        self.headers["Accept-Encoding"] = "gzip"  # what `read_answer` can unpack
        for scheme in ("http://", "https://"):
            self.mount(scheme, TimedAdapter())
        self.deadline: float | None = None
        """No request lasts beyond this moment of ``time.monotonic``."""
        self.may_retry = True
        """False makes a first failure final, where nobody could break the exporter's pause before the next attempt."""
        self.attempts = 0
        """Requests since ``begin``."""
        self.status: int | None = None
        """Status of the last answer since ``begin``."""
        self.body = b""
        """Body of it."""
        self.trouble: str | None = None
        """Why the last attempt did not succeed."""

    def begin(self) -> None:
        """Forget the attempts of the batch before."""
        self.attempts, self.status, self.body = 0, None, b""

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request, and remember what became of it."""
        self.attempts += 1
        self.status, self.body = None, b""
        options["headers"] = {
            **{name: value for name, value in (options.get("headers") or {}).items() if name.lower() in _OF_THE_PROTOCOL},
            **self._own_headers,
        }
        if self.verify is not True:
            options["verify"] = self.verify  # or REQUESTS_CA_BUNDLE would win over the configured certificates (psf/requests#3829)
        now = time.monotonic()
        end = min(now + (options.get("timeout") or float("inf")), float("inf") if self.deadline is None else self.deadline)
        if end <= now:
            raise NoRetryError(self.trouble or "no answer in time")
        options["timeout"] = None if end == float("inf") else end - now
        with until(end):
            try:
                response = super().request(method, url, **{**options, "stream": True})
            except requests.RequestException as error:
                self.trouble = cause_of(error)
                if not self.may_retry:
                    raise NoRetryError(self.trouble) from error
                raise
            self._read(response)
        if self.trouble is not None and not self.may_retry:
            raise NoRetryError(self.trouble)
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Name no target: ``requests`` would read the whole body of a redirect even where it is told not to follow."""

    def _read(self, response: requests.Response) -> None:
        """Take what an answer says."""
        status = response.status_code
        said = f"HTTP {status} {response.reason or ''}".strip()
        try:
            raw, response.raw = response.raw, io.BytesIO()
            self.body = read_answer(raw)
            response.raw = io.BytesIO(self.body)  # for whoever asks for the content
        except (HTTPError, OSError, http.client.HTTPException) as error:
            if status in _OK:
                self.trouble = shorten(f"{said}, but the answer broke off ({cause_of(error)})")
                raise BrokenAnswerError(self.trouble) from error
        self.status = status
        self.trouble = None if status in _OK else shorten(said)
        if status in _REDIRECTS:
            where = response.headers.get("location", "elsewhere").split("?")[0]
            self.trouble = shorten(f"HTTP {status}, redirected to {where}, which is not followed: configure that address")
            raise RedirectedError(self.trouble)


class _Watched:
    """What the three exporters have in common; mixed into the official classes."""

    _watched_session: WatchedSession | None = None
    _response_type: Any
    _rejected_field: str
    _was_shut_down = False

    def deliver(self, batch: Any, /) -> Delivery:
        """Export a batch and say what became of it."""
        session = self._watched_session
        if session is not None:
            session.begin()
        result = self.export(batch)  # type: ignore[attr-defined]
        if result.name == "SUCCESS":
            rejected, cause = self._partial_success(session.body if session is not None else b"")
            return Delivery(rejected=rejected, cause=cause)
        if session is None or not session.attempts:
            return Delivery(fault="send", cause="shut down") if self._was_shut_down else overheard_fault()
        return Delivery(fault="too_large" if session.status == _TOO_LARGE else "send", cause=session.trouble)

    def _partial_success(self, body: bytes) -> tuple[int, str | None]:
        """Return how many records the Collector took but did not keep, and why."""
        if not body:
            return 0, None
        try:
            partial = self._response_type.FromString(body).partial_success
        except Exception:  # noqa: BLE001 - an answer that is no protobuf says nothing
            return 0, None
        return int(getattr(partial, self._rejected_field)), shorten(partial.error_message) or "rejected by the Collector"

    @property
    def trouble(self) -> str | None:
        """Why the last attempt did not succeed, if it did not."""
        return None if self._watched_session is None else self._watched_session.trouble

    def hurry(self, deadline: float | None, *, may_retry: bool = True) -> None:
        """Let no request begun from now on last beyond a moment of ``time.monotonic``; without ``may_retry``, a failure is final."""
        if self._watched_session is not None:
            self._watched_session.deadline, self._watched_session.may_retry = deadline, may_retry

    def abort(self) -> None:
        """Break the back-off of a running export; callable from any thread, does not wait."""
        self.shutdown()

    def shutdown(self, *args: Any, **options: Any) -> None:
        """Shut down, once."""
        if not self._was_shut_down:
            self._was_shut_down = True
            super().shutdown(*args, **options)  # type: ignore[misc]


class OfficialSpanExporter(_Watched, OTLPSpanExporter):
    """OTLP/HTTP exporter of spans."""

    _response_type = ExportTraceServiceResponse
    _rejected_field = "rejected_spans"


class OfficialLogExporter(_Watched, OTLPLogExporter):
    """OTLP/HTTP exporter of log records."""

    _response_type = ExportLogsServiceResponse
    _rejected_field = "rejected_log_records"


class OfficialMetricExporter(_Watched, OTLPMetricExporter):
    """OTLP/HTTP exporter of metrics."""

    _response_type = ExportMetricsServiceResponse
    _rejected_field = "rejected_data_points"


_EXPORTERS: Final[Mapping[Signal, Any]] = {"traces": OfficialSpanExporter, "metrics": OfficialMetricExporter, "logs": OfficialLogExporter}
_COMPRESSION: Final = {"gzip": Compression.Gzip, "deflate": Compression.Deflate, "none": Compression.NoCompression}


def build(signal: Signal, settings: OtlpSettings, *, own_session: bool) -> Any:
    """Build the exporter of a signal; see ``otlp.build_otlp``."""
    session = WatchedSession(settings.headers) if own_session else None
    with headers_unspoken():
        exporter = _EXPORTERS[signal](
            endpoint=settings.url,
            certificate_file=settings.certificate_file,
            client_key_file=settings.client_key_file,
            client_certificate_file=settings.client_certificate_file,
            headers=dict(settings.headers),
            timeout=settings.timeout_s,
            compression=_COMPRESSION[settings.compression],
            session=session,
        )
    exporter._watched_session = session  # noqa: SLF001 - our own class
    return exporter
