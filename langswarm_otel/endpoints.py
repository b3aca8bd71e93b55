"""Where telemetry goes: one way to read an endpoint, whether an argument or an environment variable gave it.

A *base* endpoint (``endpoint=``, ``OTEL_EXPORTER_OTLP_ENDPOINT``) serves all signals, and ``/v1/<signal>`` is added for OTLP over HTTP.
It may lack the scheme, end in a slash, or carry a signal's path by mistake. The endpoint of one signal
(``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``) is used exactly as it is. Both follow the OTLP exporter specification of OpenTelemetry.
Credentials in a URL are refused in favour of headers, and no message here repeats them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from langswarm_otel.errors import ConfigurationError

Protocol = Literal["http/protobuf", "grpc"]
"""How OTLP travels."""

SignalName = Literal["traces", "metrics", "logs"]
"""The three signals, named as in the paths and variables of OTLP."""

SIGNALS: Final[tuple[SignalName, ...]] = ("traces", "metrics", "logs")

DEFAULT_PORTS: Final[dict[Protocol, int]] = {"http/protobuf": 4318, "grpc": 4317}
"""The ports that OTLP has at IANA."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HALF_SCHEME = re.compile(r"https?:(?!//)", re.IGNORECASE)
_HOST = re.compile(r"[\w~-]+(\.[\w~-]+)*\.?")
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::(.*))?")
_SIGNAL_PATH = re.compile(r"/v1/(?:traces|metrics|logs)$")
_MAX_PORT = 65_535
_EXAMPLE = "write it like http://collector:4318"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint taken apart; ``str()`` puts it together again."""

    scheme: str | None
    """``http`` or ``https``; None if none was written."""

    host: str
    """Name or address in lower case; IPv6 without its brackets."""

    port: int | None
    """Port number; None if none was written."""

    path: str = ""
    """Path with its leading slash and without a trailing one; empty for none."""

    @property
    def is_loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        import ipaddress  # noqa: PLC0415 - most are seen to be on this machine without

        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        return f"{scheme}{host}{port}{self.path}"


def parse_base(field: str, value: object) -> Endpoint:
    """Read a base endpoint.

    Args:
        field: how the user names the setting, for the message.
        value: what the user wrote.

    Raises:
        ConfigurationError: it is no endpoint, or holds credentials, a query or a fragment.
    """
    text = _readable(field, value)
    if "@" in text:
        raise _credentials(field, text)
    if "?" in text or "#" in text:
        raise ConfigurationError(field, mask(text), "a base endpoint has no query and no fragment; send keys with headers={...}")
    return _parse(field, text)


def check_exact(field: str, value: object) -> str:
    """Return the endpoint of one signal as it is, if it is one that can be used.

    Raises:
        ConfigurationError: it is no endpoint, or holds credentials or a fragment.
    """
    text = _readable(field, value)
    address, _, query = text.partition("?")
    if "@" in address:
        raise _credentials(field, text)
    if "#" in address or "#" in query:
        raise ConfigurationError(field, mask(text), "an endpoint has no fragment (#...)")
    _parse(field, address, whole=text)
    return text


def complete(endpoint: Endpoint, protocol: Protocol, *, insecure: bool | None) -> Endpoint:
    """Add the scheme, and with it the port, to an endpoint that has none.

    Without a scheme the port is the protocol's own, and ``insecure`` decides about TLS. If that is not set either, HTTP is plain, and gRPC
    is encrypted, as OpenTelemetry defines it; on loopback, where nothing can be overheard, gRPC is plain too.
    """
    if endpoint.scheme is not None:
        return endpoint
    plain = insecure if insecure is not None else protocol == "http/protobuf" or endpoint.is_loopback
    port = endpoint.port if endpoint.port is not None else DEFAULT_PORTS[protocol]
    return replace(endpoint, scheme="http" if plain else "https", port=port)


def default_endpoint(protocol: Protocol, *, insecure: bool | None = None) -> Endpoint:
    """Return OpenTelemetry's default: a Collector on this machine."""
    return complete(Endpoint(scheme=None, host="localhost", port=None), protocol, insecure=insecure)


def signal_url(base: Endpoint, signal: SignalName, protocol: Protocol) -> str:
    """Return where a signal goes under a complete base endpoint; over gRPC all of them go to the base."""
    return str(base) if protocol == "grpc" else f"{base}/v1/{signal}"


def exact_url(field: str, text: str, protocol: Protocol, *, insecure: bool | None) -> str:
    """Return where the endpoint of one signal points: as it is over HTTP, scheme, host and port of it over gRPC.

    Raises:
        ConfigurationError: it has no scheme, which OTLP over HTTP needs in a signal's own endpoint.
    """
    endpoint = _parse(field, text.partition("?")[0])
    if protocol == "grpc":
        return str(complete(endpoint, protocol, insecure=insecure))
    if endpoint.scheme is None:
        raise ConfigurationError(
            field, mask(text), "the endpoint of one signal is used exactly as it is; begin it with http:// or https://"
        )
    return text


def check_protocol(field: str, url: str, protocol: Protocol, *, insecure: bool | None) -> None:
    """Refuse an endpoint that cannot work with the protocol.

    Raises:
        ConfigurationError: the other protocol's port; a path under gRPC; or ``insecure=False`` beside ``http://`` under gRPC.
    """
    endpoint = _parse(field, url.partition("?")[0])
    shown = mask(url)
    if protocol == "http/protobuf" and endpoint.port == DEFAULT_PORTS["grpc"]:
        raise ConfigurationError(
            field,
            shown,
            'port 4317 is where Collectors take OTLP over gRPC, and the protocol is http/protobuf; write port 4318, or protocol="grpc" '
            "(OTEL_EXPORTER_OTLP_PROTOCOL=grpc)",
        )
    if protocol != "grpc":
        return
    if endpoint.port == DEFAULT_PORTS["http/protobuf"]:
        raise ConfigurationError(
            field,
            shown,
            'port 4318 is where Collectors take OTLP over HTTP, and the protocol is grpc; write port 4317, or protocol="http/protobuf" '
            "(OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)",
        )
    if endpoint.path:
        raise ConfigurationError(field, shown, 'gRPC has no path; end the endpoint after the port, or write protocol="http/protobuf"')
    # The specification says that the scheme decides; the Python exporter lets OTEL_EXPORTER_OTLP_INSECURE=false win. Neither may surprise.
    if endpoint.scheme == "http" and insecure is False:
        raise ConfigurationError(field, shown, "http:// is not encrypted, and insecure is false; write https://, or leave insecure out")


def mask(text: str) -> str:
    """Return the endpoint without what may be secret: credentials before the host, and the query."""
    text = re.sub(rf"^({_SCHEME.pattern})?.*@", lambda found: f"{found.group(1) or ''}***@", text, flags=re.DOTALL)
    return re.sub(r"\?.*", "?***", text, flags=re.DOTALL)


def _readable(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(field, value, f"an endpoint is a string; {_EXAMPLE}")
    text = value.strip()
    if not text:
        raise ConfigurationError(field, value, f"an endpoint is not empty; {_EXAMPLE}")
    if not text.isprintable() or any(character.isspace() for character in text):
        raise ConfigurationError(field, mask(text), f"an endpoint has no spaces or control characters; {_EXAMPLE}")
    return text


def _credentials(field: str, text: str) -> ConfigurationError:
    mend = "credentials do not belong in a URL, which ends up in logs; send them as headers={'authorization': 'Basic ...'}"
    return ConfigurationError(field, mask(text), f"{mend} (OTEL_EXPORTER_OTLP_HEADERS)")


def _parse(field: str, text: str, *, whole: str | None = None) -> Endpoint:
    """Take an address apart; messages show the whole of what the user wrote, masked, as a secret may begin before the query."""
    written = text if whole is None else whole
    found = _SCHEME.match(text)
    scheme = found.group(1).lower() if found else None
    if scheme not in (None, "http", "https") or _HALF_SCHEME.match(text):
        raise ConfigurationError(field, mask(written), f"the scheme is http:// or https://; {_EXAMPLE}")
    authority, slash, path = text[found.end() if found else 0 :].partition("/")
    host, port = _host_and_port(field, written, authority)
    return Endpoint(scheme=scheme, host=host, port=port, path=_base_path(slash + path))


def _base_path(path: str) -> str:
    before = None
    while path != before:
        before, path = path, _SIGNAL_PATH.sub("", path.rstrip("/"))
    return path


def _host_and_port(field: str, text: str, authority: str) -> tuple[str, int | None]:
    bracketed = _BRACKETED.fullmatch(authority)
    if bracketed:
        import ipaddress  # noqa: PLC0415 - few write addresses of that kind

        host, port = bracketed.group(1), bracketed.group(2)
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ConfigurationError(field, mask(text), "only an IPv6 address stands in brackets, like http://[::1]:4318") from None
    elif authority.count(":") > 1:
        raise ConfigurationError(field, mask(text), "an IPv6 address needs brackets, like http://[::1]:4318")
    else:
        host, colon, number = authority.partition(":")
        port = number if colon else None
        if not _HOST.fullmatch(host):
            raise ConfigurationError(field, mask(text), f"there is no valid host name in it; {_EXAMPLE}")
    if port is None:
        return host.lower(), None
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MAX_PORT and len(port) <= len(str(_MAX_PORT))):
        raise ConfigurationError(field, mask(text), "the port is a number from 1 to 65535")
    return host.lower(), int(port)
