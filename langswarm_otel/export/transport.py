"""One kept-alive way to one URL: a POST ends by its deadline, follows no redirect, and reads of an answer what an answer needs."""

from __future__ import annotations

# The codec ``idna`` is loaded during the first request otherwise, in a worker. A child that is forked meanwhile finds its lock taken, and
# waits for it for ever: CPython does not renew the locks of modules (as in iloveitaly/celery-healthcheck#45).
import contextlib
import encodings.idna  # noqa: F401
import http.client
import importlib
import os
import ssl
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from urllib3.exceptions import ConnectTimeoutError, HTTPError, ProtocolError, ProxyError
from urllib3.poolmanager import PoolManager, ProxyManager
from urllib3.util import make_headers, parse_url
from urllib3.util.timeout import Timeout

from langswarm_otel.export.answers import OK, Answer, Certificates, UnansweredError
from langswarm_otel.export.causes import cause_of, shorten
from langswarm_otel.export.exchange import POOLS, read_answer, until

if TYPE_CHECKING:
    from collections.abc import Mapping

_IDLE: Final = 4
"""Connections that are kept; the queue's worker needs one, other callers may come in several threads."""


class Transport:
    """Takes bodies to one URL."""

    def __init__(self, url: str, *, headers: Mapping[str, str], certificates: Certificates | None = None, proxy: str | None = None) -> None:
        """Prepare; nothing is connected yet.

        Args:
            url: where each request goes.
            headers: what each request carries; their values are never spoken about.
            certificates: of TLS; the default trusts what the system does.
            proxy: URL of a proxy, or None to connect directly.
        """
        parsed = parse_url(url)
        self._url: Final = url
        self._certificates: Final = certificates or Certificates()
        self._proxy: Final = proxy
        self._headers: Final = dict(headers)
        self._target: Final = url if self._is_forwarded else parsed.request_uri
        self._pid = 0
        self._pool: Any = None
        with contextlib.suppress(UnansweredError):  # it is raised again by each request
            self._open()  # now, for what this may import

    @property
    def _is_forwarded(self) -> bool:
        """Whether a proxy gets the whole URL; over TLS it gives us a tunnel instead."""
        return self._proxy is not None and urlsplit(self._url).scheme == "http" and not self._proxy.lower().startswith("socks")

    def post(self, body: bytes, deadline: float) -> Answer:
        """Send a request and return the answer, whatever it says.

        Args:
            body: the request's body.
            deadline: the whole exchange ends by this moment of ``time.monotonic``.

        Raises:
            UnansweredError: there is no answer by then, or none that can be understood.
        """
        pool = self._pool
        if pool is None or self._pid != os.getpid():
            pool = self._open()
        with until(deadline):
            try:
                response = pool.urlopen(
                    "POST",
                    self._target,
                    body=body,
                    headers=self._headers,
                    retries=False,
                    redirect=False,
                    assert_same_host=False,
                    timeout=Timeout(total=max(deadline - time.monotonic(), 0.001)),
                    preload_content=False,
                    decode_content=False,
                )
            except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
                raise _unanswered(error, deadline) from error
            return _answer(response)

    def close(self) -> None:
        """Let go of the connections that are not in use."""
        pool, self._pool = self._pool, None
        if pool is not None and self._pid == os.getpid():
            pool.close()

    def _open(self) -> Any:
        """Make the pool, anew in a child after fork: the sockets and locks of the old one are its parent's."""
        options: dict[str, Any] = {
            "maxsize": _IDLE,
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": self._certificates.authorities or _fallback_authorities(self._url),
            "cert_file": self._certificates.own,
            "key_file": self._certificates.key,
        }
        try:
            pool = _manager(self._proxy, options).connection_from_url(self._url)
        except (ImportError, HTTPError, ValueError) as error:
            raise UnansweredError(f"there is no such way to the endpoint ({cause_of(error)})", is_ours=True) from error
        self._pool, self._pid = pool, os.getpid()
        return pool


def _manager(proxy: str | None, options: dict[str, Any]) -> PoolManager:
    if proxy is None:
        manager = PoolManager(**options)
    elif proxy.lower().startswith("socks"):
        importlib.import_module("socks")  # PySocks; without it urllib3 warns, and then fails
        from urllib3.contrib.socks import SOCKSProxyManager  # noqa: PLC0415 - rarely wanted

        return SOCKSProxyManager(proxy, **options)  # here the timeouts of urllib3 hold alone
    else:
        credentials = parse_url(proxy).auth
        headers = {} if credentials is None else make_headers(proxy_basic_auth=unquote(credentials))
        manager = ProxyManager(proxy, proxy_headers=headers, **options)
    manager.pool_classes_by_scheme = POOLS
    return manager


def _fallback_authorities(url: str) -> str | None:
    """Return the authorities of ``certifi`` where the system has none and that package is installed."""
    if not url.lower().startswith("https:"):
        return None
    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return None
    try:
        import certifi  # noqa: PLC0415 - rarely needed
    except ImportError:
        return None
    return certifi.where()


def _answer(response: Any) -> Answer:
    """Take what an answer says."""
    said, body = shorten(f"HTTP {response.status} {response.reason or ''}"), b""
    try:
        body = read_answer(response)
    except (HTTPError, OSError, http.client.HTTPException) as error:
        if response.status == OK:  # the server may have taken the request; what any other status says is clear without the body
            raise UnansweredError(shorten(f"{said}, but the answer broke off ({cause_of(error)})")) from error
    return Answer(status=response.status, said=said, body=body, headers=response.headers)


def _unanswered(error: Exception, deadline: float) -> UnansweredError:
    """Return what it means that there is no answer."""
    if isinstance(error, ValueError) and not isinstance(error, ProtocolError):
        return UnansweredError(f"the request cannot be sent ({cause_of(error)})", is_ours=True)
    if time.monotonic() >= deadline:
        return UnansweredError(f"no answer in time ({cause_of(error)})", may_repeat=isinstance(error, ConnectTimeoutError))
    if isinstance(error, ProxyError):
        return UnansweredError(shorten(f"the proxy does not pass it on ({cause_of(error)})"), may_repeat=True)
    return UnansweredError(cause_of(error), may_repeat=True, is_cut=isinstance(error, ProtocolError))
