"""Connections: how many there may be, and that idle ones shut nobody out."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import aiohttp
import pytest
from aiohttp import web

from streamproc.web import connections, responses
from tests.waiting import LIMIT_S
from tests.web.live_site import LiveSite

SOCKETS = 258
"""More than may be answered at once."""


@contextmanager
def held(
    site: LiveSite,
    count: int,
    data: bytes = b"",
    peer: str = "127.0.0.1",
) -> Iterator[list[socket.socket]]:
    """Connections of one peer that have sent some bytes and stay open."""
    links = [
        socket.create_connection(
            ("127.0.0.1", site.port), timeout=LIMIT_S, source_address=(peer, 0)
        )
        for _ in range(count)
    ]
    try:
        for link in links:
            link.sendall(data)
        yield links
    finally:
        for link in links:
            with suppress(OSError):  # turned away, and closed there
                link.shutdown(socket.SHUT_WR)
        for link in links:
            drain(link)
            link.close()


def drain(link: socket.socket) -> None:
    """Read on until the server lets go: it counts the connection no more."""
    with suppress(ConnectionResetError):
        while link.recv(65_536):
            pass


def first_line(link: socket.socket) -> bytes:
    """The status line of an answer; empty when the connection just ends."""
    return link.recv(65_536).split(b"\r\n")[0]


def ask(site: LiveSite, path: str, peer: str = "127.0.0.1") -> bytes:
    """Status line of what a peer is answered."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with held(site, 1, request, peer) as (link,):
        return first_line(link)


def announced(path: str) -> bytes:
    """The header of a request whose body never comes."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n".encode()
    )


@pytest.mark.parametrize("path", ["/login", "/logout", "/get_report", "/api/v1/polls"])
def test_bodies_announced_and_never_sent_shut_nobody_out(
    site: LiveSite, path: str
) -> None:
    """A request counts as one of those answered at once when its body is there."""
    with held(site, SOCKETS, announced(path)):
        assert site.get("/api/v1/overview").status == 200
        assert site.get("/health").status == 200


def test_a_worker_without_a_signature_is_refused_before_its_body(
    site: LiveSite,
) -> None:
    """By its header: nobody waits for what it says it will send."""
    with held(site, 1, announced("/_cluster/call")) as (link,):
        assert b" 401 " in first_line(link)


def test_one_peer_has_half_of_the_connections(
    start_site: Callable[..., LiveSite],
) -> None:
    """Beyond it the peer is told 503, while another one is answered."""
    site = start_site(web_connections=8)
    with held(site, 4):
        assert b" 503 " in ask(site, "/")
        assert b" 200 " in ask(site, "/", "127.0.0.2")


def test_connections_too_many_are_turned_away(
    start_site: Callable[..., LiveSite],
) -> None:
    """They are told 503; those that were there are still served."""
    site = start_site(web_connections=8)
    with held(site, 4) as links, held(site, 4, peer="127.0.0.2"):
        assert b" 503 " in ask(site, "/", "127.0.0.3")
        links[0].sendall(b"GET /tables HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b" 200 " in first_line(links[0])


def test_probes_are_answered_when_all_connections_are_taken(
    start_site: Callable[..., LiveSite],
) -> None:
    """A few more are let in to ask for /health and /ready, the newest first."""
    site = start_site(web_connections=8)
    with (
        held(site, 4),
        held(site, 4, peer="127.0.0.2"),
        held(site, 2 * connections.SPARE, peer="127.0.0.3"),
    ):
        for path in ("/health", "/ready"):
            assert b" 200 " in ask(site, path)
            assert b" 200 " in ask(site, path, "127.0.0.3")


def test_a_connection_that_ended_makes_room(
    start_site: Callable[..., LiveSite],
) -> None:
    """Closed ones no longer count, neither in all nor for their peer."""
    site = start_site(web_connections=8)
    with held(site, 4):
        assert b" 503 " in ask(site, "/tables")
    deadline = time.monotonic() + LIMIT_S
    while b" 200 " not in ask(site, "/tables"):
        assert time.monotonic() < deadline


async def test_a_reader_that_takes_nothing_in_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer that is not read keeps neither its connection nor its memory."""
    body = bytes(32 << 20)  # more than the system takes

    async def answer(request: web.Request) -> web.Response:
        response = web.Response(body=body)
        await responses.deliver(request, response)
        return response

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        assert await response.read() == body
    monkeypatch.setattr(responses, "DELIVERY_TIMEOUT_S", 0.5)
    _, link = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    link.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert runner.server is not None
    async with asyncio.timeout(LIMIT_S):
        while not runner.server.connections:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
        while runner.server.connections:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.01)
    link.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_a_peer_is_an_address_or_a_network_of_version_6(
    address: str, peer: str
) -> None:
    """Who has one address of version 6 has the 2**64 beside it, too."""
    assert connections.peer_of(address) == peer
