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
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from langswarm_otel.export.answers import OK, TOO_LARGE, trouble_with
from langswarm_otel.export.causes import cause_of, shorten
from langswarm_otel.export.delivery import Delivery, overheard_fault
from langswarm_otel.export.exchange import POOLS, read_answer, until
from langswarm_otel.export.noise import headers_unspoken
from langswarm_otel.export.partial_success import taken
from langswarm_otel.export.shut_down_once import ShutDownOnce

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.otlp import OtlpSettings

_SUCCESS_TO_THEM: Final = range(200, 400)
"""Statuses that the official exporters take for success."""

_OF_THE_PROTOCOL: Final = frozenset(("content-type", "content-encoding", "user-agent"))


class NotTakenError(requests.RequestException):
    """The answer is one that the exporter would take for success, and says that the request has gone nowhere."""


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
            if status == OK:
                self.trouble = shorten(f"{said}, but the answer broke off ({cause_of(error)})")
                raise BrokenAnswerError(self.trouble) from error
        self.status = status
        self.trouble = None if status == OK else trouble_with(status, said, response.headers.get("location"))
        if self.trouble is not None and status in _SUCCESS_TO_THEM:
            raise NotTakenError(self.trouble)


class _Watched(ShutDownOnce):
    """What the three exporters have in common; mixed into the official classes."""

    _watched_session: WatchedSession | None = None

    def deliver(self, batch: Any, /) -> Delivery:
        """Export a batch and say what became of it."""
        session = self._watched_session
        if session is not None:
            session.begin()
        result = self.export(batch)  # type: ignore[attr-defined]
        if result.name == "SUCCESS":
            return taken(b"" if session is None else session.body)
        if session is None or not session.attempts:
            return Delivery(fault="send", cause="shut down") if self._was_shut_down else overheard_fault()
        return Delivery(fault="too_large" if session.status == TOO_LARGE else "send", cause=session.trouble)

    @property
    def trouble(self) -> str | None:
        """Why the last attempt did not succeed, if it did not."""
        return None if self._watched_session is None else self._watched_session.trouble

    def hurry(self, deadline: float | None, *, may_retry: bool = True) -> None:
        """Let no request begun from now on last beyond a moment of ``time.monotonic``; without ``may_retry``, a failure is final."""
        if self._watched_session is not None:
            self._watched_session.deadline, self._watched_session.may_retry = deadline, may_retry


class OfficialSpanExporter(_Watched, OTLPSpanExporter):
    """OTLP/HTTP exporter of spans."""


class OfficialLogExporter(_Watched, OTLPLogExporter):
    """OTLP/HTTP exporter of log records."""


class OfficialMetricExporter(_Watched, OTLPMetricExporter):
    """OTLP/HTTP exporter of metrics."""


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
