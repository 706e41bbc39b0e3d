"""Addresses the webhook must not call: where a cloud tells credentials to who asks.

A link-local address, or one of those that clouds have chosen beside them, whether it
stands in the URL or a name leads to it. What a name leads to is looked at when the
connection is made, and that same address is then used.
"""

import ipaddress
import socket

from aiohttp import DefaultResolver
from aiohttp.abc import AbstractResolver, ResolveResult

from streamproc.errors import WebhookAddressError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
"""Alibaba, Azure, Oracle, Amazon on IPv6; all others are link-local."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


def is_refused(address: str) -> bool:
    """Whether an IP address is one of those; an IPv4 address may hide in IPv6."""
    ip = ipaddress.ip_address(address)
    return any(one.is_link_local or one in _METADATA for one in (ip, *_within(ip)))


def _within(ip: IpAddress) -> list[IpAddress]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if isinstance(ip, ipaddress.IPv4Address):
        return []
    teredo = ip.teredo[1] if ip.teredo else None
    found = [ip.ipv4_mapped, ip.sixtofour, teredo]
    if ip in _NAT64 or ip in _COMPATIBLE:
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def check_host(host: str, may_be_link_local: bool) -> None:
    """Raise WebhookAddressError when a URL's host is such an address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return  # a name; see GuardedResolver
    if not may_be_link_local and is_refused(host):
        raise _refused(host)


class GuardedResolver(AbstractResolver):
    """Finds the addresses of names, and refuses those that must not be called."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver or DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses; raises WebhookAddressError when one must not be called."""
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            if is_refused(one["host"]):
                raise _refused(host)
        return found

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()


def _refused(host: str) -> WebhookAddressError:
    return WebhookAddressError(
        f"{host} is, or leads to, a link-local or metadata address, which is not called"
        " unless webhook_link_local is on"
    )
