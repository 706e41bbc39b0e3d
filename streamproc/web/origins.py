"""Where a request comes from: this machine, a proxy, a page of another site."""

import ipaddress
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")

_PROXIED = (
    *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip"),
    *("cf-connecting-ip", "true-client-ip", "x-envoy-external-address"),
)
_PROXIED_BEGINS = "x-forwarded"


def host_name(netloc: str) -> str:
    """Name of a Host header, without port, in lower case; empty when it is none."""
    try:
        name = urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""
    return name.rstrip(".") if "@" not in netloc and "/" not in netloc else ""


def is_local(request: web.Request) -> bool:
    """Whether it comes from this machine, with no sign of a proxy on it.

    Such signs are the headers that proxies add, a name that is not this machine's,
    and a version of HTTP that proxies speak unless told otherwise.
    """
    return (
        _is_loopback(request.remote or "")
        and host_name(request.headers.get("Host", "")) in LOCAL_NAMES
        and request.version >= HttpVersion11
        and not any(map(_is_of_a_proxy, request.headers))
    )


def _is_of_a_proxy(header: str) -> bool:
    name = header.lower()
    return name in _PROXIED or name.startswith(_PROXIED_BEGINS)


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def is_same_site(request: web.Request) -> bool:
    """Whether no browser says that a page of another site has sent it."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    own = request.headers.get("Host", "").lower()
    same = origin is None or origin.partition("://")[2].lower() == own
    return same and site in ("same-origin", "none")
