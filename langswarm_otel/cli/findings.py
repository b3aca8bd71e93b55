"""What a check found: one line of cause and mend, and the words for what servers answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ENDPOINT_SETTINGS: Final = "endpoint= (OTEL_EXPORTER_OTLP_ENDPOINT)"
PROTOCOL_SETTINGS: Final = "protocol= (OTEL_EXPORTER_OTLP_PROTOCOL)"
HEADER_SETTINGS: Final = "headers= (OTEL_EXPORTER_OTLP_HEADERS)"
CERTIFICATE_SETTINGS: Final = "certificate_file= (OTEL_EXPORTER_OTLP_CERTIFICATE)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check."""

    check: str
    """What was checked: ``DNS``, ``port``, ``TLS``, ``proxy`` or a signal."""

    ok: bool
    """Whether it holds."""

    says: str
    """What was found; the cause when it does not hold."""

    mend: str = ""
    """What to do about it, when it does not hold."""

    def __str__(self) -> str:
        return f"{self.says}; {self.mend}" if self.mend else self.says


def good(check: str, says: str) -> Finding:
    """A check that holds."""
    return Finding(check=check, ok=True, says=says)


def bad(check: str, says: str, mend: str) -> Finding:
    """A check that does not hold."""
    return Finding(check=check, ok=False, says=says, mend=mend)


_STATUS: Final = {
    400: ("does not understand an OTLP request", f"{ENDPOINT_SETTINGS} must name an OTLP/HTTP receiver"),
    401: ("wants credentials", f"give them in {HEADER_SETTINGS}"),
    403: ("refuses these credentials", f"correct {HEADER_SETTINGS}"),
    405: ("takes no POST here", f"{ENDPOINT_SETTINGS} must name an OTLP/HTTP receiver"),
    407: ("is a proxy that wants credentials", "correct HTTPS_PROXY, or list the host in NO_PROXY"),
    408: ("gave up waiting", "look at the load of the receiver"),
    413: ("finds an empty request too large", "a proxy in between is set up wrongly"),
    415: ("does not take protobuf, or not this compression", 'try compression="none" (OTEL_EXPORTER_OTLP_COMPRESSION=none)'),
    429: ("takes no more for now", "raise the quota there, or lower sample_ratio"),
    502: ("is a proxy that cannot reach the receiver", "start the receiver behind it"),
    503: ("is overloaded or starting", "wait, or look at its memory_limiter"),
    504: ("is a proxy whose receiver does not answer", "look at the receiver behind it"),
}


def of_status(signal: str, status: int, url: str, location: str | None) -> Finding:
    """Explain an HTTP status that is not 200.

    Args:
        signal: signal that was sent.
        status: the HTTP status.
        url: where it was sent, already masked.
        location: where a redirect points, already masked.
    """
    if 300 <= status < 400:  # noqa: PLR2004 - redirects
        where = f" to {location}" if location else ""
        cause = f"HTTP {status} redirects{where}, which exporters do not follow: everything would be lost without an error"
        return bad(signal, cause, f"put the final address into {ENDPOINT_SETTINGS}")
    if status == 404:  # noqa: PLR2004 - Not Found
        cause = f"HTTP 404: {url} does not exist, as when the Collector has no pipeline for {signal}"
        return bad(signal, cause, f'add the otlp receiver to a {signal} pipeline there, or write {signal}="none", or correct the path')
    if status in _STATUS:
        cause, mend = _STATUS[status]
        return bad(signal, f"HTTP {status}: {url} {cause}", mend)
    if 200 < status < 300:  # noqa: PLR2004 - success without an answer
        return bad(signal, f"HTTP {status}, where OTLP answers 200", f"{ENDPOINT_SETTINGS} must name an OTLP/HTTP receiver")
    return bad(signal, f"HTTP {status} from {url}", "look at the log of the receiver")
