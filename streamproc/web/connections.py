"""Which connections are let in: so many in all, half of them to one peer at most.

A few more, the spare ones, are let in to ask for /health and /ready: whoever takes
all connections must not make a supervisor believe that the worker is dead.
"""

import asyncio
import ipaddress
from collections import Counter

from aiohttp import web

HEADER_TIMEOUT_S = 10.0
SPARE = 32
SPARE_TIMEOUT_S = 2.0
PEER_SHARE = 0.5
"""How much of all connections one peer may have; a reverse proxy is one peer."""

_TURNED_AWAY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: 0\r\n\r\n"
)
_NETWORK_BITS = 64


def peer_of(address: str) -> str:
    """Who is at an address: of version 6, the network that a site is given."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address) or ip.is_loopback:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    network = ipaddress.ip_network((ip, _NETWORK_BITS), strict=False)
    return str(network.network_address)


class _Door(asyncio.Protocol):
    """A new connection, until it is known whose it is."""

    def __init__(self, connections: "Connections") -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        address = transport.get_extra_info("peername") or ("",)
        protocol = self._connections.admit(peer_of(str(address[0])))
        if protocol is None:
            _turn_away(transport)
        else:
            transport.set_protocol(protocol)
            protocol.connection_made(transport)


def _turn_away(transport: asyncio.Transport) -> None:
    """Tell of a connection too many, and close it."""
    transport.write(_TURNED_AWAY)
    transport.close()


class Connections:
    """The connections that are open; lives in the web's event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_peer = max(int(most * PEER_SHARE), 1)
        #: Makes a connection's protocol and knows which are open; set on start.
        self.server: web.Server
        self._peers: dict[web.RequestHandler, str] = {}
        self._spare: dict[web.RequestHandler, str] = {}
        self._silent: set[web.RequestHandler] = set()

    def accept(self) -> asyncio.Protocol:
        """Protocol of a connection that has just been opened."""
        return _Door(self)

    def admit(self, peer: str) -> web.RequestHandler | None:
        """Take a peer's connection in; None when it is one too many."""
        self._forget_closed()
        kept, timeout_s = self._peers, HEADER_TIMEOUT_S
        if self._is_full(peer):
            kept, timeout_s = self._spare, SPARE_TIMEOUT_S
            if len(kept) >= SPARE and not self._drop_a_silent_spare():
                return None
        connection = self.server()
        kept[connection] = peer
        self._silent.add(connection)
        loop = asyncio.get_running_loop()
        loop.call_later(timeout_s, self._close_when_silent, connection)
        return connection

    def heard(self, request: web.BaseRequest) -> None:
        """Note that a connection has sent a request's header."""
        self._silent.discard(request.protocol)

    def is_spare(self, request: web.BaseRequest) -> bool:
        """Whether the connection was let in for /health and /ready only."""
        return request.protocol in self._spare

    def _is_full(self, peer: str) -> bool:
        if len(self._peers) >= self._most:
            return True
        if len(self._peers) < self._most_of_peer:
            return False
        return Counter(self._peers.values())[peer] >= self._most_of_peer

    def _forget_closed(self) -> None:
        still_open = set(self.server.connections)
        for kept in (self._peers, self._spare):
            for connection in [c for c in kept if c not in still_open]:
                del kept[connection]

    def _drop_a_silent_spare(self) -> bool:
        """Close the oldest that has not asked anything; False when each has."""
        oldest = next((c for c in self._spare if c in self._silent), None)
        if oldest is None:
            return False
        if oldest.transport is not None:
            _turn_away(oldest.transport)
        self._silent.discard(oldest)
        del self._spare[oldest]
        return True

    def _close_when_silent(self, connection: web.RequestHandler) -> None:
        """Close a connection that never sent its first request's header."""
        if connection in self._silent:
            self._silent.discard(connection)
            connection.force_close()
