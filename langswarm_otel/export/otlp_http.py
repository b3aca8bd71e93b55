"""The official OTLP/HTTP exporters with an eye on what goes over the wire.

The exporter takes any ``requests`` session. Ours sees each attempt, so that a redirect counts as the failure that it is (the exporter
takes any 3xx for success and follows none), partial success is read, a batch that was never sent is known to be unencodable, and requests
can be made to end by a deadline.
"""

from __future__ import annotations

# These two are loaded during the first request otherwise, in a worker. A child that is forked meanwhile finds the lock of the module taken
# and waits for it for ever: CPython does not renew such locks (as in iloveitaly/celery-healthcheck#45; seen here with `netrc`).
import encodings.idna  # noqa: F401
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

from langswarm_otel.export.causes import cause_of, shorten
from langswarm_otel.export.delivery import Delivery, overheard_fault

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


class NoRetryError(requests.RequestException):
    """There is no time for another attempt. Not a connection error, which the exporter would retry after a pause."""


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
        if self.deadline is not None:
            left_s = self.deadline - time.monotonic()
            if left_s <= 0:
                raise NoRetryError(self.trouble or "no answer in time")
            options["timeout"] = min(options.get("timeout") or left_s, left_s)
        try:
            response = super().request(method, url, **options)
        except requests.RequestException as error:
            self.trouble = cause_of(error)
            if not self.may_retry:
                raise NoRetryError(self.trouble) from error
            raise
        self.status, self.body = response.status_code, response.content
        self.trouble = None if response.status_code in _OK else f"HTTP {response.status_code} {response.reason or ''}".strip()
        if response.status_code in _REDIRECTS:
            where = response.headers.get("location", "elsewhere").split("?")[0]
            self.trouble = shorten(f"HTTP {response.status_code}, redirected to {where}, which is not followed: configure that address")
            raise RedirectedError(self.trouble)
        if self.trouble is not None and not self.may_retry:
            raise NoRetryError(self.trouble)
        return response


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


class HttpSpanExporter(_Watched, OTLPSpanExporter):
    """OTLP/HTTP exporter of spans."""

    _response_type = ExportTraceServiceResponse
    _rejected_field = "rejected_spans"


class HttpLogExporter(_Watched, OTLPLogExporter):
    """OTLP/HTTP exporter of log records."""

    _response_type = ExportLogsServiceResponse
    _rejected_field = "rejected_log_records"


class HttpMetricExporter(_Watched, OTLPMetricExporter):
    """OTLP/HTTP exporter of metrics."""

    _response_type = ExportMetricsServiceResponse
    _rejected_field = "rejected_data_points"


_EXPORTERS: Final[Mapping[Signal, Any]] = {"traces": HttpSpanExporter, "metrics": HttpMetricExporter, "logs": HttpLogExporter}
_COMPRESSION: Final = {"gzip": Compression.Gzip, "deflate": Compression.Deflate, "none": Compression.NoCompression}


def build(signal: Signal, settings: OtlpSettings, *, own_session: bool) -> Any:
    """Build the exporter of a signal; see ``otlp.build_otlp``."""
    session = WatchedSession(settings.headers) if own_session else None
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
