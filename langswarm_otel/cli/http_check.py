"""Sends one empty export request over HTTP, the way the exporter would, and explains the answer."""

from __future__ import annotations

import gzip
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.cli.address_checks import Address, speaks_http2, speaks_tls, within
from langswarm_otel.cli.findings import ENDPOINT_SETTINGS, HEADER_SETTINGS, PROTOCOL_SETTINGS, Finding, bad, good, of_status
from langswarm_otel.endpoints import mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.config import OtlpTarget, SignalName

_PACK: Final[dict[str, Callable[[bytes], bytes]]] = {"gzip": gzip.compress, "deflate": zlib.compress}
_LONGEST_ANSWER: Final = 64 * 1024
_OK: Final = 200
_BAD_REQUEST: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back from a POST."""

    status: int
    """HTTP status."""

    content_type: str
    """Content type; empty when the server did not say."""

    location: str | None
    """Where a redirect points, masked."""

    body: bytes
    """The first 64 KiB of the body."""

    seconds: float
    """How long it took."""


def check_http(signal: SignalName, target: OtlpTarget, timeout_s: float) -> Finding:
    """Send an empty request of one signal through ``requests``, as the exporter does, and require a full success.

    No text of an error or of an answer is repeated: it may hold a header's value.
    """
    import requests  # noqa: PLC0415 - on use

    shown, address = mask(target.url), Address.of(target.url)
    try:
        answer = within(timeout_s, lambda: _post(target, timeout_s))
    except (TimeoutError, requests.Timeout):
        mend = "the receiver hangs or is overloaded: look at its log"
        return bad(signal, f"{shown} accepted the request but did not answer within {timeout_s:g} s", mend)
    except requests.exceptions.ProxyError:
        return bad(signal, f"the proxy {proxy_of(target.url)} does not pass it on", "correct HTTPS_PROXY, or list the host in NO_PROXY")
    except requests.exceptions.InvalidHeader:
        return bad(signal, "a header cannot be sent: it has a line end, or blanks around it", f"correct {HEADER_SETTINGS}")
    except (requests.RequestException, OSError) as error:
        return _explain_broken_http(signal, address, timeout_s, type(error).__name__)
    if answer.status == _BAD_REQUEST and not address.tls and speaks_tls(address, timeout_s):  # what Go's TLS servers answer plain HTTP
        return _tls_only(signal, address)
    return _judge(signal, shown, answer)


def _judge(signal: SignalName, shown: str, answer: Answer) -> Finding:
    """Require status 200 and the response message of OTLP."""
    if answer.status != _OK:
        return of_status(signal, answer.status, shown, answer.location)
    if not _is_otlp_answer(signal, answer):
        mend = f"{ENDPOINT_SETTINGS} must name an OTLP/HTTP receiver"
        return bad(signal, f"HTTP 200 from {shown}, but not from an OTLP receiver", mend)
    return good(signal, f"HTTP 200 from {shown} ({answer.seconds * 1000:.0f} ms)")


def proxy_of(url: str) -> str | None:
    """Return the proxy that requests to a URL go through, as the exporter takes it from the environment; without credentials."""
    import requests.utils  # noqa: PLC0415 - on use

    proxy = requests.utils.select_proxy(url, dict(requests.utils.get_environ_proxies(url)))
    return None if proxy is None else f"{proxy.partition('://')[0]}://{proxy.rpartition('://')[2].rpartition('@')[2]}"


def _post(target: OtlpTarget, timeout_s: float) -> Answer:
    """Send an empty request and read the beginning of the answer."""
    import requests  # noqa: PLC0415 - on use

    begun = time.monotonic()
    headers = {**target.headers, "Content-Type": "application/x-protobuf"}
    body = b""
    if target.compression in _PACK:
        headers["Content-Encoding"] = target.compression
        body = _PACK[target.compression](body)
    certificate: Any = target.client_certificate_file
    if certificate is not None and target.client_key_file is not None:
        certificate = (certificate, target.client_key_file)
    with (
        requests.Session() as session,
        session.post(
            target.url,
            data=body,
            headers=headers,
            timeout=timeout_s,
            allow_redirects=False,
            stream=True,
            verify=target.certificate_file or True,
            cert=certificate,
        ) as response,
    ):
        location = response.headers.get("location")
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            location=None if location is None else mask(location),
            body=response.raw.read(_LONGEST_ANSWER, decode_content=True),
            seconds=time.monotonic() - begun,
        )


def _explain_broken_http(signal: SignalName, address: Address, timeout_s: float, error: str) -> Finding:
    """Find out who answers where no HTTP/1.1 answer came."""
    if speaks_http2(address, timeout_s):
        other = f"{address.host}:4318" if address.port == 4317 else "the OTLP/HTTP port (4318)"  # noqa: PLR2004 - gRPC's port
        return bad(signal, f"{address} is a gRPC server", f"write {other} in {ENDPOINT_SETTINGS}, or grpc in {PROTOCOL_SETTINGS}")
    if not address.tls and speaks_tls(address, timeout_s):
        return _tls_only(signal, address)
    return bad(signal, f"{address} did not answer in HTTP ({error})", f"{ENDPOINT_SETTINGS} must name an OTLP/HTTP receiver")


def _tls_only(signal: SignalName, address: Address) -> Finding:
    return bad(signal, f"{address} speaks TLS only", f"write https:// in {ENDPOINT_SETTINGS}")


def _is_otlp_answer(signal: SignalName, answer: Answer) -> bool:
    """Whether a body is the response message; some receivers send an empty one, or JSON, without saying so."""
    if not answer.body:
        return True
    if "json" in answer.content_type:
        return answer.body.lstrip().startswith(b"{")
    if "html" in answer.content_type:
        return False
    from langswarm_otel.receiver.decode import load_codecs  # noqa: PLC0415 - on use

    try:
        load_codecs()[f"/v1/{signal}"].response.FromString(answer.body)
    except Exception:  # noqa: BLE001 - protobuf's DecodeError is a class of a C extension
        return False
    return True
