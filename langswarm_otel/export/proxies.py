"""Which proxy a request goes through, as the environment says: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_ELSEWHERE_TOO = ("darwin", "win32")
"""Systems whose own settings name proxies, beside the environment."""


def proxy_for(url: str) -> str | None:
    """Return the URL of the proxy for a URL, or None for a direct connection. The names of the variables may be in lower case too.

    ``NO_PROXY`` lists hosts, with all below them, and addresses or networks (``10.0.0.0/8``), separated by commas; ``*`` is everything.
    """
    if sys.platform not in _ELSEWHERE_TOO and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - few have a proxy, and it brings a library along

    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or parts.hostname is None:
        return None
    host = parts.netloc.rpartition("@")[2]
    if proxy_bypass(parts.hostname) or proxy_bypass(host) or _is_listed(parts.hostname, proxies.get("no", "")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_listed(host: str, excluded: str) -> bool:
    """Whether a host is an address within one of the networks of ``NO_PROXY``, which the standard library does not understand."""
    from ipaddress import ip_address  # noqa: PLC0415 - as above

    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_holds(entry.strip(), address) for entry in excluded.split(","))


def _holds(entry: str, address: IPv4Address | IPv6Address) -> bool:
    from ipaddress import ip_network  # noqa: PLC0415 - as above

    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False  # a name
